"""An audit trail that shows when somebody changed it: each entry carries the digest of the one before.

Rules
-----
1. The digest of an entry is SHA-256 over the digest before it and all its own fields, as JSON with sorted
   keys. The first entry follows sixty-four zeros.
2. A changed, added or missing entry breaks the chain at its place. Entries cut off at the end break nothing:
   note the last digest elsewhere (`bypass audit verify` prints it) and give it back with `--head`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

GENESIS = "0" * 64


class AuditEntry(msgspec.Struct, frozen=True):
    """One decision.

    Attributes:
        number: counts from 1 without a gap.
        at: ISO 8601, UTC.
        by: the user, or the program, that decided.
        action: what was done, e.g. "approve".
        subject: the rule's pattern or the candidate's host.
        details: everything that was decided, as JSON.
        digest: of this entry and all before it.

    """

    number: int
    at: str
    by: str
    action: str
    subject: str
    details: str
    digest: str


def chained(previous: str, at: str, by: str, action: str, subject: str, details: str) -> str:
    """The digest of an entry behind the one with the digest `previous`."""
    fields = {"at": at, "by": by, "action": action, "subject": subject, "details": details}
    body = msgspec.json.encode({"previous": previous, **fields}, order="sorted")
    return hashlib.sha256(body).hexdigest()


def first_break(entries: Iterable[AuditEntry]) -> str | None:
    """What is wrong with a trail, from its beginning; None where every link holds."""
    previous = GENESIS
    for number, entry in enumerate(entries, 1):
        if entry.number != number:
            return f"entry {number} is missing"
        expected = chained(previous, entry.at, entry.by, entry.action, entry.subject, entry.details)
        if entry.digest != expected:
            return f"entry {number} was changed, or one before it"
        previous = entry.digest
    return None
