"""Squid's ssl_bump: access lists of server names, asked in their order; the first that holds decides.

Source: squid-cache.org, "ssl_bump" and "acl ssl::server_name": ".example.com" is the name and everything below
it, "example.com" that name alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

from addons.bypass.rule import Rule
from addons.formats import squid_conf
from addons.formats.about import about
from addons.formats.exported import Exported, Imported, ReadOptions, Speech
from addons.formats.ordered import Decided, decided

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
    said, refused = decided(rules, now, _SPEECH, ports=True)
    lines = ["acl tlsight_step1 at_step SslBump1", "ssl_bump peek tlsight_step1"]
    lines += [
        f"acl tlsight_port_{n} port {n}" for n in sorted({one.port for one in said if one.port})
    ]
    groups = groupby(said, key=lambda one: (_kind(one), _WORDS[one.action], one.port))
    for number, ((kind, action, port), group) in enumerate(groups):
        name = f"tlsight_{number}_{action}"
        named = {one.entries[0].rpartition(" ")[2]: one.rule for one in group}
        for value in _without_covered(list(named)):
            why = about(named[value])
            lines.append(f"acl {name} {kind} {value}" + (f"  # {why}" if why else ""))
        lines.append(f"ssl_bump {action} {name}" + (f" tlsight_port_{port}" if port else ""))
    lines.append("ssl_bump bump all")
    return Exported("\n".join(lines) + "\n", refused)


def read(text: str, source: str, options: ReadOptions = _NOTHING) -> Imported:
    """squid.conf, or a file of names as `ssl::server_name "FILE"` takes it: one or more in a line."""
    if any(map(_DIRECTIVE.match, text.splitlines())):
        return squid_conf.read(text, source, options.beside)
    return squid_conf.values(text)


def _kind(one: Decided) -> str:
    return one.entries[0].rpartition(" ")[0]


def _without_covered(values: list[str]) -> list[str]:
    """Squid refuses a list that holds a name and something above it: the upper one says it all."""
    tops = {value for value in values if value.startswith(".")}
    return [
        value
        for value in dict.fromkeys(values)
        if not any(top in tops and top != value for top in _above(value))
    ]


def _above(value: str) -> Iterator[str]:
    rest = value.lstrip(".")
    while rest:
        yield f".{rest}"
        rest = rest.partition(".")[2]
