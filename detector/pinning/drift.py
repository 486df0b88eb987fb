"""What changed since a pin was learned, and does Certificate Transparency explain it?

A new key under a pin is either an ordinary renewal or somebody else. A renewal is public: the leaf is
in a public log, under an issuer that the host had before, that logs know for the host, or that the
pin allows. What is not explained that way is not called a renewal.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from detector.chain.certificate import Certificate
from detector.evidence.examination import Examination
from detector.evidence.pins import matched_key
from detector.evidence.rules import ct_logged
from detector.evidence.sharing import Sharing
from detector.known.knowledge import Pin

DriftKind = Literal[
    "unchanged",  # the pin holds
    "backup",  # the pin holds by a backup key: time to learn the next one
    "renewed",  # a new, logged key under the issuer it had
    "moved",  # a new, logged key under another issuer, which logs know or the pin allows
    "unconfirmed",  # a logged key, but nobody vouches for the issuer
    "unexplained",  # not logged at all
]


class Drift(msgspec.Struct, frozen=True):
    """One pinned host, then and now.

    Attributes:
        explained: ordinary; the pin holds, or should be learned again.
        text: one line for a person.

    """

    host: str
    port: int
    kind: DriftKind
    explained: bool
    text: str


def drift(pin: Pin, seen: Examination) -> Drift:
    """Compare a host with its pin. Raises CertificateError for a leaf that cannot be read."""
    key = matched_key(seen, pin)
    if key is not None and key in pin.backup:
        return _told(seen, "backup", "a backup key is in use; pin the next one")
    if key is not None:
        return _told(seen, "unchanged", "the pin holds")
    logged = seen.sct_verified or ct_logged.find(seen, Sharing()) is not None
    if not (seen.is_public_path and logged and seen.holds_name):
        return _told(seen, "unexplained", _why_not(seen, logged=logged))
    learned = pin.learned
    issuer = seen.issuer
    name = issuer.subject_fields.get("CN", ["?"])[0] if isinstance(issuer, Certificate) else "?"
    since = seen.leaf.not_before.date().isoformat()
    if learned is not None and learned.issuer == seen.issuer_spki_sha256:
        return _told(seen, "renewed", f"an ordinary renewal of {since}, by {name} as before")
    known = seen.known_issuers
    if known and seen.issuer_spki_sha256 in known.spki:
        text = f"a logged certificate of {since} by {name}, which logs know for the host"
        return _told(seen, "moved", text)
    if _owned_as_before(pin, seen):
        text = f"a logged certificate of {since} by {name}, of the same CA owner as before"
        return _told(seen, "moved", text)
    before = f" instead of {learned.issuer_name}" if learned and learned.issuer_name else ""
    text = f"a logged certificate of {since} by {name}{before}; ask tlsight ct {seen.host}"
    return _told(seen, "unconfirmed", text)


def _owned_as_before(pin: Pin, seen: Examination) -> bool:
    if pin.learned is None or pin.learned.issuer is None:
        return False
    owners = seen.known.owners()
    before = owners.get(pin.learned.issuer)
    return before is not None and before == owners.get(seen.issuer_spki_sha256 or "")


def _why_not(seen: Examination, *, logged: bool) -> str:
    if not seen.is_public_path:
        return f"another key, and the path is {seen.path.kind}: {seen.leaf.issuer_text}"
    if not seen.holds_name:
        return "another key, in a certificate for another name"
    assert not logged
    return "another key, and no log vouches for the certificate"


def _told(seen: Examination, kind: DriftKind, text: str) -> Drift:
    port = seen.observation.target.port
    return Drift(seen.host, port, kind, kind not in ("unconfirmed", "unexplained"), text)
