"""Privoxy: an actions file that turns https-inspection off; the last section that holds decides.

Source: privoxy.org user manual, "Patterns": ".example.com" is the domain and all below it, "example.com" that
name alone, "*.example.com" one label more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby

from addons.bypass.rule import Action, Rule, RuleRow
from addons.formats.domain_list import dotted, itself, read_names, starred, words
from addons.formats.exported import Exported, Imported, Speech
from addons.formats.ordered import decisions

_SPEECH = Speech(host=itself, suffix=dotted, wildcard=starred)
_SIGNS = {"pass": "-", "inspect": "+"}


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """An actions file, to be named after the one that turns https-inspection on."""
    said, refused = decisions(rules, now, _SPEECH)
    lines: list[str] = []
    for action, group in groupby(reversed(said), key=lambda one: one[0]):
        lines.append(f"{{{_SIGNS[action]}https-inspection}}")
        lines += [f"{name}/" for _, names in group for name in names]
    return Exported("\n".join(lines) + "\n" if lines else "", refused)


def read(text: str, source: str) -> Imported:  # noqa: ARG001 (lines say where)
    """Sections of https-inspection; of others nothing."""
    entries: list[tuple[int, str]] = []
    actions: dict[str, str] = {}
    action = ""
    for line, word in words(text):
        if word.startswith("{"):
            action = "pass" if "-https-inspection" in word else ""
            action = "inspect" if "+https-inspection" in word else action
        elif action:
            name = word.removesuffix("/")
            entries.append((line, name))
            actions[name] = action

    passed = [one for one in entries if actions[one[1]] == "pass"]
    inspected = [one for one in entries if actions[one[1]] == "inspect"]
    first, second = read_names(passed, _meaning("pass")), read_names(inspected, _meaning("inspect"))
    unread = sorted((*first.unread, *second.unread), key=lambda one: one.line)
    return Imported((*first.entries, *second.entries), tuple(unread))


def _meaning(action: Action) -> Callable[[str], RuleRow | str]:
    def row(name: str) -> RuleRow | str:
        if name.startswith("*."):
            return RuleRow(wildcard=name, action=action)
        if name.startswith("."):
            return RuleRow(suffix=name, action=action)
        return RuleRow(host=name, action=action)

    return row
