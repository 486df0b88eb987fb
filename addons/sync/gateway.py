"""One round of a gateway: make batches, take the list, hear what was taken, tell.

Every step stands for itself: what fails is told once and tried again in the next round, and no step waits for
another one. The list in force stays in force whatever fails: it is in the gateway's own store, and a proxy reads
nothing else. A process that is killed in any place has done a step or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from addons.bypass.attempt import Attempt
from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import FRESH
from addons.store.joined import STALE, Joined
from addons.store.traffic import Passage
from addons.sync.conflict import Central, settled
from addons.sync.enrolment import Enrolment
from addons.sync.listed import MAX_HEAD, MAX_LIST, Head, compared, head_of, mark_of, rules_of
from addons.sync.reports import (
    A_DAY,
    MAX_WAITING,
    MOST_TOLD,
    WINDOW,
    Alive,
    Passed,
    Report,
    batches,
)
from addons.sync.sealed import UnsealedError, opened, stamped
from addons.sync.shelf import HEAD, Shelf, batch_name, list_name, report_name
from detector.errors import ConfigError, FetchError, StoreError
from detector.version import __version__


class Round(msgspec.Struct, frozen=True):
    """What a round came to.

    Attributes:
        taken: serial of a list that was put in force.
        sent: batches that were put on the shelf.
        more: batches wait that have no room there yet.
        reached: the shelf answered.
        trouble: what went wrong, a line each.

    """

    taken: int | None
    sent: int
    more: bool
    reached: bool
    trouble: tuple[str, ...]


class Gateway:
    """Of one machine.

    Args:
        store: its own.
        shelf: where the centre leaves its list.
        enrolment: who it is.
        now: the clock.

    """

    def __init__(
        self, store: BypassStore, shelf: Shelf, enrolment: Enrolment, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._shelf = shelf
        self._enrolment = enrolment
        self._now = now
        self._own: tuple[object, list[str]] | None = None

    async def round(self) -> Round:
        """Raises StoreError where its own store cannot be used, ConfigError where it belongs to another centre."""
        joined = self._joined()
        self._store.gateways.gather(_contents, A_DAY, MAX_WAITING)
        trouble: list[str] = []
        taken: int | None = None
        sent, reached = 0, False
        try:
            blob = await self._shelf.get(HEAD, MAX_HEAD)
            reached = True
            if blob is None:
                trouble.append("the centre has not published a list yet")
            else:
                taken = await self._hear(head_of(opened("head", blob, self._enrolment.key)))
        except UnsealedError as error:
            trouble.append(
                f"the centre's list is refused: {error}; the last good one stays in force"
            )
        except (StoreError, FetchError) as error:
            trouble.append(f"{error}; the last good list stays in force")
        try:
            if reached:
                sent = await self._send()
        except (StoreError, FetchError) as error:
            trouble.append(f"{error}; what is to be told waits")
        joined = self._joined()
        now = self._now()
        if joined.heard is not None and now - joined.heard > STALE:
            trouble.append(f"nothing was heard of the centre since {joined.heard:%Y-%m-%dT%H:%MZ}")
        if tuple(trouble) != joined.trouble:
            self._store.gateways.join(
                msgspec.structs.replace(self._joined(), trouble=tuple(trouble))
            )
        if reached:
            try:
                await self._report()
            except (StoreError, FetchError) as error:
                trouble.append(f"{error}; the report is not told")
        more = self._store.gateways.waiting()[0] > WINDOW
        return Round(taken, sent, more, reached, tuple(trouble))

    def _joined(self) -> Joined:
        joined = self._store.gateways.joined()
        if joined is None:
            joined = Joined(self._enrolment.key)
            self._store.gateways.join(joined)
        elif joined.key != self._enrolment.key:
            raise ConfigError(
                str(self._store.path),
                f"takes its list from a centre with the key {joined.key[:16]}, and this enrolment is of another one",
                remedy="tlsight bypass sync leave first, where that is meant",
            )
        return joined

    async def _hear(self, head: Head) -> int | None:
        """Take what a head says; the serial of a list that was put in force. Raises as `round` catches."""
        joined, now = self._joined(), self._now()
        answer = compared(head, joined.serial, joined.digest)
        if answer == "older":
            raise UnsealedError(
                f"it has the serial {head.serial}, and {joined.serial} was taken before: it is an old one, or the"
                " centre was put back from a backup (then: tlsight bypass sync advance, there)"
            )
        if answer == "forked":
            raise UnsealedError(
                f"it is another one with the serial {head.serial} of that in force: there are two centres with one"
                " key, or one was put back from a backup (then: tlsight bypass sync advance, at the right one)"
            )
        self._store.gateways.acknowledge(head.taken.get(mark_of(self._enrolment.secret), 0))
        joined = msgspec.structs.replace(self._joined(), said=head.at, heard=now)
        if answer == "same":
            self._store.gateways.join(joined)
            return None
        content = await self._shelf.get(list_name(head.digest), MAX_LIST)
        if content is None:
            raise UnsealedError("the list that its head names is not there yet")
        said = {
            pattern: one
            for pattern, one in rules_of(content, head).items()
            if one.until is None or datetime.fromisoformat(one.until) > now
        }
        here, _ = self._store.tables()
        before = self._store.gateways.central()
        known = {pattern: Central(*both) for pattern, both in before.items()}
        change = settled(here, known, said)
        joined = msgspec.structs.replace(
            joined, serial=head.serial, digest=head.digest, kept=change.kept[:MOST_TOLD]
        )
        self._store.gateways.take_list(joined, change.changes, before, change.central)
        return head.serial

    async def _send(self) -> int:
        """Batches onto the shelf that are not there; how many."""
        name, sent = self._enrolment.name, 0
        there = set(await self._shelf.list(f"gateways/{name}"))
        for number, content in self._store.gateways.outgoing(WINDOW):
            blob = batch_name(name, number)
            if blob not in there:
                secret = self._enrolment.secret
                await self._shelf.put(blob, stamped(f"batch {number}", name, content, secret))
                sent += 1
        return sent

    async def _report(self) -> None:
        name = self._enrolment.name
        content = msgspec.json.encode(self.report())
        blob = stamped("report", name, content, self._enrolment.secret)
        await self._shelf.put(report_name(name), blob)

    def report(self) -> Report:
        """The state of now."""
        store, joined, now = self._store, self._joined(), self._now()
        waiting, first = store.gateways.waiting()
        own = self._own_rules()
        alive = [
            Alive(one.host, one.pid, one.mitmproxy, one.tlsight, one.mode, one.rules, one.seen)
            for one in store.proxies.all()
            if now - one.seen < 10 * FRESH
        ]
        pending = [one.candidate.host for one in store.candidates("pending")]
        return Report(
            now, __version__, joined.serial, joined.digest, waiting, first or joined.next,
            joined.lost, joined.trouble, tuple(alive[:MOST_TOLD]), tuple(own[:MOST_TOLD]), len(own),
            joined.kept, tuple(pending[:MOST_TOLD]),
        )  # fmt: skip

    def _own_rules(self) -> list[str]:
        """Patterns that are not the centre's, looked for again when a rule was changed."""
        stamp = (self._store.revision(), self._store.next_end())
        if self._own is None or self._own[0] != stamp:
            theirs = {
                pattern
                for pattern, (*_, counts) in self._store.gateways.central().items()
                if counts
            }
            rules = (one.rule.pattern for one in self._store.rules())
            self._own = (stamp, [one for one in rules if one not in theirs])
        return self._own[1]


def left(store: BypassStore, why: str) -> int:
    """Take away what came from the centre; how many rules. Raises ConfigError where this is no gateway."""
    joined = store.gateways.joined()
    if joined is None:
        raise ConfigError(str(store.path), "is no gateway's", remedy="nothing is to be left")
    here, _ = store.tables()
    before = store.gateways.central()
    change = settled(here, {pattern: Central(*both) for pattern, both in before.items()}, {})
    store.gateways.leave(joined, why, change.changes)
    return len(change.changes)


def _contents(attempts: Sequence[Attempt], passages: Sequence[Passage]) -> list[bytes]:
    told = [
        Passed(one.at, one.host, one.rule, one.connections, one.up, one.down, one.seconds)
        for one in passages
    ]
    return list(batches(attempts, told))
