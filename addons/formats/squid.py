"""Squid's ssl_bump: access lists of server names, asked in their order; the first that holds decides.

Source: squid-cache.org, "ssl_bump" and "acl ssl::server_name": ".example.com" is the name and everything below
it, "example.com" that name alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from itertools import groupby

from addons.bypass.rule import Rule
from addons.formats.exported import Exported, Refused, in_force, why_not

_WORDS = {"pass": "splice", "inspect": "bump"}


def export(rules: Iterable[Rule], today: date) -> Exported:
    """Lines for squid.conf, between `ssl_bump peek step1` and `ssl_bump bump all`, which they contain."""
    refused: list[Refused] = []
    said: list[tuple[str, str, str]] = []  # access list's type, value, what to do
    for rule in in_force(rules, today):
        why = why_not(rule)
        if why is None and rule.regex is not None:
            why = "Squid's regular expressions are POSIX, not Python's"
        if why is not None:
            refused.append(Refused(rule, why))
            if rule.action == "pass":
                continue
            # What cannot be said as narrowly must not pass by a wider rule: it is inspected.
        line = _line(rule)
        if line is not None:
            said.append((*line, _WORDS.get(rule.action, "bump")))
    lines = ["acl tlsight_step1 at_step SslBump1", "ssl_bump peek tlsight_step1"]
    for number, ((kind, action), group) in enumerate(
        groupby(said, key=lambda one: (one[0], one[2]))
    ):
        name = f"tlsight_{number}_{action}"
        values = _without_covered([value for _, value, _ in group])
        lines += [f"acl {name} {kind} {value}" for value in values]
        lines.append(f"ssl_bump {action} {name}")
    lines.append("ssl_bump bump all")
    return Exported("\n".join(lines) + "\n", tuple(refused))


def _without_covered(values: list[str]) -> list[str]:
    """Squid refuses a list that holds a name and something above it: the upper one says it all."""
    tops = [value for value in values if value.startswith(".")]
    return [
        value
        for value in dict.fromkeys(values)
        if not any(top != value and f".{value.lstrip('.')}".endswith(top) for top in tops)
    ]


def _line(rule: Rule) -> tuple[str, str] | None:
    if rule.host is not None:
        return "ssl::server_name", rule.host
    if rule.suffix is not None:
        return "ssl::server_name", f".{rule.suffix}"
    if rule.wildcard is not None:
        return "ssl::server_name_regex -i", rf"^[^.]+\.{re.escape(rule.wildcard)}$"
    return None
