"""NO_PROXY: hosts for which programs leave the proxy out. They are not seen by the proxy at all.

Source: curl(1), "NO_PROXY"; Go's net/http/httpproxy: an entry is a name and everything below it; a leading
dot means different things to different programs, and so is not written.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule, RuleRow
from addons.formats.domain_list import itself, read_names, words
from addons.formats.exported import Exported, Imported, Speech, name_list

_WHY = "an entry of NO_PROXY also means every name below it"
_SPEECH = Speech(host=_WHY, suffix=itself, wildcard=_WHY)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    said, refused = name_list(rules, now, _SPEECH)
    names = dict.fromkeys(name for _, entries in said for name in entries)
    return Exported(f"NO_PROXY={','.join(names)}\n" if names else "", refused)


def read(text: str, source: str) -> Imported:  # noqa: ARG001 (lines say where)
    value = text.strip()
    if "=" in value:
        value = value.partition("=")[2].strip("\"'")
    return read_names(words(value, ","), lambda name: RuleRow(suffix=name))
