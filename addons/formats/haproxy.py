"""HAProxy in TCP mode: use_backend by the SNI of the ClientHello, in order; the first that holds decides.

Source: HAProxy configuration manual, "use_backend", "req.ssl_sni", string matching methods.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats import haproxy_conf
from addons.formats.exported import Exported, Imported, ReadOptions, Speech
from addons.formats.ordered import decisions

_SPEECH = Speech(
    host=lambda name: [f"req.ssl_sni -i {name}"],
    suffix=lambda name: [f"req.ssl_sni -i {name}", f"req.ssl_sni -i -m end .{name}"],
    wildcard=lambda name: [rf"req.ssl_sni -i -m reg ^[^.]+\.{re.escape(name)}$"],
)
_BACKENDS = {"pass": "tlsight_pass", "inspect": "tlsight_inspect"}


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """Lines for a frontend; the backends tlsight_pass and tlsight_inspect are the administrator's."""
    said, refused = decisions(rules, now, _SPEECH)
    lines = [
        "tcp-request inspect-delay 5s",
        "tcp-request content accept if { req.ssl_hello_type 1 }",
    ]
    for action, conditions in said:
        lines += [f"use_backend {_BACKENDS[action]} if {{ {one} }}" for one in conditions]
    lines.append("default_backend tlsight_inspect")
    return Exported("\n".join(lines) + "\n", refused)


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """haproxy.cfg, or lines of one frontend. Raises ConfigError beyond the bounds of haproxy_conf.py."""
    return haproxy_conf.read(text, source, options)
