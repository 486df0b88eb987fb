"""Netskope: domains of a steering exception or of a URL list for Do Not Decrypt: lines, a table, or the API's JSON.

Source: docs.netskope.com, "Adding Exceptions" and "URL Lists": "x" is that name, "*.x" all below it without the name
itself. REST API v2 `/policy/urllist`: `data.urls` of a `data.type` "exact" or "regex"; these look at the whole URL.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats import csv, shapes
from addons.formats.domain_list import both, itself, read_grammar, words
from addons.formats.exported import Exported, Imported, ReadOptions, Speech, lines
from addons.formats.gathered import Gathered
from addons.formats.json_lines import loaded, objects, texts
from addons.formats.spelling import Grammar, meaning

_SPEECH = Speech(
    host=itself, suffix=both, wildcard="Netskope's star stands for any number of labels"
)
_GRAMMAR = Grammar("host", "below", "below", label=".*", https=None)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    return lines(rules, now, _SPEECH)


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """Raises ConfigError for JSON or a table that cannot be read."""
    if text.lstrip("\ufeff \n\r\t")[:1] in ("{", "["):
        return _json(text, source)
    if csv.is_table(text):
        return csv.table(text, source, options, _GRAMMAR)
    entries = ((n, part) for n, word in words(text) for part in word.replace(",", " ").split())
    return read_grammar(((n, part.strip("\"'")) for n, part in entries), _GRAMMAR)


def _json(text: str, source: str) -> Imported:
    whole, at = loaded(text, source)
    gathered = Gathered()
    for one in objects(whole, "urllists", "data", "result"):
        data = one.get("data")
        inner = data if isinstance(data, dict) else one
        name = str(one.get("name", ""))
        about = {"evidence": f"Netskope's list {name}"} if name else {}
        keys = ("urls", "domains", "domain", "hosts", "ips")
        for entry in (entry for key in keys for entry in texts(inner.get(key))):
            regex = inner.get("type") == "regex"
            found = shapes.meaning(entry, path=True) if regex else meaning(entry, _GRAMMAR)
            gathered.add(at.of(entry), entry, found, **about)
    return gathered.done()
