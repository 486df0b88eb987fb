"""PAN-OS's configuration in XML: the exclusion list, and decryption rules with the categories that they name.

Source: docs.paloaltonetworks.com, "Decryption Policy Rules", "Custom URL Categories"; the configuration's schema.

Rules
-----
1. What is excluded is never decrypted, whatever rules say. Rules are asked in order, those of Panorama's
   pre-rulebase first; the first that holds decides.
2. A category counts where a rule names it. Where there are no decryption rules, every list of URLs is one of names
   that are not decrypted.
3. Of a category of other categories nothing is known here; nor of PAN-OS's own ones.
4. What no rule decrypts is not decrypted. So a rule for zones or users in which all is that others decrypt asks for
   nothing by that.
5. A condition that is not known here (the devices of a target, a schedule) is one that no rule says.
6. Rules of one system (vsys, device group) are one list. Of several the first is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from addons.bypass.rule import Action, RuleRow
from addons.formats import addresses, panos_names
from addons.formats.exported import Unread
from addons.formats.settling import MOST_TEXT, Line, Named
from addons.formats.together import together
from addons.formats.xml_elements import Element

AGAIN = "PAN-OS decrypts these, which it would leave alone by its own list"
_ANY = ("any", "")
_BASES = ("pre-rulebase", "rulebase", "post-rulebase")
_PORTS = {"service-http": 80, "service-https": 443}
# What a rule may ask for, and no rule of ours does.
_CONDITIONS = (
    "source-user",
    "from",
    "to",
    "source-hip",
    "destination-hip",
    "packet-broker-profile",
)
# What of a rule is read elsewhere here, or changes nothing of what it is for.
_KNOWN = (
    "category", "destination", "source", "negate-destination", "negate-source", "service", "action", "disabled",
    "type", "target", *_CONDITIONS, "description", "tag", "group-tag", "profile", "log-setting", "log-success",
    "log-fail", "log-start", "log-end", "audit-comment", "uuid", "loc",
)  # fmt: skip


class Scope(NamedTuple):
    """A system's own configuration, beneath what it shares with others."""

    name: str
    rules: list[Element]
    objects: list[Element]


def lines(root: Element) -> tuple[list[Line], list[Unread], dict[int, str]]:
    """What the configuration says, in its order; what it does not; and descriptions by line."""
    unread: list[Unread] = []
    about: dict[int, str] = {}
    excluded = list(_excluded(root, unread, about))
    for again in root.all("disabled-ssl-exclude-cert-from-predefined"):
        unread += [Unread(one.line, one.text[:MOST_TEXT], AGAIN) for one in again.children]
    found = [Line("pass", tuple(excluded))] if excluded else []
    scopes = [one for one in _scopes(root) if one.rules]
    if scopes:
        reading = _Rules([*scopes[0].objects, root], scopes[0].rules)
        found += [line for rule in scopes[0].rules if (line := reading.line(rule)) is not None]
        unread += [
            Unread(rule.line, f"rule {rule.name}"[:MOST_TEXT], "switched off")
            for rule in scopes[0].rules
            if rule.words("disabled") == ["yes"] and rule.words("action") == ["no-decrypt"]
        ]
        for scope in scopes[1:]:
            for rule in scope.rules:
                why = f"a rule of another system, {scope.name}: give its configuration alone"
                unread.append(Unread(rule.line, rule.name[:MOST_TEXT], why))
    else:
        named = [one for entry in _categories([root]) for one in _members(entry)]
        found += [Line("pass", tuple(named))] if named else []
    return found, unread, about


def _excluded(root: Element, unread: list[Unread], about: dict[int, str]) -> Iterator[Named]:
    lists = [root] if root.tag == "ssl-exclude-cert" else [*root.all("ssl-exclude-cert")]
    loose = [root] if root.tag == "entry" else []
    if not lists and root.tag not in ("config", "custom-url-category", "response"):
        lists = [root]
    for entry in [*loose, *(one for each in lists for one in each.children if one.tag == "entry")]:
        if entry.one("list") is not None or not entry.name or entry.one("action") is not None:
            continue
        said = entry.one("exclude")
        # An entry without a word of it is one that the web interface would show as excluded.
        if said is not None and said.text != "yes":
            why = "not excluded from decryption"
            unread.append(Unread(entry.line, entry.name[:MOST_TEXT], why))
            continue
        about[entry.line] = (entry.one("description") or entry).text
        yield panos_names.excluded(entry.name, entry.line)


def _scopes(root: Element) -> Iterator[Scope]:
    systems = [
        entry
        for kind in ("vsys", "device-group")
        for table in root.all(kind)
        for entry in table.children
        if entry.tag == "entry"
    ]
    bare = Scope("", list(_rules_of(root, deep=not systems)), [root])
    if bare.rules:
        yield bare
    for system in systems:
        yield Scope(system.name, list(_rules_of(system, deep=True)), [system])


def _rules_of(node: Element, *, deep: bool) -> Iterator[Element]:
    for base in _BASES:
        found = [node] if node.tag == base else [c for c in node.children if c.tag == base]
        if not found and deep:
            found = list(node.all(base))
        for one in found:
            rules = one.one("decryption", "rules")
            yield from (rules.children if rules else ())
    if node.tag in ("decryption", "rules"):
        rules = node.one("rules") if node.tag == "decryption" else node
        yield from (rules.children if rules else ())


def _categories(where: Iterable[Element]) -> Iterator[Element]:
    for node in where:
        tables = [node] if node.tag == "custom-url-category" else node.all("custom-url-category")
        for table in tables:
            yield from (one for one in table.children if one.tag == "entry")


def _members(entry: Element) -> Iterator[Named]:
    """What a category holds."""
    kind = entry.one("type")
    listed = entry.one("list")
    for member in listed.children if listed else ():
        if kind is not None and kind.text != "URL List":
            why = f"a category of PAN-OS's own, in {entry.name}"
            yield Named(RuleRow(), member.line, member.text, why=why)
        else:
            yield from panos_names.url(member.text, member.line)


class _Rules:
    """Decryption rules with the objects that they name; those of the system come before shared ones."""

    def __init__(self, where: list[Element], rules: list[Element]) -> None:
        self._decrypted = _decrypted(rules)
        self._categories: dict[str, Element] = {}
        self._objects: dict[str, dict[str, Element]] = {"address": {}, "address-group": {}}
        for entry in _categories(where):
            self._categories.setdefault(entry.name, entry)
        for node in where:
            for kind, table in self._objects.items():
                for found in node.all(kind):
                    for entry in found.children:
                        if entry.tag == "entry":
                            table.setdefault(entry.name, entry)

    def line(self, rule: Element) -> Line | None:
        """None for a rule that is switched off, or for TLS of servers of one's own, or SSH."""
        if not _counts(rule):
            return None
        said = (rule.one("action") or rule).text
        action: Action = "pass" if said == "no-decrypt" else "inspect"
        doubts: list[str] = []
        lists: list[list[Named]] = []
        categories = [one for one in rule.words("category") if one not in _ANY]
        if categories:
            lists.append([one for name in categories for one in self._category(name, rule)])
        for tag, field in (("destination", "cidr"), ("source", "client")):
            values = [one for one in rule.words(tag) if one not in _ANY]
            if rule.words(f"negate-{tag}") == ["yes"]:
                doubts.append(f"all but some of its {tag}s")
            elif values:
                lists.append(self._addresses(values, field, rule))
        services = [
            one for one in rule.words("service") if one not in (*_ANY, "application-default")
        ]
        if services:
            lists.append([_service(one, rule) for one in services])
        doubts += _unknown(rule)
        doubts += [
            f"asks for {tag} {', '.join(values)}"
            for tag in _CONDITIONS
            if (values := [one for one in rule.words(tag) if one not in _ANY])
            and not (action == "pass" and (all_of := self._decrypted[tag]) and all_of <= {*values})
        ]
        named, why = together(lists)
        doubts += [why] if why else []
        return Line(
            action, named, rule.line, f"rule {rule.name}", any_host=not lists,
            doubt="; ".join(doubts)[:200],
        )  # fmt: skip

    def _category(self, name: str, rule: Element) -> list[Named]:
        found = self._categories.get(name)
        if found is None:
            why = "a category of PAN-OS's own, or a list that is not in this file"
            return [Named(RuleRow(), rule.line, name, why=why)]
        return list(_members(found))

    def _addresses(self, values: list[str], field: str, rule: Element) -> list[Named]:
        """What addresses, objects and groups are; each once, whatever groups are in each other."""
        found: list[Named] = []
        waiting, seen = [*reversed(values)], set[str]()
        while waiting:
            value = waiting.pop()
            if value in seen:
                continue
            seen.add(value)
            group = self._objects["address-group"].get(value)
            if group is None:
                found += self._address(value, field, rule)
            elif members := group.words("static"):
                waiting += reversed(members)
            else:
                why = f"{value} is a group that is filled while it runs"
                found.append(Named(RuleRow(), group.line, value, why=why))
        return found

    def _address(self, value: str, field: str, rule: Element) -> list[Named]:
        entry = self._objects["address"].get(value)
        line = entry.line if entry is not None else rule.line
        written = value
        if entry is not None:
            fqdn = entry.one("fqdn")
            if fqdn is not None:
                if field == "client":
                    return [Named(RuleRow(), line, value, why="a client by its name")]
                return [Named(RuleRow(host=fqdn.text), line, fqdn.text)]
            kinds = (entry.one(tag) for tag in ("ip-netmask", "ip-range"))
            written = next((one.text for one in kinds if one), value)
        try:
            return [
                Named(RuleRow(**{field: one}), line, value)  # type: ignore[arg-type]
                for one in addresses.networks(written)
            ]
        except ValueError:
            return [Named(RuleRow(), line, value, why=f"{value} is no address that is known here")]


def _counts(rule: Element) -> bool:
    """Whether it is in force, and for TLS to others' servers."""
    if rule.words("disabled") == ["yes"]:
        return False
    kind = rule.one("type")
    return kind is None or not kind.children or kind.one("ssl-forward-proxy") is not None


def _unknown(rule: Element) -> Iterator[str]:
    """Conditions that no rule knows: devices of Panorama's, times, and what is not known here at all."""
    target = rule.one("target")
    if target is not None and (_lists(target, "devices") or _lists(target, "tags")):
        yield "is for some of the devices alone (target)"
    elif target is not None and target.words("negate") == ["yes"]:
        yield "its target is turned round"
    for one in rule.children:
        if one.tag in _KNOWN:
            continue
        if one.tag.startswith("negate-"):
            if one.text != "no":
                yield f"says {one.tag}"
        elif one.text not in (*_ANY, "no") or one.children:
            values = [*(c.text for c in one.children if c.tag == "member"), one.text]
            if any(value not in _ANY for value in values) or not values[:-1]:
                yield f"says {one.tag[:40]} {', '.join(filter(None, values))[:60]}".rstrip()


def _lists(target: Element, tag: str) -> bool:
    """Whether a target names any."""
    found = target.one(tag)
    return found is not None and bool(found.children or found.text)


def _decrypted(rules: list[Element]) -> dict[str, set[str]]:
    """By condition, the values for which anything is decrypted; empty where that is any."""
    found: dict[str, set[str]] = {}
    asked = [
        rule for rule in rules
        if _counts(rule) and rule.words("action") != ["no-decrypt"]
    ]  # fmt: skip
    for tag in _CONDITIONS:
        values = [rule.words(tag) or ["any"] for rule in asked]
        anything = any(one in _ANY for words in values for one in words)
        found[tag] = set() if anything else {one for words in values for one in words}
    return found


def _service(name: str, rule: Element) -> Named:
    port = _PORTS.get(name)
    if port is None:
        return Named(RuleRow(), rule.line, name, why=f"the port of the service {name} is not known")
    return Named(RuleRow(host="*", port=port), rule.line, name)
