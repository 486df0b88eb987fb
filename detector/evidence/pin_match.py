"""pin-match: a key that was pinned for the host is on the path (RFC 7469 section 2.6's rule)."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.known import Pin
from detector.evidence.sharing import Sharing
from detector.model import Evidence, Strength


def pins_in_force(seen: Examination) -> tuple[Pin, ...]:
    """Pins for the host that have not expired when it was observed."""
    day = seen.observation.at.date()
    pins = seen.known.pins_for(seen.host)
    return tuple(pin for pin in pins if pin.expires is None or day <= pin.expires)


def matched_key(seen: Examination) -> str | None:
    """The pinned key (hex) on the verified path. Appended certificates are not on it."""
    on_path = {certificate.spki_sha256 for certificate in seen.path.certificates}
    for pin in pins_in_force(seen):
        for key in pin.spki:
            if key in on_path:
                return key
    return None


def find(seen: Examination, _: Sharing) -> Evidence | None:
    key = matched_key(seen) if seen.known.pins else None
    if key is None:
        return None
    position = next(i for i, c in enumerate(seen.path.certificates) if c.spki_sha256 == key)
    role = "leaf" if position == 0 else "issuer"
    text = f"The {role}'s key is the one pinned for {seen.host}."
    # A pinned CA key says who may issue; only with an honest name does it say who answers.
    strength: Strength = "proof" if position == 0 or seen.holds_name else "weak"
    return Evidence("pin-match", "direct", strength, text, {"spki_sha256": key, "role": role})
