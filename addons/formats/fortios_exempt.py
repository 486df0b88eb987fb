"""What FortiOS's ssl-exempt lists refer to: addresses, their groups, wildcard-fqdn objects, regular expressions.

Source: docs.fortinet.com, CLI reference, "firewall ssl-ssh-profile", "firewall address", "firewall addrgrp",
"firewall wildcard-fqdn custom"; SSL/SSH inspection, "Exempt web sites from deep inspection".

Rules
-----
1. Only what an ssl-exempt entry names counts. An object that none names is none.
2. A star in a name stands for any number of labels, and "*.a.com" is not a.com itself.
3. Of several profiles that inspect, of any VDOM, only what all of them exempt is read: which of them a connection
   meets, no rule says. Profiles that no policy names are not in use, where policies name any. Where a policy names one
   that is not in the file, nothing is.
4. A VDOM has its own objects and profiles, and uses those that all share.
5. Categories of FortiGuard's are lists that are not in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

import msgspec
from msgspec.structs import replace

from addons.bypass.rule import RuleRow
from addons.formats import addresses, searched
from addons.formats.exported import Unread
from addons.formats.fortios_config import Node
from addons.formats.settling import MOST_TEXT, Named

_EXEMPT = "ssl-exempt"
_STAR_NAME = re.compile(r"\*\.[\w-]+(?:\.[\w-]+)*")
_EVERYTHING = "any host is everything: no list of exceptions says it"


class _Objects(msgspec.Struct):
    """Objects of one VDOM by table and name, with those that any ssl-exempt named; and those that all VDOMs share."""

    tables: dict[str, dict[str, Node]]
    shared: _Objects | None = None
    used: set[str] = msgspec.field(default_factory=set)

    def find(self, table: str, name: str) -> Node | None:
        """The object, which is in use then."""
        found = self.tables.get(table, {}).get(name)
        if found is not None:
            self.used.add(f"{table}/{name}")
        elif self.shared is not None:
            return self.shared.find(table, name)
        return found


_TABLES = (
    "firewall address", "firewall address6", "firewall addrgrp", "firewall addrgrp6",
    "firewall wildcard-fqdn custom", "firewall wildcard-fqdn group",
)  # fmt: skip
_POLICIES = (
    "firewall policy", "firewall policy6", "firewall policy46", "firewall policy64", "firewall proxy-policy",
    "firewall explicit-proxy-policy", "firewall security-policy",
)  # fmt: skip
_PROFILES, _GROUPS = "firewall ssl-ssh-profile", "firewall profile-group"
# Built in, and not to be changed: they decrypt nothing.
_READ_ONLY = ("certificate-inspection", "no-inspection")


class _System(msgspec.Struct):
    """A VDOM, or what all of them share."""

    name: str
    node: Node
    objects: _Objects
    profiles: dict[str, Node]
    wanted: set[str]


def exempted(root: Node) -> tuple[list[Named], list[Unread]]:
    """What is exempt, and what is told of the rest."""
    systems = _systems(root)
    used, missing = _in_use(systems)
    unread: list[Unread] = []
    lists: list[list[Named]] = []
    for system in systems:
        for one in system.profiles.values():
            if id(one) not in used:
                why = f"the profile {one.name} is in no policy"
            elif not _decrypts(one):
                why = f"the profile {one.name} decrypts nothing"
            else:
                lists.append(_exempt(_entries(one), system.objects))
                continue
            unread += [Unread(entry.line, _said(entry)[:MOST_TEXT], why) for entry in _entries(one)]
        bare = (table for table in system.node.below if table.name == _EXEMPT)
        lists += [_exempt(table.below, system.objects) for table in bare]
    named, told = _in_all(lists, missing)
    unread += told
    for system in systems:
        for name, node in system.objects.tables["firewall wildcard-fqdn custom"].items():
            if f"firewall wildcard-fqdn custom/{name}" not in system.objects.used:
                text = node.word("wildcard-fqdn") or name
                why = "no ssl-exempt that is in use names it"
                unread.append(Unread(node.line, text[:MOST_TEXT], why))
    return named, unread


def _systems(root: Node) -> list[_System]:
    """What is shared, and the VDOMs; a configuration without them is all shared."""
    parts: dict[str, list[Node]] = {"": [one for one in root.below if one.name != "vdom"]}
    for table in root.below:
        for vdom in table.below if table.name == "vdom" else ():
            parts.setdefault(f"vdom {vdom.name}", []).extend(vdom.below)
    found: list[_System] = []
    for name, below in parts.items():
        node = Node(name, root.line, {}, below)
        shared = found[0].objects if found else None
        objects = _Objects({table: _by_name(node, table) for table in _TABLES}, shared)
        found.append(_System(name, node, objects, _by_name(node, _PROFILES), _wanted(node)))
    return found


def _wanted(node: Node) -> set[str]:
    """The profiles that policies name, themselves or by a group of profiles."""
    groups = _by_name(node, _GROUPS)
    found: set[str] = set()
    for name in _POLICIES:
        for policy in (one for table in node.tables(name) for one in table.below):
            if policy.word("status") != "disable":
                found.update(policy.words("ssl-ssh-profile"))
                for group in policy.words("profile-group"):
                    if group in groups:
                        found.update(groups[group].words("ssl-ssh-profile"))
                    else:
                        found.add(f"of the group {group}")
    return found


def _in_use(systems: list[_System]) -> tuple[set[int], list[str]]:
    """Profiles of policies, of all systems where no policy names any; and names of those that are not in the file."""
    if not any(one.wanted for one in systems):
        return {id(node) for one in systems for node in one.profiles.values()}, []
    used: set[int] = set()
    missing: dict[str, None] = {}
    for one in systems:
        for name in sorted(one.wanted):
            node = one.profiles.get(name) or systems[0].profiles.get(name)
            if node is not None:
                used.add(id(node))
            elif name not in _READ_ONLY:
                missing[name] = None
    return used, list(missing)


def _exempt(entries: Iterable[Node], objects: _Objects) -> list[Named]:
    return [named for entry in entries for named in _entry(entry, objects)]


def _by_name(root: Node, table: str) -> dict[str, Node]:
    return {one.name: one for found in root.tables(table) for one in found.below}


def _entries(profile: Node) -> Iterator[Node]:
    for table in profile.below:
        if table.name == _EXEMPT:
            yield from table.below


def _decrypts(profile: Node) -> bool:
    """By what it says of HTTPS and of all ports; one that says nothing of HTTPS decrypts."""
    tables = {table.name: table for table in profile.below if table.name in ("https", "ssl")}
    https = tables["https"].word("status") if "https" in tables else ""
    every = (
        (tables["ssl"].word(key) for key in ("inspect-all", "status")) if "ssl" in tables else ()
    )
    said = [one for one in (https, *every) if one]
    return not said or "deep-inspection" in said


def _in_all(lists: list[list[Named]], missing: list[str]) -> tuple[list[Named], list[Unread]]:
    """What all lists name; of profiles that are not in the file nobody knows what they name."""
    kept: list[Named] = []
    unread: list[Unread] = []
    rows = [{(one.row, one.without) for one in named if not one.why} for named in lists]
    why = "exempt in one profile and not in another, and no rule knows profiles"
    if missing:
        why = (
            f"a policy uses the profile {missing[0]}, too, and what that exempts is not in the file"
        )
    for named in lists:
        for one in named:
            if one.why or (not missing and all((one.row, one.without) in other for other in rows)):
                kept.append(one)
            else:
                unread.append(Unread(one.line, one.text[:MOST_TEXT], why))
    return kept, unread


def _said(entry: Node) -> str:
    for key in ("wildcard-fqdn", "address", "address6", "regex", "fortiguard-category"):
        if entry.word(key):
            return f"{key} {entry.word(key)}"
    return f"edit {entry.name}"


def _entry(entry: Node, objects: _Objects) -> Iterator[Named]:
    text = _said(entry)
    kind = entry.word("type") or _kind_of(entry)
    at = (entry.line, text)
    if kind == "fortiguard-category":
        yield Named(
            RuleRow(), *at, why="a category of FortiGuard's, whose hosts are not in the file"
        )
    elif kind == "wildcard-fqdn":
        for name in entry.words("wildcard-fqdn"):
            yield from _wildcard(name, entry, objects, set())
    elif kind in ("address", "address6"):
        for name in entry.words(kind):
            yield from _address(name, entry, objects, set(), six=kind == "address6")
    elif kind == "regex":
        for written in entry.words("regex"):
            row = searched.meaning(written)
            if isinstance(row, str):
                yield Named(RuleRow(), entry.line, written, why=row)
            else:
                yield Named(row, entry.line, written)
    else:
        yield Named(RuleRow(), *at, why=f"no type of an exemption: {kind or 'none'}")


def _kind_of(entry: Node) -> str:
    """FortiOS leaves the type out where it is the first one."""
    for kind in ("wildcard-fqdn", "address6", "address", "regex"):
        if entry.words(kind) and not entry.words("fortiguard-category"):
            return kind
    return "fortiguard-category" if entry.words("fortiguard-category") else ""


def _wildcard(name: str, by: Node, objects: _Objects, seen: set[str]) -> Iterator[Named]:
    """What an object or a group is; each once, so that groups in each other cost no more than they are long."""
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        found = objects.find("firewall wildcard-fqdn custom", name)
        group = objects.find("firewall wildcard-fqdn group", name)
        if found is not None:
            yield _name(found.word("wildcard-fqdn"), found.line)
        elif group is not None:
            waiting += reversed(group.words("member"))
        else:
            yield Named(RuleRow(), by.line, name, why=f"the object {name} is not in the file")


def _address(
    name: str, by: Node, objects: _Objects, seen: set[str], *, six: bool
) -> Iterator[Named]:
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        found = objects.find("firewall address6" if six else "firewall address", name)
        group = objects.find("firewall addrgrp6" if six else "firewall addrgrp", name)
        if found is not None:
            yield from _object(found, name, six=six)
        elif group is None:
            yield Named(RuleRow(), by.line, name, why=f"the object {name} is not in the file")
        elif group.word("exclude") == "enable":
            yield Named(RuleRow(), group.line, name, why=f"{name} is a group with members left out")
        else:
            waiting += reversed(group.words("member"))


def _object(found: Node, name: str, *, six: bool) -> Iterator[Named]:
    kind = found.word("type") or ("ipprefix" if six else "ipmask")
    text, line = name, found.line
    try:
        if kind == "fqdn":
            yield _name(found.word("fqdn"), line)
            return
        if kind == "wildcard-fqdn":
            yield _name(found.word("wildcard-fqdn"), line)
            return
        if kind == "iprange":
            text = f"{found.word('start-ip')}-{found.word('end-ip')}"
        elif kind == "ipprefix":
            text = found.word("ip6")
        elif kind == "ipmask":
            text = "/".join(found.words("subnet")) or "0.0.0.0/0"
            if len(found.words("subnet")) == 2:
                text = str(IPv4Network(text, strict=False))
        else:
            yield Named(RuleRow(), line, name, why=f"an address of the type {kind} is no network")
            return
        for one in addresses.networks(text):
            yield Named(RuleRow(cidr=one), line, text)
    except ValueError as error:
        yield Named(RuleRow(), line, text or name, why=str(error) or "no address")


def _name(text: str, line: int) -> Named:
    """A name in which a star stands for any characters."""
    if text and not text.strip("*."):
        return Named(RuleRow(), line, text, why=_EVERYTHING)
    if _STAR_NAME.fullmatch(text):
        return Named(RuleRow(suffix=text[2:]), line, text, without=True)
    if "*" in text:
        parts = [re.escape(part) for part in text.split("*")]
        return Named(RuleRow(regex=".*".join(parts)), line, text)
    return replace(Named(RuleRow(host=text), line, text), why="" if text else "no name is set")
