"""Envoy: filter chains chosen by server name, the most specific first: whole names, then the longest suffix.

Source: envoyproxy.io, FilterChainMatch.server_names: "*.example.com" is any name below example.com, not the
name itself; no order is needed, and one label alone cannot be said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats import envoy_conf
from addons.formats.domain_list import both, itself
from addons.formats.exported import Exported, Imported, ReadOptions, Speech
from addons.formats.ordered import decisions

_SPEECH = Speech(host=itself, suffix=both, wildcard="Envoy's star stands for any number of labels")


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """`server_names` of two filter chains; the chain for the rest is the administrator's default."""
    said, refused = decisions(rules, now, _SPEECH)
    by_action: dict[str, list[str]] = {"pass": [], "inspect": []}
    there: set[str] = set()
    for action, names in said:
        by_action[action] += [name for name in names if name not in there]
        there.update(names)
    chains = [
        {"filter_chain_match": {"server_names": names}, "name": f"tlsight_{action}"}
        for action, names in by_action.items()
        if names
    ]
    return Exported(json.dumps({"filter_chains": chains}, indent=2) + "\n", refused)


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """A listener's filter chains, in YAML or JSON. Raises ConfigError for what is neither."""
    return envoy_conf.read(text, source, options)
