"""pin-match: what was pinned for the host is on the path (RFC 7469 section 2.6's rule).

Only certificates that may issue for the host count, and what stands above one that may not does not:
else whoever has a certificate of the pinned CA could sign with it.

A pin may name keys, issuers, or both; each part that it has must hold. CA owners are looked up in
CCADB's table; where that is not installed, a pin that names nothing but owners cannot be applied.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.pins import matched_key, pins_in_force
from detector.evidence.sharing import Sharing
from detector.known.knowledge import Pin
from detector.model.observation import Evidence, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    for pin in pins_in_force(seen) if seen.known.pins else ():
        key = matched_key(seen, pin)
        if key is not None:
            return _evidence(seen, pin, key)
    return None


def _evidence(seen: Examination, pin: Pin, key: str) -> Evidence:
    shown = seen.path.certificates  # a signer that was not sent stands above them
    position = next((i for i, c in enumerate(shown) if c.spki_sha256 == key), len(shown))
    role = "leaf" if position == 0 else "issuer"
    if key in pin.backup:
        text = f"The {role}'s key is the backup key pinned for {seen.host}."
    elif key in pin.spki:
        text = f"The {role}'s key is the one pinned for {seen.host}."
    else:
        text = f"The issuer is one that the pin for {seen.host} allows."
    # A pinned CA key says who may issue; only with an honest name does it say who answers.
    strength: Strength = "proof" if position == 0 or seen.holds_name else "weak"
    return Evidence("pin-match", "direct", strength, text, {"spki_sha256": key, "role": role})
