"""pin-mismatch: keys are pinned for the host, and none of them is on the path."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.pin_match import matched_key, pins_in_force
from detector.evidence.sharing import Sharing
from detector.model import Evidence, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    pins = pins_in_force(seen) if seen.known.pins else ()
    if not pins or matched_key(seen) is not None:
        return None
    expected = sorted({key for pin in pins for key in pin.spki})
    presented = [certificate.spki_sha256 for certificate in seen.path.certificates]
    # A public path may be an ordinary renewal that the pin's owner forgot to announce.
    strength: Strength = "strong" if seen.is_public_path else "proof"
    text = f"None of the keys pinned for {seen.host} is on the path."
    details = {"expected": expected, "presented": presented}
    return Evidence("pin-mismatch", "intercepted", strength, text, details)
