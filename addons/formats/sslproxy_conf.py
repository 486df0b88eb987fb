"""sslproxy.conf: what its filter rules and pass sites let through.

Source: SSLproxy's sslproxy.conf(5), sslproxy(1), "Filtering rules".

Rules
-----
1. Pass lets through; Divert and Split decrypt; Block ends. Match decides nothing.
2. A site is compared whole; with a star behind it, it is found anywhere in a name, which no rule of ours is: such a
   line passes nothing, and keeps back what it may find.
3. Names of certificates, hosts of HTTP, URIs and users are not known when a connection is let through.
4. What decrypts comes before what passes here, so that nothing passes that the program's own order would keep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from addons.bypass.rule import Action, RuleRow
from addons.formats import addresses
from addons.formats.exported import Imported, ReadOptions, Unread
from addons.formats.settling import MOST_TEXT, Line, Named, settle
from addons.formats.together import MOST_ROWS, together
from detector.chain.names import as_address
from detector.errors import ConfigError

_ACTIONS: dict[str, Action] = {
    "pass": "pass", "divert": "inspect", "split": "inspect", "block": "block",
}  # fmt: skip
_FIELDS = {
    "user": "user", "desc": "desc", "srcip": "ip", "sni": "sni", "cn": "cn", "host": "host", "uri": "uri",
    "dstip": "dstip", "dstport": "port",
}  # fmt: skip
# Where more is asked for, of which no rule knows.
_UNKNOWN = {
    "user": "a user", "desc": "a user's description", "cn": "a name in the server's certificate",
    "host": "a host of HTTP, which is inside", "uri": "a URI, which is inside",
    "quoted": "a value in quotes, which SSLproxy takes for a part of it: write it without",
}  # fmt: skip
_MAX_LINES, _MAX_DEPTH = 500_000, 1


class _Filter(msgspec.Struct):
    """One rule: what it asks for, by SSLproxy's words."""

    action: str
    line: int
    text: str
    file: str
    asks: list[tuple[str, str]] = []


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """The rules of a configuration. Raises ConfigError beyond its bounds."""
    found = _Reading(source, options)
    found.text(text, "", 0)
    lines = sorted(found.lines, key=lambda line: (line.any_host, line.action == "pass"))
    return settle(lines, found.unread)


class _Reading:
    def __init__(self, source: str, options: ReadOptions) -> None:
        self.source, self.beside = source, options.beside
        self.lines: list[Line] = []
        self.unread: list[Unread] = []
        self._macros: dict[str, list[str]] = {}
        self._rows = 0

    def text(self, text: str, file: str, depth: int) -> None:
        """One file."""
        open_rule: _Filter | None = None
        for number, line in enumerate(text.splitlines(), 1):
            if number > _MAX_LINES:
                raise ConfigError(self.source, f"more than {_MAX_LINES} lines")
            words = re.sub(r"(?:^|\s)#.*", "", line).split()
            if not words:
                continue
            key = words[0].lower()
            raw, words = words, [one.strip("\"'") for one in words]
            quoted = words != raw
            if open_rule is not None:
                if key == "}":
                    self._rule(open_rule)
                    open_rule = None
                else:
                    self._field(open_rule, key, words[1:])
                    open_rule.asks += [("quoted", "")] if quoted else []
            elif key == "filterrule":
                open_rule = _Filter("", number, line.strip(), file)
            elif key == "define" and len(words) > 2:
                self._macros[words[1]] = raw[2:]
            elif key == "passsite" and len(words) > 1:
                self._pass_site(words[1:], number, line, file, quoted)
            elif key == "include" and len(words) == 2:
                self._include(words[1], number, file, depth)
            elif key in _ACTIONS and words[1:2] not in (["yes"], ["no"]):
                self._one_line(key, words[1:], number, line, file, quoted)
        if open_rule is not None:
            why = "the rule has no end"
            self.unread.append(Unread(open_rule.line, open_rule.text[:MOST_TEXT], why, file))

    def _include(self, name: str, number: int, file: str, depth: int) -> None:
        text, why = None, f"the file {name} was not given"
        if depth < _MAX_DEPTH and self.beside is not None:
            try:
                text = self.beside(name)
            except ConfigError as error:
                why = str(error)
        if text is None:
            self.unread.append(Unread(number, f"Include {name}"[:MOST_TEXT], why, file))
        else:
            self.text(text, name, depth + 1)

    def _field(self, rule: _Filter, key: str, values: list[str]) -> None:
        if key == "action" and values:
            rule.action = values[0].lower()
        elif key in _FIELDS and values:
            rule.asks.append((_FIELDS[key], values[0]))
            if key == "sni":
                rule.text = f"SNI {values[0]}"
        elif key == "passthrough":
            rule.asks.append(("passthrough", values[0] if values else ""))

    def _pass_site(self, words: list[str], number: int, line: str, file: str, quoted: bool) -> None:
        rule = _Filter("pass", number, line.strip(), file, [("sni", words[0])])
        if len(words) > 1 and words[1] != "*":
            rule.asks.append(("ip" if as_address(words[1]) else "user", words[1]))
        if len(words) > 2:
            rule.asks.append(("desc", words[2]))
        rule.asks += [("quoted", "")] if quoted else []
        self._rule(rule)

    def _one_line(
        self, action: str, words: list[str], number: int, line: str, file: str, quoted: bool
    ) -> None:
        asks = [("quoted", "")] if quoted else []
        rule = _Filter(action, number, line.strip(), file, asks)
        target = False
        left = iter(words)
        for word in left:
            if word == "log":
                break
            if word in ("from", "to"):
                target = word == "to"
            elif word != "*":
                kind = "dstip" if word == "ip" and target else word
                rule.asks.append((kind, next(left, "")))
        self._rule(rule)

    def _rule(self, rule: _Filter) -> None:
        if rule.action not in _ACTIONS:
            if rule.action != "match":
                why = f"no action that is known: {rule.action[:40] or 'none'}"
                self.unread.append(Unread(rule.line, rule.text[:MOST_TEXT], why, rule.file))
            return
        lists: list[list[Named]] = []
        doubts: list[str] = []
        for kind, value in rule.asks:
            if value == "*" or (kind == "passthrough" and value != "yes"):
                continue
            if kind in _UNKNOWN:
                doubts.append(f"asks for {_UNKNOWN[kind]}")
            elif kind in ("sni", "ip", "dstip", "port"):
                values = self._macros.get(value, [value]) if value.startswith("$") else [value]
                lists.append([one for v in values for one in self._named(kind, v, rule)])
            else:
                doubts.append(f"no rule asks for {kind[:40]}")
        named, why = together(lists)
        doubts += [why] if why else []
        action, doubt = _ACTIONS[rule.action], "; ".join(doubts)
        line = Line(action, named, rule.line, rule.text, rule.file, any_host=not lists, doubt=doubt)
        self.lines.append(line)

    def _named(self, kind: str, value: str, rule: _Filter) -> Iterator[Named]:
        self._rows += 1
        if self._rows > MOST_ROWS:
            raise ConfigError(self.source, f"more than {MOST_ROWS} values")
        at = (rule.line, rule.text, rule.file)
        piece = value.endswith("*")
        try:
            if kind == "sni":
                if piece:
                    row = RuleRow(regex=f".*{re.escape(value.rstrip('*'))}.*")
                    passes = rule.action == "pass"
                    why = "a star behind a site finds the piece anywhere: .evil.example passes, too"
                    yield Named(row, *at, why=why if passes else "")
                elif "*" in value or value.startswith("."):
                    why = "compared whole: no server name begins with a star or a dot"
                    yield Named(RuleRow(), *at, why=why)
                else:
                    yield Named(RuleRow(host=value), *at)
            elif kind == "port":
                if piece:
                    raise ValueError("a star behind a port finds the digits anywhere")
                for port in addresses.ports(value):
                    yield Named(RuleRow(host="*", port=port), *at)
            else:
                if piece:
                    raise ValueError("a star behind an address finds the digits anywhere")
                field = "client" if kind == "ip" else "cidr"
                for network in addresses.networks(value):
                    yield Named(RuleRow(**{field: network}), *at)  # type: ignore[arg-type]
        except ValueError as error:
            yield Named(RuleRow(), *at, why=str(error))
