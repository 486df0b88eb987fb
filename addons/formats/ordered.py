"""Targets that ask their rules in order, the first that holds deciding: all that names can say, they can."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from addons.bypass.reach import in_force
from addons.bypass.rule import Rule
from addons.formats.exported import Refused, Speech, kept_back, speak, why_not

Decision = tuple[Literal["pass", "inspect"], list[str]]


def decisions(
    rules: Iterable[Rule], now: datetime, speech: Speech
) -> tuple[list[Decision], tuple[Refused, ...]]:
    """What to do for which entries, in order.

    A rule that cannot be said as narrowly as it is, and does not pass, inspects: what it keeps back must not
    pass by a wider one. Where it cannot be said at all, the wider ones are left out.
    """
    said: list[Decision] = []
    refused: list[Refused] = []
    unsaid: list[Rule] = []
    for rule in in_force(rules, now):
        entries = speak(rule, speech)
        why = why_not(rule) or (entries if isinstance(entries, str) else None)
        if why is None and rule.action == "pass":
            why = kept_back(rule, unsaid)
        if why is not None:
            refused.append(Refused(rule, why))
            if rule.action == "pass":
                continue
        if isinstance(entries, str):
            if rule.network is None:  # names are looked at before addresses
                unsaid.append(rule)
        else:
            said.append(("pass" if rule.action == "pass" else "inspect", entries))
    return said, tuple(refused)
