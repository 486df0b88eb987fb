"""HAProxy in TCP mode: use_backend by the SNI of the ClientHello, in order; the first that holds decides.

Source: HAProxy configuration manual, "use_backend", "req.ssl_sni", string matching methods.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats import haproxy_conf
from addons.formats.exported import Exported, Imported, ReadOptions, Speech
from addons.formats.ordered import decided, runs

_SPEECH = Speech(
    host=lambda name: [name],
    suffix=lambda name: [name, f"-m end .{name}"],
    wildcard=lambda name: [rf"-m reg ^[^.]+\.{re.escape(name)}$"],
)
_WORDS, _LINE = 40, 1500
_BACKENDS = {"pass": "tlsight_pass", "inspect": "tlsight_inspect"}


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """Lines for a frontend; the backends tlsight_pass and tlsight_inspect are the administrator's."""
    said, refused = decided(rules, now, _SPEECH, ports=True)
    lines = [
        "tcp-request inspect-delay 5s",
        "tcp-request content accept if { req.ssl_hello_type 1 }",
    ]
    for action, port, entries in runs(said):
        at = f" {{ dst_port {port} }}" if port is not None else ""
        for how in ("", "-m end ", "-m reg "):
            values = [value for kind, value in map(_apart, entries) if kind == how]
            lines += [
                f"use_backend {_BACKENDS[action]} if {{ req.ssl_sni -i {how}{some} }}{at}"
                for some in _in_lines(values)
            ]
    lines.append("default_backend tlsight_inspect")
    return Exported("\n".join(lines) + "\n", refused)


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """haproxy.cfg, or lines of one frontend. Raises ConfigError beyond the bounds of haproxy_conf.py."""
    return haproxy_conf.read(text, source, options)


def _apart(entry: str) -> tuple[str, str]:
    how, _, value = entry.rpartition(" ")
    return f"{how} " if how else "", value


def _in_lines(values: list[str]) -> Iterator[str]:
    """HAProxy takes 64 words and 2,048 characters in a line."""
    line = ""
    for count, value in enumerate(values):
        if line and (count % _WORDS == 0 or len(line) + len(value) > _LINE):
            yield line
            line = ""
        line = f"{line} {value}" if line else value
    if line:
        yield line
