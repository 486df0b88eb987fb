"""Cisco Secure Firewall (FTD, FMC): rules of an SSL or decryption policy that do not decrypt, as the REST APIs give them.

Source: FMC REST API, `.../sslpolicies/ID/sslrules` and `decryptionpolicyrules`; FDM REST API, `/policy/sslpolicies`:
`ruleAction` or `action` DO_NOT_DECRYPT, with `destinationNetworks`, `urls`, `distinguishedNames` as objects or
literals. Objects are read from the file wherever they stand in it (`/object/urls`, `/object/networks`). Rules are asked
in their order, all conditions of a rule at once.

A URL object is looked for as a piece of the URL, so "ign.com" finds verisign.com (FMC guide, "Manual URL Filtering"):
no rule of ours is as wide; it is read as the name and all below it, which is what is meant, and told. "CN=x" is asked
of the server's certificate: it is read as the host x, which is narrower. So names cannot be written, ranges can.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from addons.bypass.reach import in_force
from addons.bypass.rule import Rule
from addons.bypass.shown import shown
from addons.formats.exported import Exported, Imported, Refused, why_not
from addons.formats.gathered import Found, Gathered
from addons.formats.json_lines import Lines, loaded, objects, texts
from addons.formats.names_and_ranges import ranges
from addons.formats.remark import remark
from addons.formats.spelling import Grammar, meaning, network

MAX_OBJECTS = 200_000
MAX_DEPTH = 20
_URL = Grammar("suffix", "below", "below", https=None)
_NAME = Grammar("host", "is no name of a certificate", "wildcard", scheme=False)
_PIECE = "a URL object is found anywhere in a URL; it is read as that name and all below it, which is narrower"
_CERTIFICATE = "CN=x is asked of the certificate; it is read as the host x: other names of that certificate are inspected"
_NOTHING = "no rule that does not decrypt asks for it"
# Conditions of a rule that no rule of ours has, or that are not read.
_OTHERS = ("sourceZones", "destinationZones", "sourceNetworks", "sourcePorts", "vlanTags", "users", "applications",
           "urlCategories", "certStatuses", "cipherSuites", "sslVersions", "identityUsers", "issuerDNs",
           "cipherSuiteLists", "geolocations")  # fmt: skip
_PLACES = (
    "destinationNetworks",
    "urls",
    "urlObjects",
    "distinguishedNames",
    "subjectDNs",
    "urlFilter",
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """Network objects for a rule that does not decrypt."""
    rules = in_force(rules, now)
    said, refused = ranges(rules, now, ports=False)
    why = "a URL object is found anywhere in a URL, and a CN is the certificate's: no name can be said"
    names = [
        Refused(one, why_not(one) or why)
        for one in rules
        if one.network is None and one.action != "inspect"
    ]
    found = [
        {"type": "Network", "name": f"tlsight-{n}", "value": value,
         "description": shown(remark(rule))[:200]}
        for n, (rule, value) in enumerate(said, 1)
    ]  # fmt: skip
    return Exported(
        json.dumps({"items": found}, indent=1) + "\n" if found else "", (*refused, *names)
    )


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for JSON that is none."""
    data, at = loaded(text, source)
    gathered = Gathered()
    every = _every(data)
    rules = [one for one in every if _action(one) is not None]
    by = {
        str(one[key]): one for one in every for key in ("id", "name") if _value(one) and key in one
    }
    if not rules:
        for one in every:
            if _value(one):
                _object(gathered, one, at, "")
        return gathered.done()
    used: set[str] = set()
    for rule in rules:
        _rule(gathered, rule, by, used, at)
    for one in every:
        value = _value(one)
        if value and str(one.get("id")) not in used and str(one.get("name")) not in used:
            gathered.unread(at.of(value), value, _NOTHING)
    return gathered.done()


def _every(data: object) -> list[dict[str, Any]]:
    """Objects at any depth that may be rules or what rules name; not what stands inside a rule."""
    found: list[dict[str, Any]] = []
    waiting: list[tuple[object, int]] = [(data, 0)]
    while waiting and len(found) < MAX_OBJECTS:
        value, depth = waiting.pop(0)
        if depth > MAX_DEPTH:
            continue
        if isinstance(value, list):
            waiting[:0] = [(one, depth + 1) for one in value]
        elif isinstance(value, dict):
            found.append(value)
            if _action(value) is None:
                waiting[:0] = [(one, depth + 1) for one in value.values()]
    return found


def _action(one: dict[str, Any]) -> str | None:
    for key in ("ruleAction", "action"):
        value = one.get(key)
        if isinstance(value, str) and ("DECRYPT" in value or value.startswith("BLOCK")):
            return value
    return None


def _value(one: dict[str, Any]) -> str:
    """What an object of names or addresses says."""
    kind = str(one.get("type", "")).lower()
    if "url" in kind and isinstance(one.get("url"), str):
        return str(one["url"])
    if kind in ("network", "host", "range", "networkobject", "networkliteral") and isinstance(
        one.get("value"), str
    ):
        return str(one["value"])
    if kind == "distinguishedname" or "dn" in one:
        return str(one.get("dn", ""))
    return ""


def _rule(
    gathered: Gathered,
    rule: dict[str, Any],
    by: dict[str, dict[str, Any]],
    used: set[str],
    at: Lines,
) -> None:
    name = str(rule.get("name", ""))
    action = _action(rule) or ""
    items = {key: _items(rule.get(key)) for key in _PLACES}
    asked = {key: found for key, found in items.items() if found}
    narrowed = [key for key in _OTHERS if _items(rule.get(key))]
    why = None
    if rule.get("enabled") is False:
        why = "the rule is not enabled"
    elif "DO_NOT" not in action:
        why = f"the rule says {action}"
    elif narrowed:
        why = f"a rule that asks for {', '.join(narrowed)}, too"
    elif len(asked) > 1:
        why = f"a rule that asks for {' and '.join(asked)} at once"
    elif not asked:
        why = "a rule without names: that is every host"
    if why is not None:
        gathered.unread(at.of(name), name, why)
    for one in (one for found in asked.values() for one in found):
        entry = (
            one if _value(one) else by.get(str(one.get("id")), by.get(str(one.get("name")), one))
        )
        fresh = not {str(entry.get("id")), str(entry.get("name"))} & used
        used.update(str(entry[key]) for key in ("id", "name") if key in entry)
        if not _value(entry):
            called = str(one.get("name", one))
            gathered.unread(at.of(called), called, "an object that is not in the file")
        elif why is None and fresh:
            _object(gathered, entry, at, name)
        elif why is not None:
            gathered.unread(at.of(_value(entry)), _value(entry), why)


def _items(value: object) -> list[dict[str, Any]]:
    """What a condition names: objects and literals."""
    if isinstance(value, dict):
        lists = [
            value.get(key)
            for key in ("objects", "literals", "urlObjects", "urlCategories", "items")
        ]
        return [one for part in lists for one in objects(part or [])]
    found = objects(value or [])
    inner = [one["urlObject"] if isinstance(one.get("urlObject"), dict) else one for one in found]
    return inner + [{"name": one} for one in texts(value)]


def _object(gathered: Gathered, one: dict[str, Any], at: Lines, rule: str) -> None:
    value = _value(one)
    found: Found
    kind = str(one.get("type", "")).lower()
    if "url" in kind:
        found = meaning(value, _URL)
        gathered.note(_PIECE)
    elif "dn" in one:
        parts = [part.strip() for part in value.split(",") if part.strip()]
        name = parts[0].partition("=") if len(parts) == 1 else ("", "", "")
        found = (
            meaning(name[2].strip(), _NAME)
            if name[0].strip().upper() == "CN"
            else "is no CN= alone"
        )
        gathered.note(_CERTIFICATE)
    else:
        found = network(value) or "is no range of addresses"
    about = {"evidence": f"rule {rule}"} if rule else {}
    gathered.add(at.of(value), value, found, **about)
