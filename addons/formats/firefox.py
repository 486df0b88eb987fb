"""Firefox's policies.json: Proxy.Passthrough, hosts that go around the proxy.

Source: mozilla.github.io/policy-templates, "Proxy"; Firefox's nsProtocolProxyService, "No proxy for": "x" is that host
and everything below it, ".x" and "*.x" all below it without the name itself; ranges and ":PORT" are known, "<local>" is
every name without a dot.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats.chrome import listed
from addons.formats.domain_list import itself
from addons.formats.exported import Exported, Imported, Speech, name_list
from addons.formats.gathered import Gathered, Pattern
from addons.formats.json_lines import loaded
from addons.formats.spelling import Grammar, meaning

_WHY = "an entry of Firefox's also means every name below it"
_SPEECH = Speech(host=_WHY, suffix=itself, wildcard=_WHY)
_GRAMMAR = Grammar("suffix", "below", "below", https=None, scheme=False)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """A policies.json; the proxy's address is the administrator's."""
    said, refused = name_list(rules, now, _SPEECH)
    names = dict.fromkeys(name for _, entries in said for name in entries)
    proxy = {
        "Mode": "manual", "HTTPProxy": "proxy.example:8080", "UseHTTPProxyForAllProtocols": True,
        "Passthrough": ", ".join(names),
    }  # fmt: skip
    return Exported(json.dumps({"policies": {"Proxy": proxy}}, indent=2) + "\n", refused)


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for what is no such policy."""
    data, at = loaded(text, source)
    value, line = listed(data, at, source, ("policies", "Proxy", "Passthrough"))
    gathered = Gathered()
    for entry in filter(None, re.split(r"[\s,]+", value)):
        local = entry == "<local>"
        found = [Pattern("regex", "[^.]+")] if local else meaning(entry, _GRAMMAR)
        gathered.add(line, entry, found)
    return gathered.done()
