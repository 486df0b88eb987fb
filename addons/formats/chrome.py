"""Chrome's and Edge's policy ProxySettings: hosts that go around the proxy.

Source: chromeenterprise.google, "ProxySettings" and "ProxyBypassList"; Chromium's net/docs/proxy.md, "Proxy bypass
rules": "x" is that host alone, "*.x" and ".x" all below it without the name itself, a star anywhere any letters, dots
among them; ":PORT" that port, "<local>" every name without a dot.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats.domain_list import both, itself
from addons.formats.exported import Exported, Imported, Speech, name_list
from addons.formats.gathered import Found, Gathered, Pattern
from addons.formats.json_lines import Lines, loaded
from addons.formats.spelling import Grammar, meaning
from detector.errors import ConfigError

_SPEECH = Speech(
    host=itself, suffix=both, wildcard="Chromium's star stands for any number of labels"
)
_GRAMMAR = Grammar("host", "below", "below", label=".*", https=None)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """A file for .../policies/managed; the proxy's address is the administrator's."""
    said, refused = name_list(rules, now, _SPEECH, ports=True)
    names: dict[str, None] = {}
    for rule, entries in said:
        port = f":{rule.port}" if rule.port is not None else ""
        names.update(dict.fromkeys(f"{name}{port}" for name in entries))
    policy = {
        "ProxyMode": "fixed_servers", "ProxyServer": "proxy.example:8080",
        "ProxyBypassList": ";".join(names),
    }  # fmt: skip
    return Exported(json.dumps({"ProxySettings": policy}, indent=2) + "\n", refused)


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for what is no such policy."""
    data, at = loaded(text, source)
    keys = (("ProxySettings", "ProxyBypassList"), ("ProxyBypassList",))
    value, line = listed(data, at, source, *keys)
    gathered = Gathered()
    for entry in filter(None, re.split(r"[\s;,]+", value)):
        gathered.add(line, entry, _said(entry))
    return gathered.done()


def listed(data: object, at: Lines, source: str, *paths: tuple[str, ...]) -> tuple[str, int]:
    """A text inside JSON and its line, under the first of several paths that is there. Raises ConfigError."""
    for path in paths:
        found = data
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, str):
            return found, at.of(found)
    raise ConfigError(source, f"no {' > '.join(paths[0])} in it")


def _said(entry: str) -> Found:
    if entry == "<local>":
        return [Pattern("regex", "[^.]+")]
    if entry.startswith("<"):
        return "a rule for loopback addresses, not for hosts"
    return meaning(entry, _GRAMMAR)
