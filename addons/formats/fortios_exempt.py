"""What FortiOS's ssl-exempt lists refer to: addresses, their groups, wildcard-fqdn objects, regular expressions.

Source: docs.fortinet.com, CLI reference, "firewall ssl-ssh-profile", "firewall address", "firewall addrgrp",
"firewall wildcard-fqdn custom"; SSL/SSH inspection, "Exempt web sites from deep inspection".

Rules
-----
1. Only what an ssl-exempt entry names counts. An object that none names is none.
2. A star in a name stands for any number of labels, and "*.a.com" is not a.com itself.
3. Of several profiles that inspect only what all of them exempt is read: which of them a connection meets, no rule
   says. Profiles that no policy names are not in use, where policies name any.
4. Categories of FortiGuard's are lists that are not in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    """Objects of one VDOM by table and name, with those that any ssl-exempt named."""

    tables: dict[str, dict[str, Node]]
    used: set[str] = msgspec.field(default_factory=set)

    def find(self, table: str, name: str) -> Node | None:
        """The object, which is in use then."""
        found = self.tables.get(table, {}).get(name)
        if found is not None:
            self.used.add(f"{table}/{name}")
        return found


_TABLES = (
    "firewall address", "firewall address6", "firewall addrgrp", "firewall addrgrp6",
    "firewall wildcard-fqdn custom", "firewall wildcard-fqdn group",
)  # fmt: skip


def exempted(root: Node) -> tuple[list[Named], list[Unread]]:
    """What is exempt, and what is told of the rest."""
    objects = _Objects({name: _by_name(root, name) for name in _TABLES})
    profiles = [one for table in root.tables("firewall ssl-ssh-profile") for one in table.below]
    bare = [table for table in root.below if table.name == _EXEMPT]
    unread: list[Unread] = []
    lists = [
        [named for entry in _entries(one) for named in _entry(entry, objects)]
        for one in _in_use(root, profiles, unread)
    ]
    lists += [
        [named for entry in table.below for named in _entry(entry, objects)] for table in bare
    ]
    named, told = _in_all(lists)
    unread += told
    for name, node in objects.tables["firewall wildcard-fqdn custom"].items():
        if f"firewall wildcard-fqdn custom/{name}" not in objects.used:
            text = node.word("wildcard-fqdn") or name
            unread.append(
                Unread(node.line, text[:MOST_TEXT], "no ssl-exempt that is in use names it")
            )
    return named, unread


def _by_name(root: Node, table: str) -> dict[str, Node]:
    return {one.name: one for found in root.tables(table) for one in found.below}


def _entries(profile: Node) -> Iterator[Node]:
    for table in profile.below:
        if table.name == _EXEMPT:
            yield from table.below


def _in_use(root: Node, profiles: list[Node], unread: list[Unread]) -> list[Node]:
    """Profiles that decrypt, of those that policies name."""
    wanted = {
        name
        for table in root.tables("firewall policy")
        for policy in table.below
        if policy.word("status") != "disable"
        for name in policy.words("ssl-ssh-profile")
    }
    found: list[Node] = []
    for one in profiles:
        if wanted and one.name not in wanted:
            why = f"the profile {one.name} is in no policy"
        elif not _decrypts(one):
            why = f"the profile {one.name} decrypts nothing"
        else:
            found.append(one)
            continue
        unread += [Unread(entry.line, _said(entry)[:MOST_TEXT], why) for entry in _entries(one)]
    return found


def _decrypts(profile: Node) -> bool:
    """By `status` of its protocols; one that says nothing of any is taken to decrypt."""
    states = [table.word("status") for table in profile.below if table.name in ("https", "ssl")]
    said = [one for one in states if one]
    return not said or "deep-inspection" in said


def _in_all(lists: list[list[Named]]) -> tuple[list[Named], list[Unread]]:
    kept: list[Named] = []
    unread: list[Unread] = []
    rows = [{(one.row, one.without) for one in named if not one.why} for named in lists]
    for named in lists:
        for one in named:
            if one.why or all((one.row, one.without) in other for other in rows):
                kept.append(one)
            else:
                why = "exempt in one profile and not in another, and no rule knows profiles"
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
