"""nginx: maps of $ssl_preread_server_name, and where they send names.

Source: nginx.org, ngx_stream_map_module, ngx_stream_ssl_preread_module.

Rules
-----
1. A whole name comes first, then the longest "*.name", then the longest "name.*", then the first regular expression
   of the file, then `default`. Stars and a dot in front only mean something after `hostnames`.
2. ".a.com" is the name and all below it, "*.a.com" is all below it.
3. One map is one list. Of several that let through the first is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from addons.bypass.rule import RuleRow
from addons.formats import searched
from addons.formats.backends import Backends
from addons.formats.exported import Imported, ReadOptions, Unread
from addons.formats.router_words import Token, nginx_tokens
from addons.formats.settling import MOST_TEXT, Line, Named, settle
from detector.errors import ConfigError

_SOURCE = ("$ssl_preread_server_name", "${ssl_preread_server_name}")
_MOST, _MOST_DEPTH = 2_000_000, 4


class _Pair(msgspec.Struct, frozen=True):
    key: str
    value: str
    line: int
    file: str = ""


class _Map(msgspec.Struct):
    pairs: list[_Pair]
    hostnames: bool = False


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """The rules of the first map that lets through. Raises ConfigError beyond its bounds."""
    backends = Backends(options)
    unread: list[Unread] = []
    found = _maps(list(_bounded(text, source)), options, unread, 0)
    maps = [_lines(one, backends) for one in found]
    chosen = next((lines for lines in maps if _lets_through(lines)), None)
    for lines in maps:
        if lines is chosen:
            continue
        for line in lines:
            why = line.untold or ("of another map: give it alone" if line.action == "pass" else "")
            if why:
                unread += [
                    Unread(n.line, n.text[:MOST_TEXT], n.why or why, n.file) for n in line.named
                ]
    if chosen is None:
        return Imported((), tuple(unread))
    return settle(chosen, unread)


def _bounded(text: str, source: str) -> Iterator[Token]:
    for count, token in enumerate(nginx_tokens(text)):
        if count > _MOST:
            raise ConfigError(source, f"more than {_MOST} words")
        yield token


def _lets_through(lines: list[Line]) -> bool:
    return any(line.action == "pass" and not line.untold for line in lines)


def _maps(
    tokens: list[Token], options: ReadOptions, unread: list[Unread], depth: int
) -> Iterator[_Map]:
    at = 0
    while at < len(tokens):
        head = [one.text for one in tokens[at : at + 4]]
        if head[0] == "map" and len(head) == 4 and head[1] in _SOURCE and head[3] == "{":
            found = _Map([])
            at = _inside(found, tokens, at + 4, "", options, unread, depth)
            yield found
        else:
            at += 1


def _inside(
    found: _Map, tokens: list[Token], at: int, file: str, options: ReadOptions, unread: list[Unread],
    depth: int,
) -> int:  # fmt: skip
    """Directives up to the closing brace; gives the place behind it."""
    words: list[Token] = []
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token.mark and token.text == "}":
            break
        if not token.mark:
            words.append(token)
            continue
        texts = [one.text for one in words]
        if texts == ["hostnames"]:
            found.hostnames = True
        elif texts[:1] == ["include"] and len(texts) == 2:
            _include(found, words[1], options, unread, depth)
        elif len(texts) == 2:
            found.pairs.append(_Pair(texts[0], texts[1], words[0].line, file))
        elif texts and texts != ["volatile"]:
            text = " ".join(texts)
            unread.append(Unread(words[0].line, text[:MOST_TEXT], "no pair of a map", file))
        words = []
    return at


def _include(
    found: _Map, word: Token, options: ReadOptions, unread: list[Unread], depth: int
) -> None:
    text, why = None, f"the file {word.text} was not given"
    if any(c in word.text for c in "*?["):
        why = "several files by one pattern: give each of them"
    elif depth < _MOST_DEPTH and options.beside is not None:
        try:
            text = options.beside(word.text)
        except ConfigError as error:
            why = str(error)
    if text is None:
        unread.append(Unread(word.line, f"include {word.text}"[:MOST_TEXT], why))
        # It may send any name elsewhere.
        found.pairs.append(_Pair("\0", word.text, word.line))
    else:
        _inside(found, list(nginx_tokens(text)), 0, word.text, options, unread, depth + 1)


def _lines(one: _Map, backends: Backends) -> list[Line]:
    """The pairs in the order in which nginx asks them."""
    ordered: list[tuple[tuple[int, int], Line]] = []
    for number, pair in enumerate(one.pairs):
        at = Named(RuleRow(), pair.line, pair.key, pair.file)
        if pair.key == "\0":
            line = Line("inspect", (), pair.line, f"include {pair.value}", any_host=True)
            ordered.append(((-1, 0), line))
        elif pair.key == "default":
            ordered.append(((9, 0), backends.line(pair.value, (), at, any_host=True)))
        else:
            place, named = _named(pair, number, hostnames=one.hostnames)
            ordered.append((place, backends.line(pair.value, (named,), at)))
    return [line for _, line in sorted(ordered, key=lambda pair: pair[0])]


def _named(pair: _Pair, number: int, *, hostnames: bool) -> tuple[tuple[int, int], Named]:
    at = (pair.line, pair.key, pair.file)
    key = pair.key.removeprefix("\\")
    row: RuleRow | str
    if pair.key.startswith("~"):
        row = searched.meaning(pair.key.removeprefix("~").removeprefix("*"))
        place = (3, number)
    elif hostnames and key.startswith(("*.", ".")):
        named = Named(RuleRow(suffix=key.lstrip("*.")), *at, without=key.startswith("*"))
        return (1, -len(key)), named
    elif hostnames and key.endswith(".*"):
        row, place = RuleRow(regex=rf"{re.escape(key[:-2])}\..+"), (2, -len(key))
    elif "*" in key or key.startswith("."):
        row, place = (
            "never matches: a star and a dot in front mean something after hostnames;",
            (0, 0),
        )
    else:
        row, place = (RuleRow(host=key) if key else "no server name at all"), (0, 0)
    if isinstance(row, str):
        return place, Named(RuleRow(), *at, why=row)
    return place, Named(row, *at)
