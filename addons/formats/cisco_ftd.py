"""Cisco Secure Firewall (FTD, FMC): rules of an SSL or decryption policy that do not decrypt, as the REST APIs give them.

Source: FMC REST API, `.../sslpolicies/ID/sslrules` and `decryptionpolicyrules`; FDM REST API, `/policy/sslpolicies`:
`ruleAction` or `action` DO_NOT_DECRYPT, with `destinationNetworks`, `urls`, `distinguishedNames` as objects or
literals. Objects are read from the file wherever they stand in it (`/object/urls`, `/object/networks`). Rules are asked
in their order, all conditions of a rule at once.

A URL object without a path is asked of the host's name: "ign.com" is that name and all below it, and not verisign.com
(FMC guide, "Manual URL Filtering Options"); it knows no stars. "CN=x" is asked of the server's certificate: it is read
as the host x, which is narrower, and told. So what can be written are names with all below them, and ranges.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from addons.bypass.rule import Rule
from addons.formats.domain_list import itself
from addons.formats.exported import Exported, Imported, Speech, name_list
from addons.formats.gathered import Found, Gathered
from addons.formats.json_lines import Lines, loaded, objects, texts
from addons.formats.names_and_ranges import ranges
from addons.formats.remark import remark
from addons.formats.spelling import Grammar, meaning, network

MAX_OBJECTS = 200_000
MAX_DEPTH = 20
_URL = Grammar("suffix", "below", "a URL object knows no star", https=None)
_BELOW = "a URL object also means every name below it"
_SPEECH = Speech(host=_BELOW, suffix=itself, wildcard=_BELOW)
_NAME = Grammar("host", "is no name of a certificate", "wildcard", scheme=False)
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
    """URL and network objects for a rule that does not decrypt."""
    rules = list(rules)
    names, refused = name_list(rules, now, _SPEECH)
    places, kept = ranges(rules, now, ports=False)
    said = [("Url", "url", rule, name) for rule, (name,) in names]
    said += [("Network", "value", rule, value) for rule, value in places]
    found: dict[str, dict[str, str]] = {}
    for kind, key, rule, value in said:
        about = {"description": remark(rule)[:200]} if remark(rule) else {}
        found.setdefault(
            value, {"type": kind, "name": f"tlsight-{value}"[:64], key: value, **about}
        )
    text = json.dumps({"items": [*found.values()]}, indent=0) + "\n" if found else ""
    return Exported(text, (*(one for one in refused if one.rule.network is None), *kept))


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
    decided: set[str] = set()
    for rule in rules:
        _rule(gathered, rule, by, used, decided, at)
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
    decided: set[str],
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
        called = {str(entry[key]) for key in ("id", "name") if key in entry}
        fresh = not called & decided
        used |= called
        # A rule that is not asked of everything decides nothing yet, unless it may decrypt.
        if why is None or (rule.get("enabled") is not False and "DO_NOT" not in action):
            decided |= called
        if not _value(entry):
            label = str(one.get("name", one))
            gathered.unread(at.of(label), label, "an object that is not in the file")
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
