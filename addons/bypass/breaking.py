"""Who breaks now: hosts at which clients fail that did not before, since what, and who must act.

Rules
-----
1. The unit is what one client did at one host in one slot (an hour, or what a change left of it): UNITS successes and
   UNITS failures at most. One client that tries a thousand times says what three tries say.
2. A host breaks when all of this holds, else nothing is said:
   - enough clients fail (`clients`, two unless told otherwise), counted as clients.py does: users or addresses;
   - it worked before: KNOWN successes, or a rule let it through;
   - the share of failures is above twice the share before, plus 5 points;
   - Fisher's exact test, one-sided, calls the rise less likely than ALPHA / hosts, for as many hosts as were looked at.
     Before it every host is believed to have failed at 1 of 20 tries, so that a short past proves little; one that
     passed, of which nothing else can be known, at 5 of 100.
3. Since what: of a host that a rule let through, which decides no more, since that ("rule"); else since the proxy's CA
   changed, where none of those who fail has trusted the proxy anywhere since ("root"); else since RECENT ("nothing").
4. A client that fails at LACKS unrelated domains and never trusted us has not got our CA, and breaks nothing. Where no
   rule is to blame, only clients count that trusted us: before the change of the CA, or at any time.
5. What clients say and what servers do are judged apart. Of servers, failures are held against connections of clients.

Theory of operation
-------------------
Counts in, findings out. Measured by simulation (tests/addons/test_breaking.py has a short one): 2,000 hosts that fail
at 0 to 30 % of the tries of 2 to 30 clients, looked at every hour for a day after a change that changed nothing, all
looks together: no false finding in 40 days (80,000 host-days); with failures that stick to clients (one client in ten
fails at a host for good, and comes and goes) REPLACED_CLUSTERED. Found are REPLACED_POWER.
"""

from __future__ import annotations

import ipaddress
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from addons.bypass.attempt import REMEDIES, AttemptClass
from addons.bypass.clients import Client, Network, largest
from addons.bypass.tally import (
    MEMORY,
    REFUSED,
    TOOK,
    UNITS,
    UPSTREAM,
    Alteration,
    Count,
    Seen,
    Trust,
)
from detector.chain.names import registrable_domain

What = Literal["rule", "root", "nothing"]
Party = Literal["client", "proxy", "server"]
KNOWN, LACKS = 3, 3
ALPHA = 0.01
RECENT = timedelta(hours=2)
# Failures and tries of every host before it was seen; of one that passed.
_BELIEVED, _BELIEVED_OF_PASSED = (1, 20), (5, 100)
_NAMED = 20
_PARTIES: dict[AttemptClass, Party] = {
    "upstream-mtls": "proxy", "upstream-version": "proxy", "quic": "proxy",
    "upstream-certificate-invalid": "server", "upstream-not-tls": "server",
}  # fmt: skip


class Share(msgspec.Struct, frozen=True):
    """Failures among tries, in units."""

    failed: int
    tried: int

    @property
    def value(self) -> float:
        return self.failed / self.tried if self.tried else 0.0


class Breaking(msgspec.Struct, frozen=True):
    """A host at which clients fail now.

    Attributes:
        since: the change, or the first failure of late.
        changed: what, and `subject` which: the rule's pattern, the CA's digest.
        kind: the class of most failures.
        passed: connections that the rule let through before.
        clients: those that fail and count, some of them; `count` how many, `proven` how many nobody can make up.
        chance: of such a rise where nothing changed; rule 2 says how small it must be.
        party: who must act, and `remedy` what to do.

    """

    host: str
    since: datetime
    changed: What
    subject: str
    kind: AttemptClass
    before: Share
    after: Share
    passed: int
    clients: tuple[str, ...]
    count: int
    proven: int
    chance: float
    party: Party
    remedy: str
    text: str


def breaking(
    seen: Seen,
    now: datetime,
    *,
    clients: int = 2,
    recent: timedelta = RECENT,
    devices: Iterable[Network] = (),
) -> list[Breaking]:
    """The hosts that break, those of the most clients first.

    Args:
        seen: counts and changes.
        now: the time of judging.
        clients: how many must fail.
        recent: how far back a failure without a change is one of now.
        devices: networks of one address a device.

    """
    by_host: dict[str, list[Count]] = {}
    for one in seen.counts:
        by_host.setdefault(one.host, []).append(one)
    turns = {host: _rule_turn(host, seen, now) for host in by_host}
    concerned = Counter(turn.subject for turn in turns.values() if turn is not None)
    roots = [one for one in seen.alterations if one.what == "root"]
    root = max(roots, key=lambda one: one.at, default=None)
    found: list[Breaking] = []
    for host, counts in by_host.items():
        if passes(seen.decides(host)):
            continue
        turn = turns[host]
        past = max((one.connections for one in seen.passed.get(host, ())), default=0)
        judge = _Judge(host, counts, seen, clients, tuple(devices), past)
        it = judge.since(turn, concerned[turn.subject]) if turn is not None else None
        if it is None and root is not None and (turn is None or root.at > turn.at):
            it = judge.since(root, seen.hosts)
        if it is None and turn is None:
            it = judge.lately(now - recent, root)
        if it is not None:
            found.append(it)
    return sorted(found, key=lambda one: (-one.count, one.chance, one.host))


def passes(decides: tuple[str, str] | None) -> bool:
    """Whether it is let through."""
    return decides is not None and decides[0] == "pass"


def chance(after: Share, before: Share, believed: tuple[int, int] = _BELIEVED) -> float:
    """How likely so many of all failures, or more, came after, were tries before and after alike (Fisher's exact test).

    `believed` are failures and tries that are added to the past, for a host of which little is known.
    """
    failed = before.failed + believed[0] + after.failed
    total = before.tried + believed[1] + after.tried
    most = min(failed, after.tried)
    base = _choose(total, after.tried)
    found = 0.0
    for k in range(after.failed, most + 1):
        term = math.exp(_choose(failed, k) + _choose(total - failed, after.tried - k) - base)
        found += term
        if term < found * 1e-9:
            break
    return min(found, 1.0)


class _Judge:
    """One host's counts."""

    def __init__(
        self,
        host: str,
        counts: Sequence[Count],
        seen: Seen,
        clients: int,
        devices: tuple[Network, ...],
        past: int,
    ) -> None:
        self._host, self._counts, self._seen = host, counts, seen
        self._clients, self._devices, self._past = clients, devices, past

    def since(self, turn: Alteration, hosts: int) -> Breaking | None:
        """Whether it breaks since a change."""
        for kinds in (REFUSED, UPSTREAM) if turn.what == "rule" else (REFUSED,):
            counting = {
                name for name in self._failing(turn.at, kinds) if self._counts_for(name, turn)
            }
            found = self._judged(turn.what, turn, turn.at, kinds, counting, hosts)
            if found is not None:
                return found
        return None

    def lately(self, start: datetime, root: Alteration | None) -> Breaking | None:
        """Whether it breaks though nothing changed; clients that the proxy's CA explains say nothing of it."""
        for kinds in (REFUSED, UPSTREAM):
            trusting = {
                name
                for name in self._failing(start, kinds)
                if self._trust(name).first is not None
                and not (kinds is REFUSED and root is not None and self._counts_for(name, root))
            }
            found = self._judged("nothing", None, start, kinds, trusting, self._seen.hosts)
            if found is not None:
                return found
        return None

    def _judged(
        self,
        what: What,
        turn: Alteration | None,
        start: datetime,
        kinds: frozenset[AttemptClass],
        counting: set[str],
        hosts: int,
    ) -> Breaking | None:
        named = [_client(name, self._devices) for name in counting]
        names = largest(named)
        if len(names) < self._clients:
            return None
        ignored = self._failing(start, kinds) - names
        after = _share(
            [c for c in self._counts if c.slot >= start and c.client not in ignored], kinds
        )
        before = _share([c for c in self._counts if c.slot < start], kinds)
        worked = before.tried - before.failed >= KNOWN or (what == "rule" and self._past > 0)
        rises = after.value > 2 * before.value + 0.05
        if not worked or not rises:
            return None
        found = chance(after, before, _BELIEVED_OF_PASSED if what == "rule" else _BELIEVED)
        if found > ALPHA / max(hosts, 1):
            return None
        kind = self._kind(start, kinds, names)
        first = min(c.slot for c in self._counts if c.slot >= start and c.kind in kinds)
        subject = turn.subject if turn is not None else ""
        proven = sum(one.proven for one in named if one.name in names)
        return Breaking(
            self._host, start if turn is not None else first, what, subject, kind, before, after,
            self._past, tuple(sorted(names))[:_NAMED], len(names), proven, found,
            *_to_do(what, turn, kind), _text(turn, kind, len(names)),
        )  # fmt: skip

    def _failing(self, start: datetime, kinds: frozenset[AttemptClass]) -> set[str]:
        """Clients that failed and are known by name."""
        return {c.client for c in self._counts if c.slot >= start and c.kind in kinds and c.client}

    def _counts_for(self, name: str, turn: Alteration) -> bool:
        trust = self._trust(name)
        if turn.what == "root":
            trusted = trust.first is not None and trust.first < turn.at
            return trusted and (trust.last is None or trust.last < turn.at)
        domains = {registrable_domain(host) for host in trust.failed}
        return trust.first is not None or len(domains) < LACKS

    def _trust(self, name: str) -> Trust:
        return self._seen.trust.get(name, Trust(None, None, frozenset()))

    def _kind(
        self, start: datetime, kinds: frozenset[AttemptClass], names: frozenset[str]
    ) -> AttemptClass:
        often = Counter[AttemptClass]()
        for c in self._counts:
            if c.slot >= start and c.kind in kinds and c.client in names:
                often[c.kind] += min(c.number, UNITS)
        return often.most_common(1)[0][0]


def _rule_turn(host: str, seen: Seen, now: datetime) -> Alteration | None:
    """Since when a rule lets a host pass no more that did, and which."""
    changes = {one.subject: one for one in seen.alterations if one.what == "rule"}
    decides = seen.decides(host)
    for passed in reversed(seen.passed.get(host, ())):
        change = changes.get(passed.rule)
        if passed.rule in seen.in_force:
            # It is there, and another one comes first; or it asks for more than it did.
            first = changes.get(decides[1]) if decides is not None else None
            if first is not None or change is not None:
                return first or change
            continue
        if change is not None:
            return change
        if now - passed.last <= MEMORY:
            text = f"the rule {passed.rule}, by which it passed, is in force no more"
            return Alteration(passed.last, "rule", passed.rule, text)
    return None


def _share(counts: Iterable[Count], kinds: frozenset[AttemptClass]) -> Share:
    took, failed = Counter[tuple[datetime, str]](), Counter[tuple[datetime, str]]()
    for one in counts:
        key = (one.slot, one.client)
        if one.kind in kinds:
            failed[key] += one.number
        elif one.kind in TOOK:
            took[key] += one.number
    lost = tried = 0
    for key in took.keys() | failed.keys():
        bad, good = failed[key], took[key]
        if kinds is UPSTREAM:  # the client got a page that says so
            good = max(good - bad, 0)
        if key[1]:
            bad, good = min(bad, UNITS), min(good, UNITS)
        lost, tried = lost + bad, tried + bad + good
    return Share(lost, tried)


def _client(name: str, devices: Iterable[Network]) -> Client:
    if name.startswith("user:"):
        return Client(name, True)
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return Client(name, False)
    return Client(name, any(address in network for network in devices))


def _choose(n: int, k: int) -> float:
    """The logarithm of n over k."""
    if not 0 <= k <= n:
        return -math.inf
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _to_do(what: What, turn: Alteration | None, kind: AttemptClass) -> tuple[Party, str]:
    if turn is not None and what == "rule":
        return "proxy", f"undo the change of the rule {turn.subject}, or: {REMEDIES[kind]}"
    if what == "root":
        return "client", f"put the proxy's CA of before back, or: {REMEDIES[kind]}"
    return _PARTIES.get(kind, "client"), REMEDIES[kind]


def _text(turn: Alteration | None, kind: AttemptClass, count: int) -> str:
    who = f"{count} client{'s fail' if count > 1 else ' fails'} ({kind})"
    why = f"since {turn.at.isoformat(timespec='seconds')}: {turn.text}" if turn is not None else ""
    return f"{who} {why or 'that did not before, and no rule and no CA of the proxy has changed'}"
