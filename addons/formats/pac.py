"""Proxy auto-config: hosts for which the client goes DIRECT. They are not seen by the proxy at all.

Source: developer.mozilla.org, "Proxy Auto-Configuration file".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats.exported import Exported, Speech
from addons.formats.ordered import decisions

_SPEECH = Speech(
    host=lambda name: [f"host === {json.dumps(name)}"],
    suffix=lambda name: [
        f"host === {json.dumps(name)}",
        f"dnsDomainIs(host, {json.dumps('.' + name)})",
    ],
    wildcard=lambda name: [rf"/^[^.]+\.{re.escape(name)}$/.test(host)"],
)
_WAYS = {"pass": '"DIRECT"', "inspect": "TLSIGHT_PROXY"}


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """A file for the administrator to put the proxy's address into."""
    said, refused = decisions(rules, now, _SPEECH)
    lines = [
        'var TLSIGHT_PROXY = "PROXY proxy.example:8080";',
        "function FindProxyForURL(url, host) {",
        '  host = host.toLowerCase().replace(/\\.$/, "");',
    ]
    lines += [f"  if ({' || '.join(conditions)}) return {_WAYS[a]};" for a, conditions in said]
    return Exported("\n".join([*lines, "  return TLSIGHT_PROXY;", "}"]) + "\n", refused)
