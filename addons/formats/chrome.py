"""Chrome's and Edge's policy ProxySettings: hosts that go around the proxy.

Source: chromeenterprise.google, "ProxySettings"; Chromium's net/docs/proxy.md, "Proxy bypass rules": a name is
that host alone, a star any number of labels, ":PORT" that port.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats.domain_list import both, itself, read_names
from addons.formats.exported import Exported, Imported, Speech, name_list
from addons.formats.fortios import paired, star_or_host
from detector.errors import ConfigError

_SPEECH = Speech(
    host=itself, suffix=both, wildcard="Chromium's star stands for any number of labels"
)


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
    return read_names(
        paired(listed(text, source, "ProxySettings", "ProxyBypassList", ";")), star_or_host
    )


def listed(text: str, source: str, *path: str) -> list[tuple[int, str]]:
    """Entries of a string inside JSON, found by its keys; the last of `path` separates them."""
    *keys, separator = path
    try:
        found = json.loads(text)
        for key in keys:
            found = found[key]
        return [(1, one.strip()) for one in found.split(separator) if one.strip()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigError(source, f"no {' > '.join(keys)} in it") from None
