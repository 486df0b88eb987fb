"""pin-mismatch: keys are pinned for the host, and none of them is on the path."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.rules.pin_match import matched_key, pins_in_force
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    pins = pins_in_force(seen) if seen.known.pins else ()
    if not pins or any(matched_key(seen, pin) is not None for pin in pins):
        return None
    expected = sorted({key for pin in pins for key in (*pin.keys, *pin.issuers)})
    presented = [certificate.spki_sha256 for certificate in seen.path.certificates]
    # A public path may be an ordinary renewal that the pin's owner forgot to announce.
    strength: Strength = "strong" if seen.is_public_path else "proof"
    if any(set(pin.keys) & set(presented) for pin in pins):
        text = f"The pinned key is on the path, but no issuer that the pin for {seen.host} allows."
    elif any(pin.keys for pin in pins):
        text = f"None of the keys pinned for {seen.host} is on the path."
    else:
        text = f"None of the issuers that the pin for {seen.host} allows is on the path."
    owners = sorted({owner for pin in pins for owner in pin.owners})
    details = {"expected": expected, "presented": presented} | (
        {"owners": owners} if owners else {}
    )
    return Evidence("pin-mismatch", "intercepted", strength, text, details)
