"""Squid's ssl_bump: access lists of server names, asked in their order; the first that holds decides.

Source: squid-cache.org, "ssl_bump" and "acl ssl::server_name": ".example.com" is the name and everything below
it, "example.com" that name alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from addons.bypass.rule import Rule
from addons.formats import squid_conf
from addons.formats.exported import Exported, Imported, ReadOptions, Speech
from addons.formats.ordered import decisions

_NAME, _REGEX = "ssl::server_name", "ssl::server_name_regex -i"
_SPEECH = Speech(
    host=lambda name: [f"{_NAME} {name}"],
    suffix=lambda name: [f"{_NAME} .{name}"],
    wildcard=lambda name: [rf"{_REGEX} ^[^.]+\.{re.escape(name)}$"],
)
_DIRECTIVE = re.compile(r"\s*(?:acl\s+\S+\s+\S|ssl_bump\s|include\s|http_access\s|https?_port\s)")
_NOTHING = ReadOptions()
_WORDS = {"pass": "splice", "inspect": "bump"}


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """Lines for squid.conf, between `ssl_bump peek step1` and `ssl_bump bump all`, which they contain."""
    decided, refused = decisions(rules, now, _SPEECH)
    said = [(*entry.rsplit(" ", 1), _WORDS[action]) for action, (entry,) in decided]
    lines = ["acl tlsight_step1 at_step SslBump1", "ssl_bump peek tlsight_step1"]
    for number, ((kind, action), group) in enumerate(
        groupby(said, key=lambda one: (one[0], one[2]))
    ):
        name = f"tlsight_{number}_{action}"
        values = _without_covered([value for _, value, _ in group])
        lines += [f"acl {name} {kind} {value}" for value in values]
        lines.append(f"ssl_bump {action} {name}")
    lines.append("ssl_bump bump all")
    return Exported("\n".join(lines) + "\n", refused)


def read(text: str, source: str, options: ReadOptions = _NOTHING) -> Imported:
    """squid.conf, or a file of names as `ssl::server_name "FILE"` takes it: one or more in a line."""
    if any(map(_DIRECTIVE.match, text.splitlines())):
        return squid_conf.read(text, source, options.beside)
    return squid_conf.values(text)


def _without_covered(values: list[str]) -> list[str]:
    """Squid refuses a list that holds a name and something above it: the upper one says it all."""
    tops = [value for value in values if value.startswith(".")]
    return [
        value
        for value in dict.fromkeys(values)
        if not any(top != value and f".{value.lstrip('.')}".endswith(top) for top in tops)
    ]
