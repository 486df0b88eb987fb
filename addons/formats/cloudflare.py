"""Cloudflare Gateway: HTTP rules with the action "off" (Do Not Inspect), as its API takes and gives them.

Source: developers.cloudflare.com, "HTTP policies" and "Gateway policy expressions": Do Not Inspect is asked before all
others and knows http.conn.* alone; `http.conn.domains` holds a host's name and every domain above it, so that
`any(http.conn.domains[*] in {"x"})` is x and all below; `http.conn.hostname` is the name itself; `matches` searches.
Older rules say http.request.*, those of the network net.sni.*: they mean the same names. `$ID` is a list, whose items
must be in the file. What a rule asks besides (identity, device posture, a schedule) is no rule of ours.

Written is one rule. What inspects comes before what it keeps back, each kind of pattern by itself, so that it is no
longer than its names: `A or (not (B) and (C or ...))`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from addons.bypass.rule import Rule
from addons.formats import shapes
from addons.formats.exported import Exported, Imported, Speech
from addons.formats.first_match import Decision, gather
from addons.formats.gathered import Found, Gathered
from addons.formats.json_lines import Lines, loaded, objects
from addons.formats.ordered import decisions
from addons.formats.spelling import Grammar, meaning, network
from addons.formats.wirefilter import Node, Test, Tree, UnsayableError, parsed

_HOST, _DOMAIN = "http.conn.hostname", "http.conn.domains"
_SPEECH = Speech(
    host=lambda name: [f"={name}"],
    suffix=lambda name: [f".{name}"],
    wildcard=lambda name: [f"~{name}"],
)
_NAME = Grammar("host", "is no name", "is no name: == compares it whole", https=None, scheme=False)
_BELOW = Grammar(
    "suffix", "is no name", "is no name: == compares it whole", https=None, scheme=False
)
_HOSTS = {_HOST, "http.request.host", "net.sni.host", "http.conn.server_name", "dns.fqdn"}
_DOMAINS = {_DOMAIN, "http.request.domains", "net.sni.domains", "dns.domains"}
_PORTS = {"net.dst.port", "http.conn.dst_port"}
_PLACES = {"http.conn.dst_ip", "http.conn.dst.ip", "net.dst.ip", "http.dst.ip"}
_CLIENTS = {
    "http.conn.src_ip",
    "http.conn.src.ip",
    "net.src.ip",
    "http.src.ip",
    "http.conn.internal_src_ip",
}


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """What inspects before a rule is taken out of it."""
    said, refused = decisions(rules, now, _SPEECH)
    ranked = sorted(((a, entry) for a, (entry,) in said), key=_kind)
    groups = [
        (action, "or", _conditions([entry for _, entry in group]))
        for action, group in (
            (key[1], list(each)) for key, each in groupby(ranked, key=_kind_and_action)
        )
    ]
    while groups and groups[-1][0] == "inspect":
        groups.pop()
    if not groups:
        return Exported("", refused)
    traffic = ""
    for action, _, condition in reversed(groups):
        if action == "pass":
            traffic = f"{condition} or ({traffic})" if traffic else condition
        else:
            traffic = f"not ({condition}) and ({traffic})"
    body = {
        "name": "tlsight", "action": "off", "enabled": True, "filters": ["http"], "traffic": traffic,
    }  # fmt: skip
    return Exported(json.dumps(body, indent=2) + "\n", refused)


def _kind(one: tuple[str, str]) -> tuple[int, int, str]:
    """By kind, as rules are asked; of one kind no two meet, but a name with itself, which then inspects."""
    action, entry = one
    place = "=~.".index(entry[0])
    return place, -entry.count(".") if place == 2 else 0, action


def _kind_and_action(one: tuple[str, str]) -> tuple[tuple[int, int], str]:
    place, depth, action = _kind(one)
    return (place, depth), action


def _conditions(entries: list[str]) -> str:
    parts: list[str] = []
    for sign, field in (("=", f"{_HOST} in {{%s}}"), (".", f"any({_DOMAIN}[*] in {{%s}})")):
        names = dict.fromkeys(entry[1:] for entry in entries if entry[0] == sign)
        if names:
            parts.append(field % " ".join(f'"{name}"' for name in names))
    parts += [
        f"{_HOST} matches " + json.dumps(rf"^[^.]+\.{re.escape(name)}$")
        for name in dict.fromkeys(entry[1:] for entry in entries if entry[0] == "~")
    ]
    return " or ".join(parts)


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for JSON that is none."""
    data, at = loaded(text, source)
    every = list({id(one): one for one in _every(data)}.values())
    rules = [one for one in every if isinstance(one.get("traffic"), str)]
    lists = {
        re.sub(r"[^0-9a-z_]", "", str(one[key]).lower()): one
        for one in every for key in ("id", "uuid", "name") if "items" in one and key in one
    }  # fmt: skip
    gathered = Gathered()
    order = sorted(
        rules, key=lambda one: one["precedence"] if isinstance(one.get("precedence"), int) else 0
    )
    for rule in order:
        line, name = at.of(rule["traffic"]), str(rule.get("name", ""))
        why = _not_ours(rule)
        if why is not None:
            gathered.unread(line, name or rule["traffic"], why)
            continue
        about = {"reason": str(rule["description"])[:300]} if rule.get("description") else {}
        try:
            tree = parsed(rule["traffic"])
        except UnsayableError as error:
            gathered.unread(line, rule["traffic"], str(error))
            continue
        reading = _Reading(line, lists, at, {**about, "evidence": f"Gateway's rule {name}"[:200]})
        gather(reading.alternatives(tree), gathered, source)
    return gathered.done()


def _every(data: object) -> Iterator[dict[str, Any]]:
    """Rules and lists, however the API wrapped them."""
    for one in objects(data, "result", "rules"):
        yield one
        for value in one.values():
            if isinstance(value, list):
                yield from (inner for inner in value if isinstance(inner, dict))
    if isinstance(data, dict):
        for value in data.values():
            yield from objects(value, "result")


def _not_ours(rule: dict[str, Any]) -> str | None:
    """Why a rule lets nothing through by names alone."""
    if rule.get("action") != "off":
        return f"the rule's action is {rule.get('action')}, not off: it is not about decryption"
    if rule.get("enabled") is False:
        return "the rule is not enabled"
    if rule.get("deleted_at"):
        return "the rule was deleted"
    narrowed = [
        key for key in ("identity", "device_posture", "schedule", "expiration") if rule.get(key)
    ]
    return f"a rule that asks for {', '.join(narrowed)}, too" if narrowed else None


class _Reading:
    """One rule's expression as decisions in their order."""

    def __init__(
        self, line: int, lists: dict[str, dict[str, Any]], at: Lines, about: dict[str, Any]
    ) -> None:
        self._line, self._lists, self._at, self._about = line, lists, at, about

    def alternatives(self, tree: Tree) -> list[Decision]:
        """Those without exceptions first: an exception takes names out of its own part alone."""
        parts = list(tree.parts) if isinstance(tree, Node) and tree.kind == "or" else [tree]
        said: list[list[Decision]] = []
        for part in parts:
            try:
                said.append(self._part(part))
            except UnsayableError as error:
                said.append([Decision(self._line, _spelt(part), str(error), "pass")])
        plain = [one for each in said if all(d.action == "pass" for d in each) for one in each]
        narrowed = [each for each in said if any(d.action != "pass" for d in each)]
        if len({tuple(d.found[0] for d in each if _keeps_back(d)) for each in narrowed}) == 1:
            # The same exceptions from all of them.
            narrowed = [
                [
                    *filter(_keeps_back, narrowed[0]),
                    *(d for each in narrowed for d in each if not _keeps_back(d)),
                ]
            ]
        for each in narrowed[:-1]:
            told = " and ".join(d.text for d in each)[:200]
            plain.append(
                Decision(
                    self._line,
                    told,
                    "an exception beside other alternatives: write a rule of its own",
                    "pass",
                )
            )
        return [*plain, *(narrowed[-1] if narrowed else [])]

    def _part(self, tree: Tree) -> list[Decision]:
        if isinstance(tree, Test):
            return self._test(tree, "pass")
        if tree.kind == "or":
            return self.alternatives(tree)
        if tree.kind == "not":
            raise UnsayableError("everything but some names: that is every host")
        return self._both(tree)

    def _both(self, tree: Node) -> list[Decision]:
        """Of several conditions one is of names; others are exceptions, ports and clients."""
        before: list[Decision] = []
        names: list[Decision] | None = None
        ports: tuple[int, ...] | None = None
        clients: tuple[str, ...] | None = None
        for part in tree.parts:
            if isinstance(part, Node) and part.kind == "not":
                before += self._exceptions(part.parts[0])
            elif isinstance(part, Test) and part.how == "!=":
                before += self._test(part._replace(how="=="), "inspect")
            elif isinstance(part, Test) and part.field in _PORTS and ports is None:
                ports = tuple(int(one) for one in part.values if one.isdecimal() and len(one) < 6)
                if len(ports) != len(part.values):
                    raise UnsayableError("ports that are no numbers")
            elif isinstance(part, Test) and part.field in _CLIENTS and clients is None:
                found = [network(one) for one in self._values(part)]
                clients = tuple(each[0].value for each in found if each and len(each) == 1)
                if len(clients) != len(found):
                    raise UnsayableError("clients that are no addresses")
            elif names is None:
                names = self._part(part)
            else:
                raise UnsayableError("several conditions of names at once")
        if names is None:
            raise UnsayableError("no condition of a name or an address: that is every host")
        return [*before, *_narrowed(names, ports, clients)]

    def _exceptions(self, tree: Tree) -> list[Decision]:
        if isinstance(tree, Test):
            return self._test(tree, "inspect")
        if tree.kind != "or":
            raise UnsayableError("an exception of several conditions at once")
        return [one for part in tree.parts for one in self._exceptions(part)]

    def _test(self, test: Test, action: Any) -> list[Decision]:
        if test.how == "!=":
            raise UnsayableError("everything but some names: that is every host")
        return [
            Decision(
                self._line,
                value if test.how == "in" else test.text,
                found,
                action,
                about=self._about,
            )
            for value in self._values(test)
            for found in [self._found(test, value)]
        ]

    def _values(self, test: Test) -> list[str]:
        found: list[str] = []
        for value in test.values:
            if not value.startswith("$"):
                found.append(value)
                continue
            kept = self._lists.get(re.sub(r"[^0-9a-z_]", "", value.lower()))
            if kept is None:
                raise UnsayableError(f"the list {value} is not in the file")
            found += [str(one.get("value", "")) for one in objects(kept["items"])]
            found += [one for one in kept["items"] if isinstance(one, str)]
        return found

    def _found(self, test: Test, value: str) -> Found:
        if test.field in _PLACES:
            return network(value) or "is no address"
        if test.field in _HOSTS:
            return shapes.meaning(value) if test.how == "matches" else meaning(value, _NAME)
        if test.field in _DOMAINS:
            if test.how == "matches":
                return "a regular expression over all domains above a name"
            return meaning(value, _BELOW)
        if test.field in _PORTS or test.field in _CLIENTS:
            return "that is every host"
        return f"{test.field[:60]} is no name and no address"


def _keeps_back(one: Decision) -> bool:
    return one.action != "pass"


def _narrowed(
    names: list[Decision], ports: tuple[int, ...] | None, clients: tuple[str, ...] | None
) -> Iterator[Decision]:
    for one in names:
        found = one.found
        if ports is not None and not isinstance(found, str) and one.action == "pass":
            found = [each._replace(port=port) for port in ports for each in found]
        for client in clients if clients is not None and one.action == "pass" else (one.client,):
            yield one._replace(found=found, client=client)


def _spelt(tree: Tree) -> str:
    if isinstance(tree, Test):
        return tree.text
    return f" {tree.kind} ".join(_spelt(part) for part in tree.parts[:4])
