"""The one thread between a running proxy and its files: it writes what was seen and reads what was decided.

Rules
-----
1. Hooks never wait. They put plain data into a bounded queue, and look at `matcher`, which is replaced whole.
2. A store that is missing, locked, damaged or full, or a broken rule file, leaves the last good rules in
   force. It is said once, and tried again; what could not be written waits in memory, up to MAX_WAITING.
3. Nothing is let through because of what was learned, but in mode "auto", where a trial ends by itself, and
   only on evidence that no client can make up alone (learning.py). What strangers bring about is a bounded
   number of candidates for a person.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from addons.bypass.attempt import Attempt
from addons.bypass.coverage import Leaf
from addons.bypass.forged import Parents
from addons.bypass.learning import Candidate, Learned, Learner
from addons.bypass.lint import not_in_force
from addons.bypass.matcher import Matcher
from addons.bypass.rule import Rule, load_rules
from addons.bypass.scope import narrowest
from addons.bypass.shown import harmless_logger
from addons.bypass.weighing import LearningOptions
from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import Heart
from addons.store.reminding import Reminding
from addons.store.traffic import KEPT_DAYS, Passage
from addons.store.unbound import Unbound
from addons.store.watch import Watch
from addons.store.webhook import Webhook
from detector import clock
from detector.errors import ConfigError, StoreError

log = harmless_logger(__name__)
MAX_WAITING = 20_000
Mode = Literal["observe", "suggest", "auto"]
Seen = Attempt | Passage | Unbound | Leaf
_EVERY, _SWEEP, _PRUNE = 0.5, 30.0, 3600.0
_BATCH = 2000
_MOST_TOLD = 20


class KeeperOptions(msgspec.Struct, frozen=True):
    """Where things are, and what is done by itself.

    Attributes:
        rules: TOML file of rules kept by hand.
        store: SQLite file; without one nothing is kept.
        mode: "observe" only records, "suggest" keeps candidates for a person, "auto" also lets them through
            for `trial`, at most once in `pause`.
        keep_days: how long attempts are kept one by one.
        cut: how long a connection goes on whose rule no longer lets it pass; None for as long as it lasts.
        most: candidates that wait for a person and that addresses alone speak for.
        webhook: who is told of what breaks.

    """

    rules: Path | None = None
    store: Path | None = None
    mode: Mode = "observe"
    learning: LearningOptions = LearningOptions()
    trial: timedelta = timedelta(minutes=30)
    pause: timedelta = timedelta(hours=24)
    keep_days: int = KEPT_DAYS
    cut: timedelta | None = timedelta(seconds=60)
    most: int = 1_000
    webhook: Webhook | None = None


class Keeper:
    """`set_up`, then `start`; `close` writes what waits.

    Attributes:
        matcher: the rules in force.
        changed: called after they were replaced, from whichever thread did it.
        parents: where they leave no room for a wildcard.
        dropped: attempts and passages that found no room.
        heart: tells the store that this proxy reads it.
        watch: says what breaks.

    """

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self.options = KeeperOptions()
        self.matcher = Matcher()
        self.changed: Callable[[], None] = lambda: None
        self.parents = Parents()
        self.dropped = 0
        self.heart = Heart(now)
        self.watch = Watch(now)
        self._now = now
        self._reminding = Reminding(now)
        self._waiting: queue.Queue[Seen] = queue.Queue(MAX_WAITING)
        self._learner = Learner()
        self._learning = threading.Lock()
        self._wanted: KeeperOptions | None = None
        self._again = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._complaints: dict[str, str] = {}
        self._file_rules: Sequence[Rule] = ()
        self._store_rules: Sequence[Rule] = ()
        self._feed_rules: Sequence[Rule] = ()
        self._in_force: Sequence[Rule] = ()
        self._file_stamp: tuple[int, ...] | None = None
        self._store_stamp: tuple[object, ...] | None = None
        self._unwritten: list[Seen] = []
        self._proposed: set[str] = set()
        self._remembered = False
        self._opened: int | None = None
        self._swept = self._pruned = 0.0

    def set_up(self, options: KeeperOptions) -> None:
        """Other options. Before `start` their rules are in force when this returns, later within a second."""
        if self._thread is not None:
            self._wanted = options
            return
        self._apply(options)
        self._load()

    def reload(self) -> None:
        """Read the rules again: now, or within a second where the thread runs."""
        if self._thread is not None:
            self._again = True
        else:
            self._load()

    def start(self) -> None:
        if self._thread is None:
            self._closing.clear()
            self._thread = threading.Thread(target=self._run, name="bypass-keeper", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def put(self, seen: Seen) -> None:
        """Keep it, some time soon; never waits."""
        try:
            self._waiting.put_nowait(seen)
        except queue.Full:
            self.dropped += 1

    def learned(self) -> Learned:
        """What the attempts amount to."""
        with self._learning:
            return self._learner.learned(self._now())

    def _run(self) -> None:
        store: BypassStore | None = None
        while True:
            last = self._closing.is_set()
            batch = self._gather(wait=not last)
            try:
                store = self._round(store, batch)
            except Exception as error:
                # Whatever it was, rules have to be read again, and what comes next is to be written.
                self._complain("keeper", f"unexpected {type(error).__name__}: {error}")
                self._closing.wait(0.0 if last else 1.0)
            else:
                self._complaints.pop("keeper", None)
            if last and self._waiting.empty():
                break
            if store is None and self.options.store is not None and not last:
                self._closing.wait(1.0)
        if store is not None:
            self._leave(store)

    def _round(self, store: BypassStore | None, batch: Sequence[Seen]) -> BypassStore | None:
        """The open store, None where it is to be opened again."""
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            self._apply(wanted)
        if self._again:
            self._again = False
            self._file_stamp = self._store_stamp = None
        self._take(batch)
        self._read_file()
        return self._turn(store, {one.host for one in batch if isinstance(one, Attempt)})

    def _apply(self, options: KeeperOptions) -> None:
        before, self.options = self.options, options
        if before.learning != options.learning:
            self._remembered = False
            with self._learning:
                self._learner = Learner(options.learning)
        if before.rules != options.rules:
            self._file_rules, self._file_stamp = (), None
        if before.store != options.store:
            self._store_rules, self._feed_rules, self._store_stamp = (), (), None
            self._opened, self._remembered = None, False
        if options.rules is None and options.store is None:
            self._put_in_force()

    def _load(self) -> None:
        """Rules in force before the first connection comes."""
        self._file_stamp = self._store_stamp = None
        self._read_file()
        path = self.options.store
        if path is not None and path.exists():
            try:
                with BypassStore(path, self._now) as store:
                    self._read_rules(store)
                    self._opened = path.stat().st_ino
            except (StoreError, ConfigError, OSError) as error:
                self._complain("store", str(error))

    def _take(self, batch: Sequence[Seen]) -> None:
        self._unwritten += batch
        over = len(self._unwritten) - MAX_WAITING
        if over > 0:
            self.dropped += over
            del self._unwritten[:over]
        with self._learning:
            for one in batch:
                if isinstance(one, Attempt):
                    self._learner.take(one)

    def _turn(self, store: BypassStore | None, touched: set[str]) -> BypassStore | None:
        """One round with the store; None when it could not be used and is to be opened again."""
        path = self.options.store
        if store is not None and store.path != path:
            self._leave(store)
            store = None
        if path is None:
            self._unwritten.clear()
            self._reminding.tell(None, self._file_rules, self._store_rules)
            return None
        try:
            here = self._inode(path)
            if store is None or here != self._opened:
                if store is not None:
                    store.close()
                    store = None
                store = BypassStore(path, self._now, "mitmproxy addon")
                self._opened, self._store_stamp = self._inode(path), None
            self._remember(store)
            about = self.heart.about
            self.watch.begin(store, about.root if about is not None else None)
            self._write(store)
            self._read_rules(store)
            self._beat(store)
            self._reminding.tell(store, self._file_rules, self._store_rules)
            self._propose(store, touched)
            self.watch.turn(
                store, self.matcher, self._in_force, self.options.learning, self.options.webhook
            )
            self._prune(store)
        except (StoreError, ConfigError) as error:
            self._complain("store", str(error))
            if store is not None:
                store.close()
            return None
        self._complaints.pop("store", None)
        return store

    def _leave(self, store: BypassStore) -> None:
        with contextlib.suppress(StoreError):
            self.heart.stop(store)
        store.close()

    def _inode(self, path: Path) -> int | None:
        """Which file it is. Raises StoreError for one that was there and is gone: an empty one in its place
        would be a list without rules.
        """
        try:
            return path.stat().st_ino
        except OSError as error:
            if self._opened is None and isinstance(error, FileNotFoundError):
                return None
            why = f"cannot be found any more: {error.strerror}"
            raise StoreError(
                str(path), why, remedy="put it back, or restart to begin anew"
            ) from None

    def _gather(self, *, wait: bool) -> list[Seen]:
        batch: list[Seen] = []
        try:
            batch.append(self._waiting.get(timeout=_EVERY) if wait else self._waiting.get_nowait())
            if wait:
                self._closing.wait(0.05)  # what comes together is written together
            while len(batch) < _BATCH:
                batch.append(self._waiting.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _remember(self, store: BypassStore) -> None:
        """Learn again what earlier runs saw."""
        if self._remembered:
            return
        fresh = Learner(self.options.learning)
        for attempt in store.traffic.attempts():
            fresh.take(attempt)
        for one in self._unwritten:
            if isinstance(one, Attempt):
                fresh.take(one)
        with self._learning:
            self._learner, self._remembered = fresh, True
        self._proposed = _waiting(store)

    def _write(self, store: BypassStore) -> None:
        if self._unwritten:
            attempts = [one for one in self._unwritten if isinstance(one, Attempt)]
            passages = [one for one in self._unwritten if isinstance(one, Passage)]
            leaves = [one for one in self._unwritten if isinstance(one, Leaf)]
            store.leaves.write(leaves)  # first: to write them twice does no harm
            store.traffic.write(attempts, passages)
            store.unbound.write([one for one in self._unwritten if isinstance(one, Unbound)])
            self._unwritten.clear()

    def _read_file(self) -> None:
        path = self.options.rules
        if path is None:
            return
        stamp: tuple[int, ...] | None = None
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._file_stamp:
                return
            rules = load_rules(path)
        except OSError as error:
            self._complain("rules", f"{path}: {error.strerror}")
            return
        except ConfigError as error:
            self._file_stamp = stamp
            self._complain("rules", str(error))
            return
        self._file_stamp = stamp
        self._complaints.pop("rules", None)
        self._file_rules = rules
        self._put_in_force()

    def _read_rules(self, store: BypassStore) -> None:
        """When a decision was made since, or a trial has ended."""
        stamp = (store.revision(), store.next_end())
        if stamp == self._store_stamp:
            return
        self._store_rules, self._feed_rules = (
            [one.rule for one in store.rules()],
            store.feeds.rules(),
        )
        self._store_stamp = stamp
        self._put_in_force()

    def _beat(self, store: BypassStore) -> None:
        path = self.options.rules
        file = str(path) if path is not None else None
        self.heart.beat(store, self.options.mode, file, self.matcher.count)

    def _put_in_force(self) -> None:
        rules = [*self._file_rules, *self._store_rules]
        every = [*rules, *self._feed_rules]
        self.watch.rules(self._in_force, every)
        self._in_force = every
        self.parents = Parents(every)
        self.matcher = Matcher(rules, self._feed_rules)
        if self.matcher.count:
            log.info("tlsight: %d bypass rules in force", self.matcher.count)
        for rule, why in self.matcher.unsaid[:_MOST_TOLD]:
            log.warning("tlsight: %s: %s", rule.pattern, not_in_force(rule, why))
        more = len(self.matcher.unsaid) - _MOST_TOLD
        if more > 0:
            log.warning("tlsight: %d more; tlsight bypass lint names them", more)
        self.changed()

    def _propose(self, store: BypassStore, touched: set[str]) -> None:
        if self.options.mode == "observe":
            return
        now, tick = self._now(), clock.stopwatch()
        found: dict[str, Candidate | None] = {
            host: self._learner.candidate(host, now) for host in touched
        }
        if tick - self._swept >= _SWEEP:
            self._swept = tick
            self._proposed = _waiting(store)  # a person may have decided meanwhile
            found |= {one.host: one for one in self._learner.learned(now).candidates}
        for host, candidate in found.items():
            if candidate is not None:
                if host not in self._proposed and self._is_full(candidate):
                    continue
                self._proposed.add(host)
                if store.propose(candidate):
                    log.warning(
                        "tlsight: candidate %s: %s. %s", host, candidate.kind, candidate.text
                    )
                if self.options.mode == "auto" and candidate.may_try:
                    self._try_out(store, candidate, now)
            elif host in self._proposed and (why := self._learner.cleared(host, now)) is not None:
                self._proposed.discard(host)
                store.clear(host, why)

    def _is_full(self, candidate: Candidate) -> bool:
        """No room for one that addresses alone bring about; somebody may have made up many."""
        if candidate.may_try or len(self._proposed) < self.options.most:
            return False
        text = (
            f"{self.options.most} candidates wait for a person, and no more are kept that only addresses"
            " speak for; decide on them, or look at who brings them up with tlsight bypass replay"
        )
        self._complain("candidates", text)
        return True

    def _try_out(self, store: BypassStore, candidate: Candidate, now: datetime) -> None:
        there = store.candidate(candidate.host)
        if there is None or there.state != "pending":
            return
        if there.tried is not None and now - there.tried < self.options.pause:
            return
        row = msgspec.structs.replace(
            narrowest(candidate), reason="trial, not approved", owner="tlsight auto",
            evidence=candidate.text,
        )  # fmt: skip
        until = now + self.options.trial
        try:
            rule = store.try_out(candidate, row, until)
        except ConfigError:
            return  # a rule for the same is there: a person has decided
        log.warning("tlsight: %s passes on trial until %s", rule.pattern, until.isoformat())
        self._read_rules(store)

    def _prune(self, store: BypassStore) -> None:
        tick = clock.stopwatch()
        if tick - self._pruned >= _PRUNE or store.traffic.crowded():
            self._pruned = tick
            store.traffic.prune(self._now(), self.options.keep_days)

    def _complain(self, what: str, text: str) -> None:
        """Once for each trouble."""
        if self._complaints.get(what) != text:
            self._complaints[what] = text
            kept = self.matcher.count
            log.error("tlsight: %s; the %d rules in force stay", text, kept)


def _waiting(store: BypassStore) -> set[str]:
    """Candidates that nobody has decided on."""
    return {one.candidate.host for one in store.candidates("pending", "snoozed")}
