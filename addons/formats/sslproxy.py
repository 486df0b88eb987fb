"""SSLproxy: FilterRule with the action Pass, for whole names.

Source: SSLproxy's sslproxy.conf(5): a site is compared whole, or as a piece anywhere in the name when it ends
in a star; so a suffix cannot be said.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats import sslproxy_conf
from addons.formats.exported import Exported, Imported, ReadOptions, Speech, lines

_SPEECH = Speech(
    host=lambda name: [f"FilterRule {{\n    Action Pass\n    SNI {name}\n}}"],
    suffix="SSLproxy's star finds a piece anywhere in a name: evilexample.com passes as example.com",
    wildcard="SSLproxy's star finds a piece anywhere in a name",
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    return lines(rules, now, _SPEECH)


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """sslproxy.conf, or a file that it includes. Raises ConfigError beyond the bounds of sslproxy_conf.py."""
    return sslproxy_conf.read(text, source, options)
