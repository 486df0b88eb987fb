"""One round of re-checks: whom to ask of which rule, and what is kept of the answers.

Who asks is somebody else: the command asks through a proxy and past it, a running proxy only past itself, so that
nothing it does is a use of a rule.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from addons.bypass.proof import Proof
from addons.bypass.provable import provable
from addons.bypass.rechecking import Case, Rechecked, Server, recheck
from addons.bypass.rule import Rule
from addons.store.bypass_store import BypassStore
from addons.store.rechecks import cases, recent
from detector.model.observation import Target

# Changes of state in one entry of the trail.
_MOST_TOLD = 100
_Place = tuple[str, int]


class Round:
    """Of one store at one moment.

    Args:
        store: opened to decide.
        now: in UTC.
        age: rules that were looked at within it are told as they were found; None for none.

    """

    def __init__(self, store: BypassStore, now: datetime, age: timedelta | None = None) -> None:
        self._store = store
        self._now = now
        self._before = store.rechecks.all()
        self._rules = [one.rule for one in store.rules()]
        self._seen = store.traffic.hosts()
        every = cases(store, self._rules, now)
        self._order = [one.rule.pattern for one in every]
        self._cases = [one for one in every if not self._is_fresh(one.rule.pattern, age)]
        self._sent: dict[str, Target] = {}
        self._known: dict[str, tuple[Target, ...]] | None = None

    def through(self, source: str | None) -> list[Target]:
        """Whom to ask through the proxy, one name a rule: of rules that take us for one of their clients.

        `source` is the address that the proxy sees.
        """
        wanted = {one.rule.pattern for one in self._cases}
        for pattern, targets in self._asked([_as_seen_from(one, source) for one in self._rules]):
            if pattern in wanted and targets:
                self._sent[pattern] = targets[0]
        return list(dict.fromkeys(self._sent.values()))

    def past(self) -> list[tuple[Target, bool]]:
        """Whom to ask past the proxy, and whether thoroughly: those that nobody asks through it, or for their cause."""
        found: dict[Target, bool] = {}
        for one in self._cases:
            thorough = (one.kind or "").startswith("upstream-")
            if thorough or one.rule.pattern not in self._sent:
                for target in self._targets().get(one.rule.pattern, ()):
                    found[target] = found.get(target, False) or thorough
        return list(found.items())

    def finish(
        self,
        servers: Mapping[_Place, Server],
        proofs: Iterable[Proof] = (),
        passed: Mapping[_Place, int] = {},
        by: str = "",
    ) -> list[Rechecked]:
        """Judge, keep, and tell the trail; in the order of the rules, those of before among them.

        Args:
            servers: what was found past the proxy.
            proofs: what was found through it.
            passed: how many connections of ours a host's rule let through.
            by: who asked, for the trail.

        """
        told = {(one.host, one.port): one for one in proofs}
        offline = _offline(servers.values(), told.values())
        fresh = [self._judged(one, servers, told, passed, offline=offline) for one in self._cases]
        there = [one.rule.pattern for one in self._store.rules(drafts=True)]
        if fresh:
            self._store.rechecks.keep(fresh, there)
            self._store.note("recheck", by, self._summary(fresh))
        every = self._before | {one.pattern: one for one in fresh}
        return [every[pattern] for pattern in self._order]

    def _judged(
        self,
        case: Case,
        servers: Mapping[_Place, Server],
        told: Mapping[tuple[str | None, int], Proof],
        passed: Mapping[_Place, int],
        *,
        offline: bool,
    ) -> Rechecked:
        pattern = case.rule.pattern
        sent = self._sent.get(pattern)
        proof = told.get((sent.host, sent.port)) if sent is not None else None
        found = [
            servers[one.host, one.port]
            for one in self._targets().get(pattern, ())
            if (one.host, one.port) in servers
        ]
        case = msgspec.structs.replace(
            case,
            offline=offline,
            servers=tuple(found),
            proofs=(proof,) if proof is not None else (),
        )
        before = self._before.get(pattern)
        # What was decrypted did not pass by the rule.
        by_it = sent is not None and proof is not None and proof.state != "decrypted"
        count = passed.get((sent.host, sent.port), 0) if by_it and sent is not None else 0
        probes = (*(before.probes if before is not None else ()), *[self._now] * count)
        return recheck(case, before, recent(probes, self._now))

    def _targets(self) -> Mapping[str, Sequence[Target]]:
        """Whoever asks past the proxy is anybody: conditions on clients do not count."""
        if self._known is None:
            self._known = dict(self._asked([_as_anybody(one) for one in self._rules]))
        return self._known

    def _asked(self, rules: Sequence[Rule]) -> Iterator[tuple[str, tuple[Target, ...]]]:
        """Patterns of the store's rules, with whom to ask of them as they are here, in the same order."""
        whose = {id(one): real.pattern for one, real in zip(rules, self._rules, strict=True)}
        for one in provable(rules, self._seen, self._now):
            yield whose[id(one.rule)], one.targets

    def _is_fresh(self, pattern: str, age: timedelta | None) -> bool:
        before = self._before.get(pattern)
        return age is not None and before is not None and self._now - before.at < age

    def _summary(self, fresh: Sequence[Rechecked]) -> dict[str, object]:
        changed = [
            {"rule": one.pattern, "state": one.state, "reason": one.reason, "was": was}
            for one in fresh
            if one.state != (was := self._state_before(one.pattern))
        ]
        return {
            "rules": len(fresh),
            "states": dict(Counter(one.state for one in fresh)),
            "changed": changed[:_MOST_TOLD],
            "more": max(len(changed) - _MOST_TOLD, 0),
        }

    def _state_before(self, pattern: str) -> str | None:
        before = self._before.get(pattern)
        return before.state if before is not None else None


def _as_seen_from(rule: Rule, source: str | None) -> Rule:
    """Without the network of its clients, where we are one of them."""
    if rule.client is None or source is None:
        return rule
    try:
        inside = ipaddress.ip_address(source) in rule.client
    except ValueError:
        return rule
    return msgspec.structs.replace(rule, client=None) if inside else rule


def _as_anybody(rule: Rule) -> Rule:
    """Without any condition on clients, where something else says which servers it is about."""
    places = (rule.host, rule.suffix, rule.wildcard, rule.network, rule.regex)
    if all(one is None for one in places):
        return rule
    return msgspec.structs.replace(rule, client=None, ja4=None)


def _offline(servers: Iterable[Server], proofs: Iterable[Proof]) -> bool:
    """Several were asked, and nobody at all was reached."""
    reached = [one.answer != "silent" for one in servers]
    reached += [one.reason != "unreachable" for one in proofs]
    return len(reached) > 1 and not any(reached)
