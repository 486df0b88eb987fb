"""The expressions of Cloudflare Gateway's rules, as a tree.

    any(http.conn.domains[*] in {"a.com" "b.com"}) and not (http.conn.hostname == "c.a.com")

Source: developers.cloudflare.com, "Gateway policy expressions".
"""

from __future__ import annotations

import json
import re
from typing import Literal, NamedTuple

MAX_DEPTH = 40
MAX_TOKENS = 2_000_000
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*+"|r"[^"]*+"|r\#"[^"]*+"\#)|(?P<sign>==|!=|<=|>=|&&|\|\||[(){}<>!~])|(?P<word>[^\s(){}"<>=!,]+)|(?P<comma>,))"""
)


class UnsayableError(ValueError):
    """An expression, or a part of one, that is none of ours."""


class Test(NamedTuple):
    """A field, compared with values.

    Attributes:
        many: any of the field's own values will do: `any(field[*] ...)`.

    """

    field: str
    how: Literal["==", "in", "matches", "!="]
    values: tuple[str, ...]
    many: bool
    text: str


class Node(NamedTuple):
    """All or one of several, or what is not."""

    kind: Literal["and", "or", "not"]
    parts: tuple[Node | Test, ...]


Tree = Node | Test


def parsed(text: str) -> Tree:
    """Raises UnsayableError."""
    found = _Parser(text)
    tree = found.either(0)
    found.end()
    return tree


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place = 0
        text = text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None or len(self._tokens) > MAX_TOKENS:
                raise UnsayableError(f"is no expression at {text[place : place + 20]!r}")
            kind = found.lastgroup or ""
            self._tokens.append((kind, found[kind]))
            place = found.end()
        self._at = 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise UnsayableError(f"is no expression at {self._tokens[self._at][1][:20]!r}")

    def either(self, depth: int) -> Tree:
        return self._joined("or", ("or", "||"), depth)

    def _joined(self, kind: Literal["and", "or"], words: tuple[str, ...], depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise UnsayableError(f"an expression nested deeper than {MAX_DEPTH}")
        parts = [self._part(kind, depth)]
        while self._peek() in words:
            self._at += 1
            parts.append(self._part(kind, depth))
        return parts[0] if len(parts) == 1 else Node(kind, tuple(parts))

    def _part(self, kind: str, depth: int) -> Tree:
        return self._joined("and", ("and", "&&"), depth) if kind == "or" else self._one(depth)

    def _one(self, depth: int) -> Tree:
        word = self._peek()
        if word in ("not", "!"):
            self._at += 1
            if depth > MAX_DEPTH:
                raise UnsayableError(f"an expression nested deeper than {MAX_DEPTH}")
            return Node("not", (self._one(depth + 1),))
        if word == "(":
            self._at += 1
            inner = self.either(depth + 1)
            self._take(")")
            return inner
        if word in ("any", "all"):
            self._at += 1
            self._take("(")
            inner = self._test(many=True)
            self._take(")")
            if word == "all":
                raise UnsayableError("all() of a field's values is no rule of ours")
            return inner
        return self._test(many=False)

    def _test(self, *, many: bool) -> Test:
        begun = self._at
        field = self._next("word").removesuffix("[*]")
        how = self._next()
        values: tuple[str, ...]
        if how == "not" and self._peek() == "in":
            self._at += 1
            values, how = self._values(), "!="
        elif how == "in":
            values = self._values()
        elif how in ("==", "!=", "matches", "~", "eq", "ne"):
            values = (self._value(),)
            how = {"~": "matches", "eq": "==", "ne": "!="}.get(how, how)
        else:
            raise UnsayableError(f"{how[:20]!r} is no comparison that is read")
        text = " ".join(token for _, token in self._tokens[begun : min(self._at, begun + 40)])
        return Test(field, how, values, many, text)  # type: ignore[arg-type]

    def _values(self) -> tuple[str, ...]:
        if self._peek().startswith("$"):
            return (self._next(),)
        self._take("{")
        found: list[str] = []
        while self._peek() != "}":
            if self._peek() == ",":
                self._at += 1
                continue
            found.append(self._value())
        self._at += 1
        return tuple(found)

    def _value(self) -> str:
        kind, token = self._token()
        if kind == "word":
            return token
        if kind != "text":
            raise UnsayableError(f"{token[:20]!r} is no value")
        if token.startswith("r"):
            return token.strip("r#")[1:-1]
        try:
            return str(json.loads(token))
        except ValueError:
            return token[1:-1]

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _token(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise UnsayableError("an expression that breaks off")
        self._at += 1
        return self._tokens[self._at - 1]

    def _next(self, wanted: str = "") -> str:
        kind, token = self._token()
        if wanted and kind != wanted:
            raise UnsayableError(f"is no expression at {token[:20]!r}")
        return token

    def _take(self, sign: str) -> None:
        if self._next() != sign:
            raise UnsayableError(f"{sign} is missing")
