"""Zscaler ZIA: a custom URL category for an SSL inspection rule, one entry a line.

Source: help.zscaler.com, "URL Format Guidelines": a leading dot is the name and up to five labels below it; what
lies deeper is inspected.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats import squid
from addons.formats.domain_list import dotted, itself
from addons.formats.exported import Exported, Speech, lines

read = squid.read
_SPEECH = Speech(host=itself, suffix=dotted, wildcard="Zscaler's leading dot is up to five labels")


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    return lines(rules, now, _SPEECH)
