"""The centre's list, and whether a gateway takes one that it is shown.

Rules
-----
1. The head is small, signed, and made anew at every round: the list's serial, digest and size, the time, and which
   batches were taken. The list itself is fetched only where the head names another one than the one in force.
2. A serial is the number of changes in the centre's store. A list is taken when its serial is higher than that of
   the last one taken; a lower one is an old list shown again. The clock decides nothing.
3. The same serial with another content is two centres that have one key (a copied store), or one that was put back
   from a backup: it is refused, and people are told. `sync advance` at the right one lifts its serial above.
4. A list is taken whole or not at all. One with a rule that this version cannot read is refused: half a list of
   exceptions is not what its author meant.
5. The content is canonical (sorted by pattern, without what has its default), so that the same rules are the
   same bytes in every version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from addons.bypass.change import lean
from addons.bypass.ledger import Placed
from addons.bypass.rule import RuleRow, kept_rule
from addons.sync.sealed import UnsealedError
from detector.errors import TargetError
from detector.model.no_json import NO_JSON

MAX_HEAD, MAX_LIST, MAX_RULES = 256 << 10, 64 << 20, 200_000
Answer = Literal["other", "same", "older", "forked"]


class Head(msgspec.Struct, frozen=True):
    """What the centre says at every round.

    Attributes:
        serial: of the list.
        at: the centre's clock.
        digest: SHA-256 of the list, in hex.
        size: of the list, in bytes.
        taken: the last batch taken of each gateway, by what only it and the centre know it by (`mark_of`).

    """

    serial: int
    at: datetime
    digest: str
    size: int
    taken: dict[str, int] = {}


class _Row(msgspec.Struct, frozen=True, omit_defaults=True):
    row: dict[str, Any]
    state: Literal["approved", "trial"] = "approved"
    until: str | None = None


def head_of(content: bytes) -> Head:
    """Raises UnsealedError for what is none."""
    try:
        head = msgspec.json.decode(content, type=Head)
    except NO_JSON:
        raise UnsealedError("its head is in another form: update tlsight here") from None
    if not 0 <= head.serial < 1 << 53 or not 0 <= head.size <= MAX_LIST or head.at.tzinfo is None:
        raise UnsealedError("its head says what cannot be")
    return head


def list_of(rules: Mapping[str, Placed]) -> bytes:
    """The content of a list. Drafts are no part of it."""
    encoder = msgspec.json.Encoder(order="sorted")
    return b"".join(
        encoder.encode(_Row(lean(one.row), one.state, one.until)) + b"\n"  # type: ignore[arg-type]
        for _, one in sorted(rules.items())
        if one.row is not None and one.state != "draft"
    )


def rules_of(content: bytes, head: Head) -> dict[str, Placed]:
    """The rules by pattern. Raises UnsealedError where it is not the list that the head names, or not readable."""
    if len(content) != head.size or digest_of(content) != head.digest:
        raise UnsealedError(
            "the list is not the one that its head names: it is damaged or half there"
        )
    found: dict[str, Placed] = {}
    decoder = msgspec.json.Decoder(_Row)
    for number, line in enumerate(content.splitlines(), 1):
        if number > MAX_RULES:
            raise UnsealedError(f"the list has more than {MAX_RULES} rules")
        try:
            one = decoder.decode(line)
            row = msgspec.convert(one.row, RuleRow)
            if one.until is not None and datetime.fromisoformat(one.until).tzinfo is None:
                raise ValueError("no zone")
            if (one.state == "trial") != (one.until is not None):
                raise ValueError("a trial has an end, and nothing else has")
            pattern = kept_rule(row).pattern
        except (*NO_JSON, ValueError, TargetError):
            raise UnsealedError(
                f"rule {number} of the list cannot be read here: update tlsight on this gateway"
            ) from None
        if pattern in found:
            raise UnsealedError(f"the list has two rules for {pattern}")
        found[pattern] = Placed(row, one.state, one.until)
    return found


def compared(head: Head, serial: int | None, digest: str) -> Answer:
    """A head beside the list in force; `serial` is None where none was taken yet."""
    if serial is None or head.serial > serial:
        return "other"
    if head.serial < serial:
        return "older"
    return "same" if head.digest == digest else "forked"


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def mark_of(secret: bytes) -> str:
    """By which a gateway finds itself in a head that all gateways read."""
    return hashlib.sha256(b"tlsight bypass sync mark\0" + secret).hexdigest()[:32]
