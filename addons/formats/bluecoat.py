"""Blue Coat ProxySG (Edge SWG): SSL-Intercept layers of CPL; the first rule of a layer that holds decides, and a later
layer over an earlier one.

Source: Symantec, "Content Policy Language Reference": url.domain, url.host (.exact, .suffix, .regex), url.address,
url.port, client.address, condition=, category=; "define condition", "define url.domain condition", "define category",
"define subnet"; ssl.forward_proxy. "url.domain=x" is x and all below it, "url.host=x" x alone. A rule of several
conditions holds where all do; a condition of several lines where one does. What a layer of another kind says is not
about decryption, and not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from addons.bypass.rule import Action, Rule
from addons.formats import shapes
from addons.formats.exported import Exported, Imported, Speech
from addons.formats.first_match import Decision, gather
from addons.formats.gathered import Found, Gathered, Pattern
from addons.formats.ordered import decisions
from addons.formats.spelling import Grammar, meaning, network
from detector.errors import ConfigError

MAX_LINES = 1_000_000
MAX_PATTERNS = 500_000
_SPEECH = Speech(
    host=lambda name: [f"url.host.exact={name}"],
    suffix=lambda name: [f"url.domain={name}"],
    wildcard=lambda name: [rf'url.host.regex="^[^.]+\.{re.escape(name)}$"'],
)
_WORDS = {"pass": "no", "inspect": "https"}
_DOMAIN = Grammar("suffix", "suffix", "a star is no pattern of CPL's", https=None)
_HOST = Grammar("host", "host", "a star is no pattern of CPL's", https=None)
_SUFFIX = Grammar("suffix", "below", "a star is no pattern of CPL's", https=None)
# What is opened and not closed ends with the line.
_TOKEN = re.compile(r'(?:"(?:[^"\\]|\\.)*+"?|\{[^}]*+\}?|\([^()]*+\)?|[^\s"();{}])++')
_DEFINE = re.compile(
    r"define\s+(?:(?P<of>[\w.]+)\s+)?(?P<kind>condition|category|subnet)\s+(?P<name>\"[^\"]+\"|\S+)",
    re.IGNORECASE,
)
_OTHER = re.compile(r"define\s", re.IGNORECASE)
_LAYER = re.compile(r"<\s*(?P<kind>[\w-]++)[^>]*+>(?P<guard>.*)")
_PROPERTY = re.compile(r"ssl\.forward_proxy\((?P<how>[^()]*)\)", re.IGNORECASE)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    said, refused = decisions(rules, now, _SPEECH)
    lines = ["<SSL-Intercept>"]
    lines += [f"    {one} ssl.forward_proxy({_WORDS[a]})" for a, entries in said for one in entries]
    return Exported("\n".join([*lines, "    ssl.forward_proxy(https)"]) + "\n", refused)


class _Line(NamedTuple):
    number: int
    text: str
    words: list[str]


class _Defined(NamedTuple):
    """A condition, a category or a subnet: what its lines are of, and its lines."""

    of: str
    lines: list[_Line]


class _Meant(NamedTuple):
    """One way for conditions to hold."""

    line: int
    text: str
    found: Found
    client: str | None = None


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for policies longer than anybody keeps."""
    layers, defined = _parts(text, source)
    gathered = Gathered()
    found = [
        one
        for layer in reversed(layers)
        for line in layer
        for one in _decided(line, defined, source)
    ]
    gather(found, gathered, source)
    return gathered.done()


def _parts(text: str, source: str) -> tuple[list[list[_Line]], dict[str, _Defined]]:
    layers: list[list[_Line]] = []
    defined: dict[str, _Defined] = {}
    open_: list[_Line] | None = None
    rules: list[_Line] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        if number > MAX_LINES:
            raise ConfigError(source, f"has more than {MAX_LINES} lines")
        line = _bare(raw)
        begun, layer = _DEFINE.match(line), _LAYER.match(line)
        if begun is not None:
            open_ = []
            of = (begun["of"] or begun["kind"]).lower()
            defined[begun["name"].strip('"').lower()] = _Defined(of, open_)
        elif _OTHER.match(line):
            open_ = []
        elif line.lower().split()[:1] == ["end"]:
            open_ = None
        elif open_ is not None:
            if line:
                open_.append(_Line(number, line, _TOKEN.findall(line)))
        elif layer is not None:
            inside = layer["kind"].lower() == "ssl-intercept"
            rules = [] if inside else None
            if rules is not None:
                layers.append(rules)
                if layer["guard"].strip():
                    rules.append(_Line(number, line, ["guard=unread", "ssl.forward_proxy(https)"]))
        elif line and rules is not None:
            rules.append(_Line(number, line, _TOKEN.findall(line)))
    return layers, defined


def _bare(raw: str) -> str:
    """Without its remark, which begins at a semicolon outside of quotes."""
    quoted = False
    for place, letter in enumerate(raw):
        if letter == '"':
            quoted = not quoted
        elif letter == ";" and not quoted:
            return raw[:place].strip()
    return raw.strip()


def _decided(line: _Line, defined: dict[str, _Defined], source: str) -> Iterator[Decision]:
    properties = [found["how"] for word in line.words if (found := _PROPERTY.fullmatch(word))]
    how = properties[0] if properties else None
    action: Action = "pass" if how is not None and how.lower() == "no" else "inspect"
    conditions = [word for word in line.words if "=" in word.partition("(")[0]]
    for number, one in enumerate(_all(line, conditions, defined, 0)):
        if number > MAX_PATTERNS:
            raise ConfigError(source, "conditions of too many lines")
        yield Decision(one.line, one.text, one.found, action, one.client)


def _all(
    line: _Line, conditions: list[str], defined: dict[str, _Defined], depth: int
) -> Iterator[_Meant]:
    """The ways for all conditions of a line to hold: one of names, with a port and clients beside it."""
    names: list[_Meant] | None = None
    port: int | None = None
    client: str | None = None
    why = ""
    for word in conditions:
        key, _, value = word.partition("=")
        key, value = key.strip().lower(), value.strip().strip('"')
        if key in ("url.port", "server_url.port") and value.isdecimal() and len(value) <= 5:
            port = int(value)
        elif key == "client.address":
            place = network(value)
            client = place[0].value if place is not None and len(place) == 1 else None
            why = why or ("" if client is not None else f"{word}: clients that are not in the file")
        elif names is not None:
            why = "several conditions of names at once"
        else:
            names = list(_ways(line, key, value, defined, depth))
    if names is None:
        names = [_Meant(line.number, line.text, [Pattern("any", "*")])]
    for one in names:
        found: Found = why or one.found
        if not isinstance(found, str) and port is not None:
            found = [each._replace(port=port) for each in found]
        if client is not None and one.client is not None and client != one.client:
            found = "clients of clients"
        yield one._replace(found=found, client=client or one.client)


def _ways(
    line: _Line, key: str, value: str, defined: dict[str, _Defined], depth: int
) -> Iterator[_Meant]:
    kept = defined.get(value.lower()) if key in ("condition", "category", "url.category") else None
    if kept is None:
        yield _Meant(line.number, line.text, _one(key, value))
    elif depth > 5:
        yield _Meant(line.number, line.text, "conditions within conditions")
    else:
        for inner in kept.lines:
            if kept.of in ("condition", "category") and any("=" in word for word in inner.words):
                yield from _all(inner, [w for w in inner.words if "=" in w], defined, depth + 1)
            else:
                of = "url.domain" if kept.of == "category" else kept.of
                entry = inner.words[0].strip('"') if inner.words else ""
                yield _Meant(inner.number, inner.text, _one(of, entry))


def _one(key: str, value: str) -> Found:
    """What one condition asks for."""
    if value.startswith("!") or key.startswith("!"):
        return "a condition that is turned round"
    key = key.replace("server_url.", "url.").removesuffix(".no_lookup")
    match key:
        case "url.domain" | "url":
            return meaning(value.removeprefix("//"), _DOMAIN if key == "url.domain" else _HOST)
        case (
            "url.host"
            | "url.host.exact"
            | "server.certificate.hostname"
            | "server.certificate.hostname.exact"
        ):
            return meaning(value, _HOST)
        case "url.host.suffix" | "server.certificate.hostname.suffix":
            return meaning(value, _SUFFIX)
        case "url.host.regex":
            return shapes.meaning(value)
        case "url.address" | "server.address":
            return network(value) or "is no address"
        case "category" | "url.category":
            return "a category whose members are not in the file"
        case "condition":
            return "a condition that is not in the file"
        case _:
            return f"{key[:60]} is no condition of a name or an address"
