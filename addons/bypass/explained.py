"""What a proxy does with a connection by its rules, and which of them were looked at: for the verbs and the page."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Action, Rule


class Explained(NamedTuple):
    """What a proxy does with a connection.

    Attributes:
        rule: the one that decides, None where none applies.
        considered: every rule whose pattern fits, with what keeps it from deciding.

    """

    action: Action
    rule: Rule | None
    considered: list[tuple[Rule, str]]


def explained(matcher: Matcher, connection: Arrival, now: datetime) -> Explained:
    """As the proxy decides, by the same code."""
    rule = matcher.match(connection, now)
    action = rule.action if rule is not None else "inspect"
    return Explained(action, rule, list(matcher.considered(connection, now)))
