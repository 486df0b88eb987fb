"""Are the rules still needed? Each host is proved through the proxy, and what passed lately is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from addons.bypass.lint import UNUSED_DAYS
from addons.bypass.proof import Proof, Reason
from addons.bypass.provable import provable
from addons.bypass.reach import has_ended
from addons.bypass.rule import Rule
from addons.store.traffic import RuleUse
from detector.model.observation import Target

State = Literal["needed", "unused", "gone", "ineffective", "expired", "not probed"]
# Nobody completes a handshake there, whoever is asked.
_GONE: frozenset[Reason] = frozenset(("unreachable", "no-handshake"))


class Rechecked(msgspec.Struct, frozen=True):
    """One rule and whether it does what it is there for."""

    pattern: str
    state: State
    text: str


def rechecked(
    rules: Sequence[Rule],
    uses: Mapping[str, RuleUse],
    probes: Mapping[str, int],
    seen: Iterable[str],
    proxy: str,
    timeout: float,
    now: datetime,
) -> list[Rechecked]:
    """In the order of the rules. Raises ConfigError for a proxy that is none.

    Args:
        rules: those that pass are looked at.
        uses: what passed by each, by pattern.
        probes: how many of these were re-checks, by pattern.
        proxy: URL of the proxy that has the rules.
        seen: names of the traffic, the busiest first, for rules that name several hosts.
        timeout: seconds for each host.
        now: the moment to judge ends by.

    """
    # One name a rule: what a re-check passes itself is told from use by its number.
    asked = {one.rule.pattern: one.targets[0] for one in provable(rules, seen, now) if one.targets}
    proofs = asyncio.run(_proofs(set(asked.values()), proxy, timeout))
    return [
        _state(
            rule,
            _used(uses.get(rule.pattern), probes.get(rule.pattern, 0)),
            proofs.get(asked.get(rule.pattern)),
            now,
        )
        for rule in rules
        if rule.action == "pass"
    ]


async def _proofs(
    targets: Iterable[Target],
    proxy: str,
    timeout: float,  # noqa: ASYNC109 (a deadline that is handed on)
) -> dict[Target | None, Proof]:
    from addons.cli.both_ways import Asked, BothWays
    from detector.api import default_knowledge
    from detector.net.probe import ProbeOptions
    from detector.net.routes import Routing, parse_proxy

    options = ProbeOptions(timeout=timeout, routing=Routing(parse_proxy(proxy)))
    run = BothWays(default_knowledge(), options, canaries=True)
    found = {(one.host, one.port): one async for one in run.run(map(Asked, targets))}
    return {target: found[target.host, target.port] for target in targets}


def _used(use: RuleUse | None, probes: int) -> RuleUse | None:
    """None where nobody but re-checks ever came."""
    return use if use is not None and use.connections > probes else None


def _state(rule: Rule, use: RuleUse | None, seen: Proof | None, now: datetime) -> Rechecked:
    idle = use is None or (now.date() - use.last.date()).days >= UNUSED_DAYS
    if has_ended(rule, now):
        return Rechecked(rule.pattern, "expired", f"ended on {rule.until}: remove it")
    if seen is not None and seen.reason in _GONE:
        return Rechecked(rule.pattern, "gone", seen.text)
    if seen is not None and seen.state == "decrypted":
        text = f"{seen.text}: the proxy does not have this rule, or is not the only one"
        return Rechecked(rule.pattern, "ineffective", text)
    if idle:
        last = f"last on {use.last.date()}" if use else "never"
        return Rechecked(rule.pattern, "unused", f"nothing passes by it, {last}: let it expire")
    assert use is not None
    text = f"{use.connections} connections passed, {use.up + use.down:,} bytes"
    if seen is None or seen.state == "cannot-tell":
        told = "" if seen is None else f"; {seen.text}"
        return Rechecked(rule.pattern, "not probed", text + told)
    return Rechecked(rule.pattern, "needed", text)
