"""Does the trail hold, is it all of it, and do the rules follow from it?

What each layer proves
----------------------
1. The chain: no entry was changed, added between, or taken out, by somebody who did not make it anew.
2. Signatures: no entry was made by somebody without the key, so the chain was not made anew.
3. Heads kept beside the key: nothing was cut off since, and no older copy took the file's place.
4. The replay: the rules and the candidates are those that the entries made.
5. Heads in somebody else's log: the same as 2 and 3 against somebody who has the key too, or who deleted all.

A person may accept what is found (`accept`, with a reason): faults before that entry are told and count no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from addons.bypass.audit import GENESIS, AuditEntry, Head, breaks, is_signed
from addons.bypass.ledger import (
    BadEntryError,
    Placed,
    differences,
    feed_differences,
    replayed,
)

# Of one kind; a table that somebody filled has a million.
MOST_TOLD = 20


class Evidence(msgspec.Struct, frozen=True):
    """What a trail is held against.

    Attributes:
        rules: the table by its column `pattern`; None where a row says something else.
        candidates: state by host.
        keys: public keys (raw, hex) that may have signed; the first is the store's own.
        kept: the heads kept beside the key, None where there is no such file.
        heads: digests that were noted elsewhere.
        logged: heads from somebody else's log that are this store's.
        feeds: the digest of each feed's state, by name.

    """

    rules: Mapping[str, Placed | None] = {}
    candidates: Mapping[str, str] = {}
    keys: tuple[str, ...] = ()
    kept: tuple[Head, ...] | None = None
    heads: tuple[str, ...] = ()
    logged: tuple[Head, ...] = ()
    feeds: Mapping[str, str] = {}


class Verified(msgspec.Struct, frozen=True):
    """The answer.

    Attributes:
        faults: what is wrong; empty where all holds.
        notes: what is good to know.
        head: the last digest.

    """

    entries: int
    head: str
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def verified(entries: Sequence[AuditEntry], evidence: Evidence, now: datetime) -> Verified:
    """Hold a trail against all there is. Never raises."""
    faults: list[str] = []
    notes: list[str] = []
    signing = _Signing(entries, evidence.keys)
    accepted = _accepted(entries, signing)
    for number, fault in [*breaks(entries), *signing.faults()]:
        if accepted is not None and number < accepted.number:
            notes.append(f"{fault}; accepted by entry {accepted.number}")
        else:
            faults.append(fault)
    notes += signing.notes()
    faults += _cut(entries, evidence, signing)
    try:
        found = replayed(entries)
    except BadEntryError as error:
        faults.append(f"{error}, so nothing can be said of the rules")
    else:
        faults += differences(found, evidence.rules, evidence.candidates, now)
        faults += feed_differences(found.feeds, evidence.feeds)
        unsaid = sum(one.row is None for one in found.rules.values()) + found.unsaid
        if unsaid:
            notes.append(f"{unsaid} rules come from imports of old, which kept their names alone")
    head = entries[-1].digest if entries else GENESIS
    return Verified(len(entries), head, _few(faults), _few(notes))


class _Signing:
    """Which entries are signed, and with which keys."""

    def __init__(self, entries: Sequence[AuditEntry], keys: tuple[str, ...]) -> None:
        self._keys = keys
        self.began = next((e.number for e in entries if e.signature is not None), None)
        self._by_others: dict[int, str] = {}
        self._unsigned: list[int] = []
        self._used: set[str] = set()
        for entry in entries:
            if self.began is None or entry.number < self.began:
                continue
            if entry.signature is None:
                self._unsigned.append(entry.number)
            elif (key := self._signer(entry, entry.signature)) is None:
                self._by_others[entry.number] = entry.signature
            else:
                self._used.add(key)
        self._last = entries[-1].number if entries else 0

    def vouched(self, number: int) -> bool:
        """Whether this entry is signed with a key that counts."""
        return (
            self.began is not None
            and number >= self.began
            and number not in self._by_others
            and number not in self._unsigned
        )

    def faults(self) -> list[tuple[int, str]]:
        found = [
            (one, f"entry {one} is not signed, and those from {self.began} on are")
            for one in self._unsigned
        ]
        if self._by_others and not self._keys:
            number = next(iter(self._by_others))
            why = (
                f"entries from {number} on are signed, and no key is here to check them: give --key"
            )
            return [*found, (number, why)]
        return found + [
            (one, f"entry {one} is signed with another key, or not at all")
            for one in self._by_others
        ]

    def notes(self) -> list[str]:
        until = self._last if self.began is None else self.began - 1
        found = [f"unsigned until entry {until}: its signatures begin behind it"] if until else []
        return found + [f"signed with the key {key}" for key in sorted(self._used)]

    def _signer(self, entry: AuditEntry, signature: str) -> str | None:
        for key in self._keys:
            if is_signed(entry.number, entry.digest, signature, key):
                return key
        return None


def _accepted(entries: Sequence[AuditEntry], signing: _Signing) -> AuditEntry | None:
    """The last entry with which a person took what there was; only a signed one counts."""
    for entry in reversed(entries):
        if entry.action == "accept" and signing.vouched(entry.number):
            return entry
    return None


def _cut(entries: Sequence[AuditEntry], evidence: Evidence, signing: _Signing) -> list[str]:
    """Heads that are known from outside the file, and are not in it."""
    digests = {entry.number: entry.digest for entry in entries}
    there = set(digests.values())
    found: list[str] = []
    kept = evidence.kept
    if kept is None:
        if signing.began is not None and evidence.keys:
            found.append(
                "the file of heads beside the key is missing: nobody knows what was cut off"
            )
    else:
        found += [
            f"entry {one.number} was signed here and is not in the trail: it was cut off, or made anew"
            for one in kept
            if digests.get(one.number) != one.digest
        ]
    if any(one not in there for one in evidence.heads):
        found.append("the digest given is not in the trail: entries were cut off")
    for one in evidence.logged:
        if not is_signed(one.number, one.digest, one.signature, one.key):
            continue  # anybody can write into a log
        if one.key not in evidence.keys:
            found.append(
                f"entry {one.number} was logged under the key {one.key}, which is not this store's:"
                " the key was replaced, or the log is another store's"
            )
        elif digests.get(one.number) != one.digest:
            found.append(
                f"entry {one.number} was logged and is not in the trail: it was cut off, or made anew"
            )
    return found


def _few(lines: Iterable[str]) -> tuple[str, ...]:
    every = list(dict.fromkeys(lines))
    rest = len(every) - MOST_TOLD
    return tuple(every[:MOST_TOLD] + ([f"and {rest} more"] if rest > 0 else []))
