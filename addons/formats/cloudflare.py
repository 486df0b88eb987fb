"""Cloudflare Gateway: one HTTP rule with the action "off" (Do Not Inspect), as the body for its API.

Source: developers.cloudflare.com, "HTTP policies": Do Not Inspect is asked before all others and knows
http.conn.* alone; http.conn.domains holds a host's name and every domain above it.
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
    host=lambda name: [f'http.conn.hostname == "{name}"'],
    suffix=lambda name: [f'any(http.conn.domains[*] == "{name}")'],
    wildcard=lambda name: [_matches(name)],
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """What inspects before a rule is taken out of it."""
    said, refused = decisions(rules, now, _SPEECH)
    before: list[str] = []
    passing: list[str] = []
    for action, (condition,) in said:
        if action == "inspect":
            before.append(condition)
        else:
            passing.append(" and ".join([f"({condition})", *(f"not ({one})" for one in before)]))
    if not passing:
        return Exported("", refused)
    body = {
        "name": "tlsight", "action": "off", "enabled": True, "filters": ["http"],
        "traffic": " or ".join(passing),
    }  # fmt: skip
    return Exported(json.dumps(body, indent=2) + "\n", refused)


def _matches(name: str) -> str:
    expression = json.dumps(rf"^[^.]+\.{re.escape(name)}$")
    return f"http.conn.hostname matches {expression}"
