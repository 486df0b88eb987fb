"""What an administrator should look at again in a list of rules.

Rules
-----
- An error is a rule that must not pass by accident (safety.py), or does not do what it seems to: one that has
  expired, one that can never match, a regex that is not in force.
- A warning is a rule that is hard to defend: wide, never used, made idle by another, without reason, owner or
  end, for a place where anybody can put things, or for a name that its clients alone vouch for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from addons.bypass import expression
from addons.bypass.due import ending
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.overlaps import overlaps
from addons.bypass.reach import has_ended, is_any_host
from addons.bypass.remark import Remark
from addons.bypass.rule import Rule
from addons.bypass.safety import Guarded, unsafe
from detector.chain.names import as_address

# A rule that was just made may wait for its first connection.
UNUSED_DAYS = 30
_WIDEST = {4: 16, 6: 48}
_NOTHING = Guarded()


def lint(
    rules: Sequence[Rule],
    now: datetime,
    used: Collection[str] | None = None,
    guarded: Guarded = _NOTHING,
) -> list[Remark]:
    """Everything that stands out, in the order of the rules.

    Args:
        rules: all that are there.
        now: a moment in UTC.
        used: patterns that let something pass; None where that is not known.
        guarded: names to be careful with (guarded.py).

    """
    matcher = Matcher(rules)
    unsaid = {id(rule): why for rule, why in matcher.unsaid}
    twofold = {id(one.rule): one for one in overlaps(rules, matcher, now)}
    found: list[Remark] = []
    for rule in rules:
        found += unsafe(rule, guarded)
        found += _alone(rule, now)
        found += _risky(rule, guarded)
        if id(rule) in unsaid:
            found.append(
                Remark(rule, "regex-refused", "error", not_in_force(rule, unsaid[id(rule)]))
            )
        if used is not None and rule.action == "pass" and rule.pattern not in used:
            found += _unused(rule, now)
        if (twice := twofold.get(id(rule))) is not None:
            found.append(twice)
    return found


def not_in_force(rule: Rule, why: str) -> str:
    """What a regex that the engine cannot say means for traffic."""
    if rule.action == "pass":
        return f"It is not in force, its hosts are inspected: {why}."
    return f"It is not in force, and names that no other pattern fits are inspected: {why}."


def _alone(rule: Rule, now: datetime) -> Iterator[Remark]:
    """What can be said of a rule by itself."""
    for check in _CHECKS:
        yield from check(rule, now)


def _expired(rule: Rule, now: datetime) -> Iterator[Remark]:
    if has_ended(rule, now):
        yield Remark(rule, "expired", "error", f"It ended on {rule.until}.")


def _ending(rule: Rule, now: datetime) -> Iterator[Remark]:
    if (text := ending(rule, now)) is not None:
        yield Remark(rule, "ending", "warning", text)


def _wide(rule: Rule, _: datetime) -> Iterator[Remark]:
    network = rule.network
    if (
        network is not None
        and rule.action == "pass"
        and network.prefixlen < _WIDEST[network.version]
    ):
        size = "addresses" if network.version == 4 else "addresses of IPv6"
        text = f"It passes {network.num_addresses:,} {size}, whoever is there."
        yield Remark(rule, "wide-range", "warning", text)
    if rule.action == "pass" and is_any_host(rule):
        who = rule.client or rule.ja4 or f"port {rule.port}"
        yield Remark(rule, "any-host", "warning", f"Every host passes for {who}.")
    client = rule.client
    if client is not None and client.prefixlen == 0:
        yield Remark(rule, "any-client", "warning", "Its client network is everybody.")


def _risky(rule: Rule, guarded: Guarded) -> Iterator[Remark]:
    """Of one name below a shared one: what goes there is a stranger's, or for one."""
    name = rule.host or rule.suffix or rule.wildcard
    if name is None or rule.action != "pass":
        return
    above = name if rule.host is not None else name.partition(".")[2]  # the rest safety.py says
    while above:
        shared = guarded.shared_names.itself(above)
        if shared is not None:
            text = f"{name} is {guarded.shared[shared]}: what goes there cannot be seen any more."
            yield Remark(rule, "risky-category", "warning", text)
            return
        above = above.partition(".")[2]


def _undefended(rule: Rule, _: datetime) -> Iterator[Remark]:
    if rule.action != "pass":
        return
    missing = [
        what
        for what, value in (("reason", rule.reason), ("owner", rule.owner), ("end", rule.expires))
        if not value
    ]
    if missing:
        text = f"It has no {', no '.join(missing)}."
        yield Remark(rule, "undefended", "warning", text)


def _unused(rule: Rule, now: datetime) -> Iterator[Remark]:
    if rule.created is None or (now.date() - rule.created).days >= UNUSED_DAYS:
        text = "Nothing has passed by it: it may no longer be needed."
        yield Remark(rule, "never-used", "warning", text)


def _dead(rule: Rule, _: datetime) -> Iterator[Remark]:
    why = None
    if rule.host is not None and as_address(rule.host) is not None:
        why = f"{rule.host} is an address, not a name: add it again, as a range"
    elif rule.regex is not None and expression.asks_for_colon(rule.regex):
        why = "its regex asks for a colon, which no name holds: add it again, with the port apart"
    if why is not None:
        yield Remark(rule, "never-matches", "error", f"It can never match: {why}.")


def _unbound(rule: Rule, _: datetime) -> Iterator[Remark]:
    if rule.bind == "none" and rule.action == "pass" and rule.network is None:
        text = "It asks a name for no proof: the client alone says where what passes goes."
        yield Remark(rule, "unbound", "warning", text)


def _regex(rule: Rule, _: datetime) -> Iterator[Remark]:
    if rule.regex is None:
        return
    yield Remark(rule, "regex", "warning", "A regex is the last resort: it is hard to read.")
    if rule.action == "pass" and any(part in rule.regex for part in (".*", ".+")):
        text = "A dot with a star crosses labels: write [^.]* for one."
        yield Remark(rule, "loose-regex", "warning", text)


_CHECKS: tuple[Callable[[Rule, datetime], Iterator[Remark]], ...] = (
    _expired,
    _ending,
    _wide,
    _undefended,
    _dead,
    _unbound,
    _regex,
)


def exempted(rule: Rule, names: Sequence[str]) -> list[str]:
    """Which of the names seen in traffic a rule would exempt."""
    matcher = Matcher([msgspec.structs.replace(rule, expires=None, client=None, ja4=None)])
    port = rule.port or 443
    now = datetime.min.replace(tzinfo=UTC)
    return [name for name in names if matcher.match(Arrival(name, None, _ip(name), port), now)]


def _ip(name: str) -> str | None:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return None
