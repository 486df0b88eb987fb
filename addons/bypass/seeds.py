"""Rules that vendors ask for, as rows for a person to review: they have no owner and no end, so that they
cannot be imported without somebody's name and a day.
"""

from __future__ import annotations

import json
import re

from addons.bypass.feed_sources import sources
from addons.bypass.rule import RuleRow, rule_of
from detector.errors import ConfigError, TargetError

M365 = "https://endpoints.office.com/endpoints/worldwide"
MAX_M365 = 4 << 20


def shipped() -> list[RuleRow]:
    """Those of the vendors whose names stand in addons/data/feeds.toml."""
    found = (row for source in sources().values() for row in source.rows())
    return list({rule_of(row).pattern: row for row in found}.values())


def microsoft365(text: str) -> list[RuleRow]:
    """What Microsoft asks not to inspect: categories Optimize and Allow of its endpoint service, TCP port 443.

    Source: learn.microsoft.com, "Office 365 IP Address and URL web service". "*.x" is any name below x.

    Raises ConfigError for another shape.
    """
    rows: dict[str, RuleRow] = {}
    for number, entry in enumerate(_entries(text)):
        if not isinstance(entry, dict) or not isinstance(entry.get("urls", []), list):
            raise ConfigError("Microsoft 365", f"entry {number} is no endpoint set")
        wanted = entry.get("category") in ("Optimize", "Allow")
        ports = [port.strip() for port in str(entry.get("tcpPorts", "")).split(",")]
        if not wanted or "443" not in ports:
            continue
        about = {
            "port": 443,
            "reason": f"Microsoft 365: {entry.get('serviceAreaDisplayName', entry.get('serviceArea'))}",
            "evidence": f"endpoints.office.com, set {entry.get('id')}, {entry['category']}",
        }
        for name in entry.get("urls", []):
            row = _row(str(name), about)
            rows.setdefault(rule_of(row).pattern, row)
    return list(rows.values())


def _entries(text: str) -> list[object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError("Microsoft 365", f"no JSON: {error}") from None
    if not isinstance(found, list):
        raise ConfigError("Microsoft 365", "no list of endpoint sets")
    return found


def _row(name: str, about: dict[str, object]) -> RuleRow:
    if name.startswith("*.") and "*" not in name[2:]:
        row = RuleRow(suffix=name[2:], **about)  # type: ignore[arg-type]
    elif "*" in name:
        pattern = "[^.]*".join(re.escape(part) for part in name.split("*"))
        row = RuleRow(regex=pattern, **about)  # type: ignore[arg-type]
    else:
        row = RuleRow(host=name, **about)  # type: ignore[arg-type]
    try:
        rule_of(row)
    except (ValueError, TargetError) as error:
        raise ConfigError("Microsoft 365", f"{name!r}: {error}") from None
    return row
