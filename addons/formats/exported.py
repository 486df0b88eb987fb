"""What an export is: the text, and the rules that the target cannot say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from addons.bypass.rule import Rule


class Refused(msgspec.Struct, frozen=True):
    """A rule that was left out, and why. Leaving out a rule that passes means that the host is inspected."""

    rule: Rule
    why: str


class Exported(msgspec.Struct, frozen=True):
    text: str
    refused: tuple[Refused, ...]


def in_force(rules: Iterable[Rule], today: date) -> list[Rule]:
    """Rules that have not expired, the most specific first, as the matcher ranks them."""
    kept = [rule for rule in rules if rule.expires is None or today <= rule.expires]
    return sorted(kept, key=_rank)


def why_not(rule: Rule, *, ports: bool = False) -> str | None:
    """What lists of names cannot say, None where the rule is one of names alone."""
    if rule.action == "block":
        return "the list only knows passing and inspecting"
    if rule.client is not None:
        return "the list knows no clients"
    if rule.ja4 is not None:
        return "the list knows no JA4"
    if rule.port is not None and not ports:
        return "the list knows no ports"
    if rule.network is not None:
        return "the list is of names, and this is a range of addresses"
    return None


def _rank(rule: Rule) -> tuple[int, int, int, int]:
    kind = 3
    labels = 0
    if rule.host is not None:
        kind = 0
    elif rule.wildcard is not None:
        kind = 1
    elif rule.suffix is not None:
        kind, labels = 2, -rule.suffix.count(".")
    return kind, labels, -(rule.port is not None), rule.action != "inspect"
