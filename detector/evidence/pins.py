"""Which pins apply to an examination, and whether its path fulfils them (RFC 7469 section 2.6)."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.known.knowledge import Pin, current_pins


def pins_in_force(seen: Examination) -> tuple[Pin, ...]:
    """Pins for the host and its port that have not expired when it was observed, and that can be applied."""
    day = seen.observation.at.date()
    pins = seen.known.pins_for(seen.host, seen.observation.target.port)
    return tuple(
        pin for pin in current_pins(pins, day) if pin.keys or pin.issuers or seen.known.owners()
    )


def matched_key(seen: Examination, pin: Pin) -> str | None:
    """The key on the verified path that fulfils `pin`, None when some part of it does not hold.

    Certificates that were only appended are not on the path.
    """
    on_path = [certificate.spki_sha256 for certificate in seen.lawful_path]
    on_path += sorted(
        seen.lawful_unsent_keys
    )  # an issuer that was not sent has signed all the same
    key = next((key for key in pin.keys if key in on_path), None)
    if pin.keys and key is None:
        return None
    if not pin.issuers and not pin.owners:
        return key
    allowed = next((issuer for issuer in on_path[1:] if _is_allowed(seen, pin, issuer)), None)
    return None if allowed is None else key or allowed


def _is_allowed(seen: Examination, pin: Pin, issuer: str) -> bool:
    if issuer in pin.issuers:
        return True
    owner = seen.known.owners().get(issuer) if pin.owners else None
    return owner is not None and owner.casefold() in {name.casefold() for name in pin.owners}
