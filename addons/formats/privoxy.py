"""Privoxy: an actions file that turns https-inspection off; the last section that holds decides.

Source: privoxy.org user manual, "Actions Files" and "Patterns": ".example.com" is the domain and all below it,
"example.com" that name alone, "*.example.com" one label more, a trailing dot any end; a star or "?" stays within its
label; ":PORT" that port. An alias of {{alias}} may hold the action; a backslash continues a line. A path is not known
when a connection is made, so a pattern with one decides nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

from addons.bypass.place import apart
from addons.bypass.rule import Action, Rule
from addons.formats.domain_list import dotted, itself, starred
from addons.formats.exported import Exported, Imported, Speech
from addons.formats.first_match import Decision, gather
from addons.formats.gathered import Found, Gathered, Pattern
from addons.formats.ordered import decisions
from addons.formats.spelling import PATH, Grammar, meaning
from detector.errors import ConfigError

MAX_LINES = 2_000_000
_SPEECH = Speech(host=itself, suffix=dotted, wildcard=starred)
_SIGNS = {"pass": "-", "inspect": "+"}
_GRAMMAR = Grammar("host", "suffix", "wildcard", label="[^.]*", scheme=False)
_ACTION = re.compile(r"(?<![\w-])([+-])https-inspection(?![\w-])")
_ALIAS = re.compile(r"\s*([+-]?[\w-]+)\s*=(.*)")
_TAGS = ("TAG:", "CLIENT-TAG:", "NO-REQUEST-TAG:", "NO-RESPONSE-TAG:")


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """An actions file, to be named after the one that turns https-inspection on."""
    said, refused = decisions(rules, now, _SPEECH)
    lines: list[str] = []
    for action, group in groupby(reversed(said), key=lambda one: one[0]):
        lines.append(f"{{{_SIGNS[action]}https-inspection}}")
        lines += [f"{name}/" for _, names in group for name in names]
    return Exported("\n".join(lines) + "\n" if lines else "", refused)


def read(text: str, source: str) -> Imported:
    """Sections of https-inspection; of others nothing. Raises ConfigError."""
    gathered = Gathered()
    found = list(_decisions(text, source))
    if not found:
        gathered.note("no section of it turns https-inspection on or off")
    gather(reversed(found), gathered, source)
    return gathered.done()


def _decisions(text: str, source: str) -> Iterator[Decision]:
    aliases: dict[str, Action | None] = {}
    action: Action | None = None
    inside = ""
    for number, line in _lines(text, source):
        if line.startswith("{{"):
            inside, action = line.strip("{} ").lower(), None
        elif line.startswith("{"):
            inside = ""
            action = _said(line, aliases)
        elif inside == "alias":
            told = _ALIAS.match(line)
            if told is not None:
                aliases[told[1]] = _said(told[2], aliases)
        elif action is not None and not inside:
            yield _decision(number, line, action)


def _lines(text: str, source: str) -> Iterator[tuple[int, str]]:
    """(first line, text) without comments, with continued ones joined."""
    kept, begun = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        if number > MAX_LINES:
            raise ConfigError(source, f"has more than {MAX_LINES} lines")
        line = raw.strip()
        if line.startswith("#"):
            continue
        begun = begun or number
        if line.endswith("\\") and len(kept) < 100_000:
            kept += line[:-1] + " "
            continue
        line, kept = kept + line, ""
        if line.strip():
            yield begun, line.strip()
        begun = 0


def _said(line: str, aliases: dict[str, Action | None]) -> Action | None:
    """What actions say of https-inspection, the last of them counting."""
    found: Action | None = None
    for word in line.strip("{}").split():
        told = _ACTION.match(word)
        if told is not None:
            found = "pass" if told[1] == "-" else "inspect"
        elif aliases.get(word) is not None:
            found = aliases[word]
    return found


def _decision(number: int, line: str, action: Action) -> Decision:
    place, _, path = line.partition("/")
    if path:
        return Decision(number, line, PATH, action, harmless=True)
    if line.startswith(_TAGS):
        return Decision(number, line, "a tag is no host", action)
    if line.upper().startswith("PCRE-HOST-PATTERN:"):
        return Decision(number, line, "a regular expression of Privoxy's", action)
    return Decision(number, line, _meaning(place), action)


def _meaning(place: str) -> Found:
    name, port = apart(place.replace("<", "[").replace(">", "]"))
    if name in ("", "*", "."):
        return [Pattern("any", "*", port)]
    if "[" in name and ":" not in name:
        return "a set of letters inside a name is not read"
    if name.endswith(".") and name.strip("."):
        inner = re.escape(name.strip(".")).replace("\\*", "[^.]*").replace("\\-", "-")
        before = "(?:.*[.])?" if name.startswith(".") else ""
        return [Pattern("regex", f"{before}{inner}[.].*", port)]
    return meaning(place.replace("<", "[").replace(">", "]"), _GRAMMAR)
