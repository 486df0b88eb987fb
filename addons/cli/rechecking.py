"""Are the rules still needed? Each host is probed through the proxy, and what passed lately is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from addons.bypass.lint import UNUSED_DAYS
from addons.bypass.reach import has_ended
from addons.bypass.rule import Rule
from addons.store.traffic import RuleUse
from detector.model.observation import Judgement, Target

State = Literal["needed", "unused", "gone", "ineffective", "expired", "not probed"]


class Rechecked(msgspec.Struct, frozen=True):
    """One rule and whether it does what it is there for."""

    pattern: str
    state: State
    text: str


def rechecked(
    rules: Sequence[Rule],
    uses: Mapping[str, RuleUse],
    probes: Mapping[str, int],
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
        timeout: seconds for each step of a probe.
        now: the day to judge ends by.

    """
    wanted = {rule.pattern: _target(rule) for rule in rules if rule.action == "pass"}
    targets = list(dict.fromkeys(t for t in wanted.values() if t is not None))
    seen = asyncio.run(_probe(targets, proxy, timeout))
    return [
        _state(
            rule,
            _used(uses.get(rule.pattern), probes.get(rule.pattern, 0)),
            seen.get(target) if target else None,
            now,
        )
        for rule in rules
        if rule.action == "pass"
        for target in (wanted[rule.pattern],)
    ]


async def _probe(
    targets: Sequence[Target],
    proxy: str,
    timeout: float,  # noqa: ASYNC109 (for each step of a probe)
) -> dict[Target, Judgement]:
    from detector.api import check_async
    from detector.net.probe import ProbeOptions
    from detector.net.routes import Routing, parse_proxy

    options = ProbeOptions(timeout=timeout, routing=Routing(parse_proxy(proxy)))
    return {one.observation.target: one async for one in check_async(targets, options=options)}


def _used(use: RuleUse | None, probes: int) -> RuleUse | None:
    """None where nobody but re-checks ever came."""
    return use if use is not None and use.connections > probes else None


def _state(rule: Rule, use: RuleUse | None, seen: Judgement | None, now: datetime) -> Rechecked:
    idle = use is None or (now.date() - use.last.date()).days >= UNUSED_DAYS
    if has_ended(rule, now):
        return Rechecked(rule.pattern, "expired", f"ended on {rule.until}: remove it")
    if seen is not None and seen.observation.failure is not None:
        failure = seen.observation.failure
        return Rechecked(rule.pattern, "gone", f"no handshake: {failure.text}")
    if seen is not None and (seen.verdict == "intercepted" or seen.interceptor is not None):
        who = seen.interceptor.issuer if seen.interceptor else "somebody"
        text = (
            f"still decrypted, by {who}: the proxy does not have this rule, or is not the only one"
        )
        return Rechecked(rule.pattern, "ineffective", text)
    if idle:
        last = f"last on {use.last.date()}" if use else "never"
        return Rechecked(rule.pattern, "unused", f"nothing passes by it, {last}: let it expire")
    assert use is not None
    text = f"{use.connections} connections passed, {use.up + use.down:,} bytes"
    return Rechecked(rule.pattern, "needed" if seen is not None else "not probed", text)


def _target(rule: Rule) -> Target | None:
    """One host that the rule is about; a range, a regex or a client has none of its own."""
    name = rule.host or rule.suffix
    return Target(host=name, port=rule.port or 443, sni=name) if name is not None else None
