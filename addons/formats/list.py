"""A plain list as people keep it: a name, an address or a URL a line, with remarks behind #.

    # banks (ticket CHG-1001, owner treasury)       for the lines below, to the next blank line or remark
    bank.example                                     that name alone
    .bank.example                                    the name and all below it
    *.wild.example                                   one label more: the narrower of what people mean by it
    ||ads.example^                                   the name and all below it, as ad blockers write it
    0.0.0.0 tracker.example                          a hosts file: each name of the line
    https://login.example/                           its host, port 443; with a path it cannot be said
    203.0.113.0/24, 203.0.113.7:8443, 10.0.0.1-10.0.0.9

There is no standard of such lists: squid.conf(5) "dstdomain" and adblockplus.org's "||" are where the dot and the
bars are from. Regular expressions are told with the entry that says the same, never taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from addons.bypass.rule import Rule
from addons.formats import shapes
from addons.formats.domain_list import dotted, itself, starred
from addons.formats.exported import Exported, Imported, Speech, name_list
from addons.formats.gathered import Found, Gathered, Pattern
from addons.formats.names_and_ranges import ranges
from addons.formats.remark import fields, remark
from addons.formats.spelling import Grammar, meaning, network
from detector.errors import ConfigError
from detector.model.targets import PLAIN_NAME

MAX_LINES = 2_000_000
GRAMMAR = Grammar(plain="host", dot="suffix", star="wildcard")
_PIECE = "a piece of URLs, to an ad blocker: only ||name^ is a host"
_OF_BLOCKERS = Grammar(plain="host", dot=_PIECE, star=_PIECE)
_SPEECH = Speech(host=itself, suffix=dotted, wildcard=starred)
_REMARK = re.compile(r"(?:^|\s)(?:#|//|;)")
_HOSTS = re.compile(r"(?:0\.0\.0\.0|127\.\d+\.\d+\.\d+|::1?|fe80::1%lo0|255\.255\.255\.255)\s")
_OWN = {"localhost", "broadcasthost", "local", "localhost.localdomain", "ip6-localhost",
        "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters",
        "ip6-allhosts"}  # fmt: skip
_STAR = "*.name is read as one label more than name; write .name where all below it is meant"


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    rules = list(rules)
    said, refused = name_list(rules, now, _SPEECH, ports=True)
    addresses, kept = ranges(rules, now)
    lines: dict[str, str] = {}
    for rule, (name,) in said:
        lines.setdefault(name if rule.port is None else f"{name}:{rule.port}", remark(rule))
    for rule, text in addresses:
        lines.setdefault(text, remark(rule))
    told = [one for one in refused if one.rule.network is None]
    text = "".join(f"{name}  # {why}\n" if why else f"{name}\n" for name, why in lines.items())
    return Exported(text, (*told, *kept))


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for more lines than anybody keeps."""
    gathered = Gathered()
    grammar = _OF_BLOCKERS if _is_of_a_blocker(text) else GRAMMAR
    for line, entry, about in _entries(text, source):
        for one, found in _meanings(entry, grammar):
            if not isinstance(found, str) and found[0].kind == "wildcard":
                gathered.note(_STAR)
            gathered.add(line, one, found, **about)
    return gathered.done()


def _entries(text: str, source: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """(line, entry, what its remarks say of it)."""
    above: dict[str, Any] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        if number > MAX_LINES:
            raise ConfigError(source, f"has more than {MAX_LINES} lines")
        line = raw.strip().lstrip("\ufeff")
        if not line or (line[0] in "![" and not line.startswith("[")) or _is_heading(line):
            above = {}
            continue
        if line[0] in "#;" or line.startswith("//"):
            above = fields(line.lstrip("#;/ "))
            continue
        found = _REMARK.search(line)
        if found is None:
            yield number, line, above
        else:
            about = fields(line[found.end() :])
            yield number, line[: found.start()].strip(), {**above, **about}


def _is_of_a_blocker(text: str) -> bool:
    """Whether an ad blocker reads it: there `.ads.` and `-banner/` are pieces of URLs."""
    return any(line.startswith(("!", "[Adblock")) for line in text[:5000].splitlines())


def _is_heading(line: str) -> bool:
    """Of an ad blocker's list: [Adblock Plus 2.0]."""
    return line.startswith("[") and line.endswith("]") and ":" not in line


def _meanings(entry: str, grammar: Grammar) -> Iterator[tuple[str, Found]]:
    if grammar is GRAMMAR and PLAIN_NAME.fullmatch(entry):
        yield entry, [Pattern("host", entry)]
        return
    if _HOSTS.match(entry):
        for name in entry.split()[1:]:
            own = name.lower() in _OWN or network(name) is not None
            yield name, "is a machine's name for itself" if own else meaning(name, GRAMMAR)
        return
    if entry.startswith(("||", "|", "@@")) or "##" in entry or "#@#" in entry:
        yield entry, _blocker(entry)
        return
    parts = [one for one in re.split(r"[\s,;]+", entry) if one]
    if len(parts) > 1 and network(entry) is None:
        if all("." in one or ":" in one for one in parts):
            yield from ((one, _said(one, grammar)) for one in parts)
        else:
            yield entry, "several words: one entry a line, or read it as csv"
        return
    yield entry, _said(parts[0] if len(parts) == 1 else entry, grammar)


def _said(entry: str, grammar: Grammar) -> Found:
    if (
        entry[0] in "^("
        or entry[-1] == "$"
        or "\\" in entry
        or (entry[0] == "/" and entry[-1] == "/")
    ):
        return _regex(entry)
    if grammar is _OF_BLOCKERS and (
        entry[0] in "-/_&?=." or entry[-1] in "-/_&?=." or "." not in entry
    ):
        return _PIECE
    return meaning(entry, grammar)


def _regex(entry: str) -> str:
    """Why it is not taken, and what says the same."""
    told = "a regular expression, which a plain list does not have"
    found = shapes.meaning(entry.strip("/"))
    if isinstance(found, str):
        return told
    simple = [_spelt(one) for one in found if one.kind in ("host", "suffix", "wildcard")]
    return f"{told}: write {', '.join(simple)}" if len(simple) == len(found) else told


def _spelt(pattern: Pattern) -> str:
    return {"suffix": ".", "wildcard": "*."}.get(pattern.kind, "") + pattern.value


def _blocker(entry: str) -> Found:
    """||name^ of an ad blocker."""
    if not entry.startswith("||"):
        return "of an ad blocker's rules only ||name^ is a host"
    name, _, rest = entry[2:].partition("^")
    if "$" in name or rest.strip("|/ "):
        return "an ad blocker's rule with conditions: they cannot be said"
    if "*" in name:
        return "a star inside a name is no pattern of this list's"
    return meaning(name if name.startswith(".") else f".{name}", GRAMMAR)
