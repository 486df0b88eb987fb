"""e2guardian: exceptionsitelist, whose sites are not decrypted, and not filtered either.

Source: e2guardian 5.3, common.story: an exception ends the request check before sslcheckmitm. An entry is a
domain and everything below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule, RuleRow
from addons.formats.domain_list import itself, read_names, words
from addons.formats.exported import Exported, Imported, Speech, lines

_SPEECH = Speech(
    host="an entry of e2guardian's is a domain with everything below it",
    suffix=itself,
    wildcard="an entry of e2guardian's is a domain with everything below it",
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    return lines(rules, now, _SPEECH)


def read(text: str, source: str) -> Imported:  # noqa: ARG001 (lines say where)
    return read_names(words(text), lambda name: RuleRow(suffix=name))
