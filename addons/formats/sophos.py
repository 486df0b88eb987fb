"""Sophos Firewall: a web exception that skips HTTPS decryption, as anchored expressions.

Source: docs.sophos.com, "Exceptions": expressions are searched for in host/path, so one that is not anchored
also finds paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats.exported import Exported, Speech, lines

_SPEECH = Speech(
    host=lambda name: [rf"^{re.escape(name)}/"],
    suffix=lambda name: [rf"^([A-Za-z0-9.-]*\.)?{re.escape(name)}/"],
    wildcard=lambda name: [rf"^[A-Za-z0-9-]+\.{re.escape(name)}/"],
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """One expression a line."""
    return lines(rules, now, _SPEECH)
