"""An audit trail that shows when somebody changed it: each entry carries the digest of the one before.

Rules
-----
1. The digest of an entry is SHA-256 over the digest before it and all its own fields, as JSON with sorted
   keys. The first entry follows sixty-four zeros.
2. A changed, added or missing entry breaks the chain at its place.
3. Who can write the file can also make the whole chain anew. So each digest is signed (Ed25519, RFC 8032) with
   a key that is not in the file, and the last one is kept outside it as a `Head`.
4. Entries of before there was a key are not signed, and come before all that are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

GENESIS = "0" * 64
# What a signature is about, so that none made for something else counts here.
_CONTEXT = b"tlsight bypass audit 1\0"


class AuditEntry(msgspec.Struct, frozen=True):
    """One decision.

    Attributes:
        number: counts from 1 without a gap.
        at: ISO 8601, UTC.
        by: the user by name, or the program, that decided, as the environment says.
        action: what was done, e.g. "approve".
        subject: the rule's pattern or the candidate's host.
        details: everything that was decided, as JSON.
        digest: of this entry and all before it.
        who: `Actor` as JSON; None in entries of old.
        signature: of number and digest, hex; None in entries of old.

    """

    number: int
    at: str
    by: str
    action: str
    subject: str
    details: str
    digest: str
    who: str | None = None
    signature: str | None = None


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who ran the process that decided.

    Attributes:
        uid: the real user id, which the kernel vouches for; None on Windows.
        user: the account with this id.
        sudo_uid: what SUDO_UID claims; anybody can set it.
        login: the login session's account and uid, or how somebody got into the page.

    """

    uid: int | None = None
    user: str | None = None
    sudo_uid: str | None = None
    login: str | None = None


class Head(msgspec.Struct, frozen=True):
    """An entry's number and digest with their signature: kept elsewhere, it tells that the trail was cut.

    Attributes:
        key: the public key, raw, in hex.

    """

    number: int
    digest: str
    key: str
    signature: str


def chained(
    previous: str,
    at: str,
    by: str,
    action: str,
    subject: str,
    details: str,
    who: str | None = None,
) -> str:
    """The digest of an entry behind the one with the digest `previous`."""
    fields = {"at": at, "by": by, "action": action, "subject": subject, "details": details}
    if who is not None:
        fields["who"] = who
    body = msgspec.json.encode({"previous": previous, **fields}, order="sorted")
    return hashlib.sha256(body).hexdigest()


def breaks(entries: Iterable[AuditEntry]) -> Iterator[tuple[int, str]]:
    """Number and fault of each entry that does not follow from the one before it."""
    previous = GENESIS
    for number, entry in enumerate(entries, 1):
        if entry.number != number:
            yield number, f"entry {number} is missing"
            return  # nothing behind it has the place that it says
        expected = chained(
            previous, entry.at, entry.by, entry.action, entry.subject, entry.details, entry.who
        )
        if entry.digest != expected:
            yield number, f"entry {number} was changed, or one before it"
        previous = entry.digest


def first_break(entries: Iterable[AuditEntry]) -> str | None:
    """What is wrong with a trail, from its beginning; None where every link holds."""
    return next((fault for _, fault in breaks(entries)), None)


def signed_text(number: int, digest: str) -> bytes:
    """What an entry's signature is made over."""
    return _CONTEXT + f"{number} {digest}".encode()


def is_signed(number: int, digest: str, signature: str, key: str) -> bool:
    """Whether the key (raw, hex) made the signature (hex)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), signed_text(number, digest))
    except (InvalidSignature, ValueError):
        return False
    return True
