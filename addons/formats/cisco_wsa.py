"""Cisco Secure Web Appliance (WSA): custom URL categories that a decryption policy passes through.

Source: AsyncOS for Web user guide, "Creating and Editing Custom URL Categories", and its API, `/web_security/
url_categories` and `/web_security/decryption_policies`: `sites` holds "x", that host; ".x", all below it (whether the
name itself is meant differs by release: it is inspected, unless it stands there, too); addresses and ranges.
`sites_regex` is searched for in the URL. Where policies are in the file, only categories under `pass_through` are read.
A plain text is what an administrator types for sites, one a line or behind commas.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from addons.bypass.rule import Rule
from addons.formats import shapes
from addons.formats.domain_list import itself, read_grammar, words
from addons.formats.exported import Exported, Imported, Speech, lines
from addons.formats.gathered import Gathered
from addons.formats.json_lines import loaded, objects, texts
from addons.formats.spelling import Grammar, meaning

_SPEECH = Speech(
    host=itself,
    suffix=lambda name: [name, f".{name}"],
    wildcard="a dot before a site is any number of labels",
)
_GRAMMAR = Grammar(
    "host", "below", "a star is no pattern of a site: it is written .name", https=None
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """Sites, one a line."""
    return lines(rules, now, _SPEECH)


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for JSON that is none."""
    if text.lstrip("\ufeff \n\r\t")[:1] not in ("{", "["):
        entries = ((n, part) for n, word in words(text) for part in word.replace(",", " ").split())
        return read_grammar(entries, _GRAMMAR)
    data, at = loaded(text, source)
    gathered = Gathered()
    every = [data] if not isinstance(data, dict) else [data, *data.values(), data.get("res_data")]
    found = [one for part in every for one in objects(part, "custom_url_categories")]
    categories = [one for one in found if "sites" in one or "regex_list" in one]
    asked = _passed_through(
        [one for one in found if "decryption_policies" in one or "policy_name" in one]
    )
    seen: set[int] = set()
    for one in categories:
        if id(one) in seen:
            continue
        seen.add(id(one))
        name = str(one.get("category_name", ""))
        kept = asked is not None and name not in asked
        why = "no decryption policy passes its category through"
        about = {"evidence": f"category {name}"} if name else {}
        for entry in texts(one.get("sites")):
            gathered.add(at.of(entry), entry, why if kept else meaning(entry, _GRAMMAR), **about)
        for key in ("sites_regex", "regex_list", "regex"):
            for entry in texts(one.get(key)):
                shaped = why if kept else shapes.meaning(entry, path=True)
                gathered.add(at.of(entry), entry, shaped, **about)
        for entry in texts(one.get("excluded_urls")):
            gathered.unread(at.of(entry), entry, "an exception of a feed")
    return gathered.done()


def _passed_through(found: list[dict[str, Any]]) -> set[str] | None:
    """Names of categories; None where no policy is in the file."""
    policies = [one for part in found for one in objects(part, "decryption_policies")]
    policies = [one for one in policies if "policy_name" in one]
    if not policies:
        return None
    names: set[str] = set()
    for one in policies:
        filtering = one.get("url_filtering")
        custom = filtering.get("custom_cats") if isinstance(filtering, dict) else None
        if isinstance(custom, dict) and one.get("policy_status", "enable") == "enable":
            names.update(texts(custom.get("pass_through")))
    return names
