"""Netskope: domains of a steering exception, one a line; a star stands for any number of labels.

Source: docs.netskope.com, "Adding Exceptions": domain entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats.domain_list import both, itself, read_names, words
from addons.formats.exported import Exported, Imported, Speech, lines
from addons.formats.fortios import paired, star_or_host

_SPEECH = Speech(
    host=itself, suffix=both, wildcard="Netskope's star stands for any number of labels"
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    return lines(rules, now, _SPEECH)


def read(text: str, source: str) -> Imported:  # noqa: ARG001 (lines say where)
    return read_names(paired(list(words(text))), star_or_host)
