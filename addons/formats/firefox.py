"""Firefox's policies.json: Proxy.Passthrough, hosts that go around the proxy.

Source: mozilla.github.io/policy-templates, "Proxy"; "No proxy for": a name is that host and everything below
it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule, RuleRow
from addons.formats.chrome import listed
from addons.formats.domain_list import itself, read_names
from addons.formats.exported import Exported, Imported, Speech, name_list

_WHY = "an entry of Firefox's also means every name below it"
_SPEECH = Speech(host=_WHY, suffix=itself, wildcard=_WHY)


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
    entries = listed(text, source, "policies", "Proxy", "Passthrough", ",")
    return read_names(entries, lambda name: RuleRow(suffix=name))
