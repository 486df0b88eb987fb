"""One round of the centre: hear the gateways, learn from all of them together, publish the list.

Rules
-----
1. A batch is taken when it is the next one of its gateway, or the oldest that the gateway still has: what it had to
   give up it tells. A batch that nobody vouches for is taken off the shelf, so that the gateway lays it there again.
2. Candidates come from the store's attempts, the centre's own and those of the gateways, by the same learning as in
   a proxy. It proposes, and clears; it never tries out.
3. The list goes onto the shelf before the head that names it; the one before stays until the next.
4. Where the shelf shows another centre's head, or one with a higher serial than this store's, nothing is published:
   the gateways keep what they have, and a person has to say which centre is the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

import msgspec

from addons.bypass.learning import Learner
from addons.bypass.weighing import LearningOptions
from addons.store.bypass_store import BypassStore
from addons.store.joined import Known
from addons.store.traffic import KEPT_DAYS, Passage
from addons.sync.enrolment import Enrolled
from addons.sync.listed import MAX_HEAD, MAX_LIST, Head, digest_of, head_of, list_of
from addons.sync.reports import (
    A_DAY,
    MAX_BATCH,
    MAX_REPORT,
    WINDOW,
    attributed,
    batch_of,
    report_of,
)
from addons.sync.sealed import OtherKeyError, UnsealedError, opened, signed, vouched
from addons.sync.shelf import (
    HEAD,
    CentreShelf,
    Shelf,
    batch_name,
    batch_number,
    list_name,
    report_name,
)
from detector.errors import FetchError, StoreError

_READ = 20_000
# Candidates that wait for a person, beyond which no more are made.
_MOST = 1_000
_HIGHEST = 1 << 40


class CentreRound(msgspec.Struct, frozen=True):
    """What a round came to.

    Attributes:
        serial: of the list on the shelf; None where none was published.
        batches: so many were taken.
        candidates: hosts that are new ones.
        trouble: what went wrong, a line each.

    """

    serial: int | None
    batches: int
    candidates: tuple[str, ...]
    trouble: tuple[str, ...]


class Centre:
    """Keeps what it has learned from round to round.

    Args:
        store: the centre's.
        shelf: where the gateways look.
        gateways: who they are, asked for in every round.
        now: the clock.
        options: when evidence is enough.

    """

    def __init__(
        self,
        store: BypassStore,
        shelf: CentreShelf,
        gateways: Callable[[], Mapping[str, Enrolled]],
        now: Callable[[], datetime],
        options: LearningOptions | None = None,
    ) -> None:
        self._store = store
        self._shelf = shelf
        self._gateways = gateways
        self._now = now
        self._learner = Learner(options)
        self._cursor = 0
        self._pruned: date | None = None
        self._list: tuple[int, bytes] | None = None

    async def round(self) -> CentreRound:
        """Raises StoreError where its own store cannot be used, ConfigError for its list of gateways."""
        gateways = self._gateways()
        trouble: list[str] = []
        taken = 0
        for one in gateways.values():
            try:
                taken += await self._hear(one)
            except (StoreError, FetchError) as error:
                trouble.append(f"{one.name}: {error}")
        known = self._store.gateways.known()
        trouble += [
            f"{name}: {known[name].trouble}"
            for name in gateways
            if name in known and known[name].trouble
        ]
        for name in known.keys() - gateways.keys():
            self._store.gateways.forget(name)
        candidates = self._learn()
        serial: int | None = None
        try:
            serial = await self._publish(gateways, known)
        except UnsealedError as error:
            trouble.append(f"nothing is published: {error}")
        except (StoreError, FetchError) as error:
            trouble.append(f"{error}; the gateways keep the last good list")
        return CentreRound(serial, taken, candidates, tuple(trouble))

    # What the gateways say.

    async def _hear(self, one: Enrolled) -> int:
        """A gateway's report and batches; how many were taken. Raises StoreError, FetchError."""
        known = self._store.gateways.known().get(one.name) or Known(one.name)
        known = await self._hear_report(one, known)
        names = await self._shelf.list(f"gateways/{one.name}")
        numbers = sorted(n for name in names if (n := batch_number(name)) is not None)
        first = known.report["first"] if known.report is not None else known.taken + 1
        count = 0
        for number in numbers[: 2 * WINDOW]:
            name = batch_name(one.name, number)
            if number <= known.taken:
                await self._shelf.drop(name)
            elif number == max(known.taken + 1, first):
                blob = await self._shelf.get(name, MAX_BATCH)
                if blob is None:
                    break
                try:
                    known = self._take(one, known, number, blob)
                    count += 1
                except UnsealedError as error:
                    known = self._complain(known, f"batch {number} is refused: {error}")
                await self._shelf.drop(name)
        return count

    async def _hear_report(self, one: Enrolled, known: Known) -> Known:
        blob = await self._shelf.get(report_name(one.name), MAX_REPORT)
        if blob is None:
            return known
        now = self._now()
        try:
            report = report_of(vouched("report", one.name, blob, one.key))
        except UnsealedError as error:
            return self._complain(known, f"its report is refused: {error}")
        as_json = msgspec.to_builtins(report)
        if as_json != known.report:
            # On a shelf that others may write, too, an old report may be shown again: it says less than is known.
            if (
                known.report is not None
                and report.at < datetime.fromisoformat(known.report["at"])
                and (report.first < known.report["first"])
            ):
                return known
            skew = (report.at - now).total_seconds()
            known = msgspec.structs.replace(known, heard=now, skew=skew, report=as_json, trouble="")
            self._store.gateways.know(known)
        return known

    def _take(self, one: Enrolled, known: Known, number: int, blob: bytes) -> Known:
        """Keep a batch. Raises UnsealedError where nobody vouches for it."""
        batch = batch_of(vouched(f"batch {number}", one.name, blob, one.key))
        now = self._now()
        found = attributed(batch, one.name, one.site, now, timedelta(days=KEPT_DAYS))
        day = now.date().isoformat()
        today = known.today if known.day == day else 0
        room = max(A_DAY - today, 0)
        attempts = found.attempts[:room]
        passed = found.passages[: room - len(attempts)]
        over = len(found.attempts) + len(found.passages) - len(attempts) - len(passed)
        known = msgspec.structs.replace(
            known, taken=number, day=day, today=today + len(attempts) + len(passed),
            left_out=known.left_out + found.left_out + over,
        )  # fmt: skip
        passages = [
            Passage(p.at, p.host, p.rule, p.up, p.down, p.seconds, p.connections) for p in passed
        ]
        self._store.gateways.take_batch(known, attempts, passages)
        return known

    def _complain(self, known: Known, trouble: str) -> Known:
        if known.trouble != trouble:
            known = msgspec.structs.replace(known, trouble=trouble)
            self._store.gateways.know(known)
        return known

    # What all of it amounts to.

    def _learn(self) -> tuple[str, ...]:
        """Hosts that became candidates."""
        store, now = self._store, self._now()
        if store.traffic.crowded() or now.date() != self._pruned:
            store.traffic.prune(now)
            self._pruned = now.date()
        while found := store.gateways.attempts_since(self._cursor, _READ):
            for number, attempt in found:
                self._learner.take(attempt)
                self._cursor = number
        waiting = {one.candidate.host for one in store.candidates("pending", "snoozed")}
        fresh: list[str] = []
        candidates = {one.host: one for one in self._learner.learned(now).candidates}
        for host, candidate in candidates.items():
            if host not in waiting and len(waiting) + len(fresh) >= _MOST:
                continue
            if store.propose(candidate):
                fresh.append(host)
        for host in waiting - candidates.keys():
            why = self._learner.cleared(host, now)
            if why is not None:
                store.clear(host, why)
        return tuple(fresh)

    # What the gateways are told.

    async def _publish(self, gateways: Mapping[str, Enrolled], known: Mapping[str, Known]) -> int:
        """The serial. Raises UnsealedError where another centre publishes here; StoreError, FetchError."""
        seal = self._store.trail.seal
        serial = self._store.revision()
        content = self._content(serial)
        digest = digest_of(content)
        there = await self._shelf.get(HEAD, MAX_HEAD)
        old = _head_on_shelf(there, seal.public_key()) if there is not None else None
        if old is not None and (
            old.serial > serial or (old.serial == serial and old.digest != digest)
        ):
            raise UnsealedError(
                f"the shelf has the serial {old.serial}, and this store's list is number {serial}: it was put back"
                " from a backup, or there are two centres with one key; where this is the right one:"
                " tlsight bypass sync advance"
            )
        name = list_name(digest)
        if old is None or old.digest != digest or name not in await self._shelf.list("centre"):
            await self._shelf.put(name, content)
        taken = {one.mark: known[one.name].taken for one in gateways.values() if one.name in known}
        head = Head(serial, self._now(), digest, len(content), taken)
        await self._shelf.put(HEAD, signed("head", msgspec.json.encode(head), seal.sign_text))
        keep = {name, list_name(old.digest) if old is not None else name, HEAD}
        if old is not None and old.digest == digest:
            return serial  # the one before is still being read
        for other in await self._shelf.list("centre"):
            if other not in keep:
                await self._shelf.drop(other)
        return serial

    def _content(self, serial: int) -> bytes:
        if self._list is None or self._list[0] != serial:
            rules, _ = self._store.tables()
            if self._store.revision() != serial:
                raise UnsealedError("a rule was changed meanwhile; the next round publishes it")
            broken = [pattern for pattern, one in rules.items() if one is None]
            if broken:
                raise UnsealedError(
                    f"the rule {broken[0]} was changed outside of tlsight; see tlsight bypass audit verify"
                )
            content = list_of({pattern: one for pattern, one in rules.items() if one is not None})
            if len(content) > MAX_LIST:
                raise UnsealedError(f"the list is larger than {MAX_LIST >> 20} MiB")
            self._list = (serial, content)
        return self._list[1]


async def serials_seen(shelf: Shelf, key: str, known: Mapping[str, Known]) -> list[int]:
    """Of lists that are on the shelf, or in force at gateways, as these say."""
    blob = await shelf.get(HEAD, MAX_HEAD)
    head = _head_on_shelf(blob, key) if blob is not None else None
    reported = [one.report["serial"] for one in known.values() if one.report is not None]
    # A gateway that lies must not use up all the numbers there are.
    highest = max([0, *(one for one in reported if one is not None and one < _HIGHEST)])
    return [highest] if head is None else [highest, head.serial]


def _head_on_shelf(blob: bytes, key: str | None) -> Head | None:
    """The head that is there, None for rubbish. Raises UnsealedError for one of another centre's."""
    try:
        return head_of(opened("head", blob, key or ""))
    except OtherKeyError:
        raise UnsealedError(
            "another centre, with another key, publishes on this shelf; stop it, or remove centre/head there if this"
            " is the right one"
        ) from None
    except UnsealedError:
        return None
