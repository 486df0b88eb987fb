"""What a running proxy does so that somebody hears of what breaks: changes kept, findings judged, episodes told.

It runs in the keeper's thread. Judging costs a look at an index while all is well; it is done each _EVERY, more often
for _AFTER a change.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from addons.bypass.breaking import RECENT, Breaking, breaking
from addons.bypass.episodes import Step, steps
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.reach import end_moment, has_ended
from addons.bypass.rule import Rule
from addons.bypass.shown import harmless_logger
from addons.bypass.tally import MEMORY, Alteration, Seen
from addons.bypass.weighing import LearningOptions
from addons.store.bypass_store import BypassStore
from addons.store.hours import failing_clients
from addons.store.webhook import Teller, Webhook
from detector import clock

log = harmless_logger(__name__)
_EVERY, _SOON, _AFTER = 30.0, 4.0, 600.0
_MAX_PENDING = 1_000


class Watch:
    """`rules` and `root` are told what is in force, `begin` and `turn` are one round of the keeper."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.teller = Teller()
        self._now = now
        self._pending: list[Alteration] = []
        self._root: str | None = None
        self._next = self._hurry = 0.0
        self._complained = ""
        self._is_running = False

    def rules(self, before: Iterable[Rule], after: Iterable[Rule]) -> None:
        """Other rules are in force: which pass no more, and which keep from passing. At the start nothing changes."""
        if not self._is_running:
            return
        found = altered(before, after, self._now())
        if found:
            self._pending = [*self._pending, *found][-_MAX_PENDING:]
            self._hurry = clock.stopwatch() + _AFTER

    def begin(self, store: BypassStore, root: str | None) -> None:
        """Before attempts are written: what was changed. Raises StoreError."""
        if root is not None and root != self._root:
            if store.proxies.sign_with(socket.gethostname()[:255], root, self._now()):
                text = f"the proxy signs with another CA, of SHA-256 {root[:16]}..."
                self._pending.append(Alteration(self._now(), "root", root, text))
                self._hurry = clock.stopwatch() + _AFTER
            self._root = root
        if self._pending:
            store.hours.alter(self._pending)
            self._pending = []

    def turn(
        self,
        store: BypassStore,
        matcher: Matcher,
        rules: Sequence[Rule],
        learning: LearningOptions,
        webhook: Webhook | None,
    ) -> None:
        """Judge where it is time, and tell. Raises StoreError."""
        self._is_running = True
        tick = clock.stopwatch()
        if tick >= self._next:
            self._next = tick + (_SOON if tick < self._hurry else _EVERY)
            self._judge(store, matcher, rules, learning, tell=webhook is not None)
        self._send(store, webhook)

    def _judge(
        self,
        store: BypassStore,
        matcher: Matcher,
        rules: Sequence[Rule],
        learning: LearningOptions,
        *,
        tell: bool,
    ) -> None:
        now = self._now()
        before = store.episodes.opened()
        seen = seen_in(
            store, matcher, rules, now, learning.clients, [h for one in before for h in one.hosts]
        )
        found = breaking(seen, now, clients=learning.clients, devices=learning.devices)
        if not (before or found):
            return
        made = steps(before, found, seen.counts, seen.decides, now, lambda: secrets.token_hex(8))
        for step in store.episodes.apply(before, made, now, tell=tell):
            _say(step)

    def _send(self, store: BypassStore, webhook: Webhook | None) -> None:
        for notice, trouble in self.teller.taken():
            if trouble is None:
                store.episodes.told(notice.number)
                self._complained = ""
                continue
            again = store.episodes.failed(notice, self._now())
            line = f"the webhook was not told: {trouble}"
            if not again:
                log.error("tlsight: %s; message %d is given up", line, notice.number)
            elif line != self._complained:
                log.error("tlsight: %s; it is tried again for a day", line)
            self._complained = line
        while webhook is not None and self.teller.has_room:
            notice_due = store.episodes.take(self._now())
            if notice_due is None:
                break
            self.teller.give(webhook, notice_due)


def seen_in(
    store: BypassStore,
    matcher: Matcher,
    rules: Iterable[Rule],
    now: datetime,
    clients: int,
    besides: Sequence[str] = (),
    recent: timedelta = RECENT,
) -> Seen:
    """What there is to judge, of hosts at which so many failed of late and of those `besides`. Raises StoreError."""
    since = now - max(MEMORY, recent)
    hosts = list(dict.fromkeys([*store.hours.suspects(since, clients), *besides]))
    counts = store.hours.counts(hosts, now) if hosts else []
    listed = [*rules]
    ended = [
        Alteration(end, "rule", rule.pattern, f"the rule {rule.pattern} ended")
        for rule in listed
        if rule.action == "pass"
        and has_ended(rule, now)
        and (end := end_moment(rule)) is not None
        and now - end <= MEMORY
    ]
    decided: dict[str, tuple[str, str] | None] = {}

    def decides(host: str) -> tuple[str, str] | None:
        if host not in decided:
            last = next(iter(store.traffic.attempts(host, 1)), None)
            port = last.port if last is not None else 443
            address = host if last is not None and last.address == host else None
            rule = matcher.match(Arrival(None, host, address, port), now)
            decided[host] = (rule.action, rule.pattern) if rule is not None else None
        return decided[host]

    return Seen(
        counts,
        store.hours.hosts(since) if hosts else 0,
        store.hours.trust(failing_clients(counts, since)) if counts else {},
        store.hours.passed(hosts, now) if hosts else {},
        [*ended, *store.hours.alterations(now)] if hosts else [],
        decides,
        frozenset(rule.pattern for rule in listed if not has_ended(rule, now)),
    )


def altered(before: Iterable[Rule], after: Iterable[Rule], now: datetime) -> list[Alteration]:
    """Rules that pass no more what they passed, and rules that came and keep from passing."""
    old, new = set(before), set(after)
    kept = {rule.pattern for rule in new if rule.action == "pass" and not has_ended(rule, now)}
    found: list[Alteration] = []
    for rule in old - new:
        if rule.action == "pass" and not has_ended(rule, now) and rule.pattern not in kept:
            text = f"the rule {rule.pattern}, by which it passed, is in force no more"
            found.append(Alteration(now, "rule", rule.pattern, text))
    for rule in new - old:
        if rule.action != "pass":
            text = f"the rule {rule.pattern} says {rule.action}"
            found.append(Alteration(now, "rule", rule.pattern, text))
    return found[:_MAX_PENDING]


def judged(
    store: BypassStore, rules: Sequence[Rule], now: datetime, recent: timedelta, clients: int = 2
) -> list[Breaking]:
    """What breaks by what the store holds, for whoever asks. Raises StoreError."""
    seen = seen_in(store, Matcher(rules), rules, now, clients, recent=recent)
    return breaking(seen, now, clients=clients, recent=recent)


def _say(step: Step) -> None:
    one, hosts = step.episode, list(step.episode.hosts)
    named = ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "")
    if step.event == "opened":
        log.warning("tlsight: breaks: %s: %s. %s (%s)", named, one.text, one.remedy, one.id)
    elif step.event == "closed":
        log.warning("tlsight: breaks no more: %s: %s (%s)", named, one.why, one.id)
