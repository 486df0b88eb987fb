"""Zscaler ZIA: custom URL categories for an SSL inspection rule: one entry a line, a table, or the API's JSON.

Source: help.zscaler.com, "URL Format Guidelines": "x" is that name; ".x" is the name and up to five labels below it
(what lies deeper is inspected there, and passes by our suffix: told in the notes); there are no stars. The API
(`/urlCategories`, `/sslInspectionRules`): `urls` and `dbCategorizedUrls` are both members of a category, `ipRanges` its
addresses. Where the rules are in the file, only what a rule with DO_NOT_DECRYPT asks for is read, by the first rule
that asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from addons.bypass.rule import Rule
from addons.formats import csv
from addons.formats.domain_list import dotted, itself, read_grammar, words
from addons.formats.exported import Exported, Imported, ReadOptions, Speech, lines
from addons.formats.gathered import Gathered
from addons.formats.json_lines import Lines, loaded, objects, texts
from addons.formats.spelling import Grammar, meaning

_SPEECH = Speech(host=itself, suffix=dotted, wildcard="Zscaler's leading dot is up to five labels")
_GRAMMAR = Grammar(
    "host", "suffix", "a star is no pattern of Zscaler's: it writes .name", https=None
)
_FIVE = "Zscaler's .name ends five labels below the name, a suffix here does not"
_NAMES = ("urls", "dbCategorizedUrls")
_RANGES = ("ipRanges", "ipRangesRetainingParentCategory")
_WORDS = ("keywords", "keywordsRetainingParentCategory", "regexPatterns",
          "regexPatternsRetainingParentCategory")  # fmt: skip
# Of a rule: what says when it is asked for, besides its categories, addresses and what labels it.
_OTHERS = ("locations", "locationGroups", "departments", "groups", "users", "platforms", "cloudApplications",
           "userAgentTypes", "devices", "deviceGroups", "sourceIpGroups", "destIpGroups", "proxyGateways",
           "timeWindows", "zpaAppSegments", "workloadGroups", "deviceTrustLevels", "roadWarriorForKerberos")  # fmt: skip


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    return lines(rules, now, _SPEECH)


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """Raises ConfigError for JSON or a table that cannot be read."""
    if text.lstrip("\ufeff \n\r\t")[:1] in ("{", "["):
        return _json(text, source)
    if csv.is_table(text):
        found = csv.table(text, source, options, _GRAMMAR)
    else:
        entries = ((n, part) for n, word in words(text) for part in word.replace(",", " ").split())
        found = read_grammar(((n, part.strip("\"'")) for n, part in entries), _GRAMMAR)
    return _told(found)


def _told(found: Imported) -> Imported:
    if all(one.row.suffix is None for one in found.entries):
        return found
    return Imported(found.entries, found.unread, (*found.notes, _FIVE))


def _json(text: str, source: str) -> Imported:
    data, at = loaded(text, source)
    gathered = Gathered()
    every = [data] if not isinstance(data, dict) else [data, *data.values()]
    found = [one for part in every for one in objects(part)]
    categories = [one for one in found if any(key in one for key in (*_NAMES, *_RANGES))]
    rules = [one for one in found if isinstance(one.get("action"), dict)]
    wanted = _asked_for(rules, gathered, at) if rules else None
    for category in categories:
        _category(category, wanted, gathered, at)
    ids = {str(one.get("id")) for one in categories}
    for identifier in sorted((wanted or set()) - ids):
        gathered.unread(0, identifier, "a category whose members are not in the file")
    return _told(gathered.done())


def _asked_for(rules: list[dict[str, Any]], gathered: Gathered, at: Lines) -> set[str]:
    """Categories of which the first rule that asks for them does not decrypt."""
    decided: dict[str, bool] = {}
    for rule in sorted(
        rules, key=lambda one: one["order"] if isinstance(one.get("order"), int) else 0
    ):
        name = str(rule.get("name", rule.get("id", "")))
        passes = "DO_NOT_DECRYPT" in str(rule["action"].get("type"))
        if rule.get("state", "ENABLED") != "ENABLED":
            gathered.unread(at.of(name), name, "the rule is not enabled")
            continue
        narrowed = [key for key in _OTHERS if rule.get(key)]
        if passes and narrowed:
            gathered.unread(at.of(name), name, f"a rule that asks for {', '.join(narrowed)}, too")
            passes = False
        if passes and not texts(rule.get("urlCategories")):
            gathered.unread(at.of(name), name, "a rule without categories: that is every host")
        for identifier in texts(rule.get("urlCategories")):
            decided.setdefault(identifier, passes)
    return {one for one, passes in decided.items() if passes}


def _category(
    category: dict[str, Any], wanted: set[str] | None, gathered: Gathered, at: Lines
) -> None:
    name = str(category.get("configuredName") or category.get("id") or "")
    about = {"evidence": f"Zscaler's category {name}"} if name else {}
    entries = [one for key in _NAMES for one in texts(category.get(key))]
    asked = wanted is None or str(category.get("id")) in wanted
    for entry in dict.fromkeys(entries):
        why = "no rule that does not decrypt asks for its category"
        gathered.add(at.of(entry), entry, meaning(entry, _GRAMMAR) if asked else why, **about)
    for entry in dict.fromkeys(one for key in _RANGES for one in texts(category.get(key))):
        why = "no rule that does not decrypt asks for its category"
        gathered.add(at.of(entry), entry, meaning(entry, _GRAMMAR) if asked else why, **about)
    for entry in (one for key in _WORDS for one in texts(category.get(key))):
        gathered.unread(at.of(entry), entry, "a keyword is looked for in URLs: it is no host")
