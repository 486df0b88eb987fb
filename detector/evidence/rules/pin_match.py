"""pin-match: what was pinned for the host is on the path (RFC 7469 section 2.6's rule).

Only certificates that may issue for the host count, and what stands above one that may not does not:
else whoever has a certificate of the pinned CA could sign with it.

A pin may name keys, issuers, or both; each part that it has must hold. CA owners are looked up in
CCADB's table; where that is not installed, a pin that names nothing but owners cannot be applied.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.known.knowledge import Pin
from detector.model.observation import Evidence, Strength


def pins_in_force(seen: Examination) -> tuple[Pin, ...]:
    """Pins for the host that have not expired when it was observed, and that can be applied."""
    day = seen.observation.at.date()
    pins = seen.known.pins_for(seen.host)
    current = (pin for pin in pins if pin.expires is None or day <= pin.expires)
    return tuple(pin for pin in current if pin.keys or pin.issuers or seen.known.owners())


def matched_key(seen: Examination, pin: Pin) -> str | None:
    """The key on the verified path that fulfils `pin`, None when some part of it does not hold.

    Certificates that were only appended are not on the path.
    """
    on_path = [certificate.spki_sha256 for certificate in seen.lawful_path]
    key = next((key for key in pin.keys if key in on_path), None)
    if pin.keys and key is None:
        return None
    if not pin.issuers and not pin.owners:
        return key
    allowed = next((issuer for issuer in on_path[1:] if _is_allowed(seen, pin, issuer)), None)
    return None if allowed is None else key or allowed


def find(seen: Examination, _: Sharing) -> Evidence | None:
    for pin in pins_in_force(seen) if seen.known.pins else ():
        key = matched_key(seen, pin)
        if key is not None:
            return _evidence(seen, pin, key)
    return None


def _evidence(seen: Examination, pin: Pin, key: str) -> Evidence:
    position = next(i for i, c in enumerate(seen.path.certificates) if c.spki_sha256 == key)
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


def _is_allowed(seen: Examination, pin: Pin, issuer: str) -> bool:
    if issuer in pin.issuers:
        return True
    owner = seen.known.owners().get(issuer) if pin.owners else None
    return owner is not None and owner.casefold() in {name.casefold() for name in pin.owners}
