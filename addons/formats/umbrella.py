"""Cisco Umbrella: domains of a selective decryption list, one a line.

Source: docs.umbrella.com, "Wildcards and Destination Lists": every entry also means all names below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats import e2guardian
from addons.formats.domain_list import itself
from addons.formats.exported import Exported, Speech, lines

_WHY = "an entry of Umbrella's also means every name below it"
_SPEECH = Speech(host=_WHY, suffix=itself, wildcard=_WHY)
read = e2guardian.read


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    return lines(rules, now, _SPEECH)
