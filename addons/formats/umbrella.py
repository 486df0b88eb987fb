"""Cisco Umbrella and Secure Access: domains of a selective decryption list: lines, a table, or the API's JSON.

Source: docs.umbrella.com, "Wildcards and Destination Lists": every domain also means all names below it; asterisks do
not work. API v2 `/destinationlists/ID/destinations`: `destination` with its `type` domain, url or ipv4, and a `comment`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats import csv
from addons.formats.domain_list import itself, read_grammar, words
from addons.formats.exported import Exported, Imported, ReadOptions, Speech, lines
from addons.formats.gathered import Gathered
from addons.formats.json_lines import loaded, objects, texts
from addons.formats.remark import fields
from addons.formats.spelling import Grammar, meaning

_WHY = "an entry of Umbrella's also means every name below it"
_SPEECH = Speech(host=_WHY, suffix=itself, wildcard=_WHY)
_GRAMMAR = Grammar("suffix", "suffix", "an asterisk does not work in Umbrella's lists", https=None)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    return lines(rules, now, _SPEECH)


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """Raises ConfigError for JSON or a table that cannot be read."""
    if text.lstrip("\ufeff \n\r\t")[:1] in ("{", "["):
        return _json(text, source)
    if csv.is_table(text):
        return csv.table(text, source, options, _GRAMMAR)
    return read_grammar(words(text), _GRAMMAR)


def _json(text: str, source: str) -> Imported:
    data, at = loaded(text, source)
    gathered = Gathered()
    for one in objects(data, "data", "destinations"):
        if isinstance(one.get("destination"), str):
            entry = one["destination"]
            comment = one.get("comment")
            about = fields(comment) if isinstance(comment, str) else {}
            gathered.add(at.of(entry), entry, meaning(entry, _GRAMMAR), **about)
        for entry in texts(one.get("domains")):
            gathered.add(at.of(entry), entry, meaning(entry, _GRAMMAR))
    for entry in texts(data):
        gathered.add(at.of(entry), entry, meaning(entry, _GRAMMAR))
    return gathered.done()
