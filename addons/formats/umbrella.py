"""Cisco Umbrella: domains of a selective decryption list, one a line.

Source: docs.umbrella.com, "Wildcards and Destination Lists": every entry also means all names below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from addons.bypass.rule import Rule
from addons.formats import e2guardian
from addons.formats.domain_list import itself
from addons.formats.exported import Exported, Speech, name_list

_WHY = "an entry of Umbrella's also means every name below it"
_SPEECH = Speech(host=_WHY, suffix=itself, wildcard=_WHY)
read = e2guardian.read


def export(rules: Iterable[Rule], today: date) -> Exported:
    said, refused = name_list(rules, today, _SPEECH)
    lines = dict.fromkeys(f"{name}\n" for _, entries in said for name in entries)
    return Exported("".join(lines), refused)
