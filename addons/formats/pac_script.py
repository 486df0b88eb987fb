"""Proxy auto-config scripts, as far as they are lists: ifs that return, in their order.

JavaScript is not run. What is read are statements of FindProxyForURL: `if (...) return ...;`, with else, blocks and
assignments between them. Anything that could return and is not read (a loop, a function of the script's own) comes back
as an unreadable step, so that what stands behind it is not taken for granted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_TOKENS = 500_000
MAX_DEPTH = 40
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)|(?P<text>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')"""
    r"""|(?P<word>[A-Za-z_$][\w$]*+)"""
    r"""|(?P<number>\d[\w.]*+)|(?P<sign>===|!==|==|!=|&&|\|\||[-+*/%<>=!.,;:?(){}\[\]&|^~])"""
)
# A slash divides, unless nothing stands before it that could be divided.
_REGEX = re.compile(r"(?P<regex>/(?:[^/\\\n\[*]|\\.|\[(?:[^\]\\\n]|\\.)*+\])++/[a-z]*)")
_BEFORE_REGEX = {"", "(", "|", "||", "&&", "!", "=", "==", ",", ":", "?", "return", "{", ";", "["}
_ESCAPE = re.compile(r"\\(.)")


class Token(NamedTuple):
    kind: str
    text: str
    line: int


class Step(NamedTuple):
    """A return, and what must hold for it.

    Attributes:
        conditions: each by itself is enough; none where it is always returned.
        value: what is returned, "" where it is no text.
        why: why it cannot be read.

    """

    line: int
    conditions: list[list[Token]]
    value: str
    why: str = ""


class ScriptError(ValueError):
    """What is no script, or none with FindProxyForURL."""


def steps(text: str) -> list[Step]:
    """The returns of FindProxyForURL in their order. Raises ScriptError."""
    tokens = list(_tokens(text))
    for place, token in enumerate(tokens):
        if token.text == "FindProxyForURL" and place and tokens[place - 1].text == "function":
            return list(_Reader(tokens, place + 1).body())
    raise ScriptError("no function FindProxyForURL in it")


def unquoted(token: Token) -> str:
    """The text of a string."""
    return _ESCAPE.sub(lambda found: found[1], token.text[1:-1])


def _tokens(text: str) -> Iterator[Token]:
    place, line, count, before = 0, 1, 0, ""
    while place < len(text):
        found = _REGEX.match(text, place) if before in _BEFORE_REGEX else None
        found = found or _TOKEN.match(text, place)
        count += 1
        if found is None or count > MAX_TOKENS:
            raise ScriptError(f"line {line}: is no script at {text[place : place + 20]!r}")
        if found.lastgroup != "space":
            before = found[0]
            yield Token(found.lastgroup or "", found[0].strip(), line)
        line += found[0].count("\n")
        place = found.end()


class _Reader:
    def __init__(self, tokens: list[Token], place: int) -> None:
        self._tokens, self._at = tokens, place

    def body(self) -> Iterator[Step]:
        self._group("(", ")")
        self._expect("{")
        while self._text() not in ("}", ""):
            yield from self._statement([], 0)

    def _statement(self, outer: list[list[list[Token]]], depth: int) -> Iterator[Step]:
        """Steps of one statement; `outer` are the ifs around it."""
        if depth > MAX_DEPTH:
            raise ScriptError("ifs nested too deep")
        word, line = self._text(), self._line()
        if word == "{":
            self._at += 1
            while self._text() not in ("}", ""):
                yield from self._statement(outer, depth + 1)
            self._expect("}")
        elif word == "if":
            yield from self._if(outer, depth)
        elif word == "return":
            self._at += 1
            yield self._returned(line, outer)
        elif word in ("for", "while", "do", "switch", "try", "function"):
            self._skip_block()
            yield Step(line, [], "", f"a {word} in the script is not run")
        else:
            self._skip_to_end()

    def _if(self, outer: list[list[list[Token]]], depth: int) -> Iterator[Step]:
        self._at += 1
        condition = self._group("(", ")")
        inside = list(self._statement([*outer, _alternatives(condition)], depth + 1))
        yield from inside
        if self._text() == "else":
            line = self._line()
            self._at += 1
            otherwise = list(self._statement(outer, depth + 1))
            if inside and not inside[-1].why and _returns(inside, len(outer) + 1):
                yield from otherwise
            elif otherwise:
                yield Step(line, [], "", "an else behind an if that need not return")

    def _returned(self, line: int, outer: list[list[list[Token]]]) -> Step:
        tokens = self._skip_to_end()
        value = unquoted(tokens[0]) if tokens and tokens[0].kind == "text" else ""
        joined = len(tokens) > 1 and not value.upper().startswith(("PROXY", "SOCKS", "HTTP"))
        if len(outer) > 1:
            return Step(line, [], value, "ifs within ifs: several conditions at once")
        return Step(
            line,
            outer[0] if outer else [],
            value,
            "what it returns is put together" if joined else "",
        )

    def _group(self, begin: str, end: str) -> list[Token]:
        self._expect(begin)
        found: list[Token] = []
        depth = 1
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            depth += (token.text == begin) - (token.text == end)
            if depth == 0:
                return found
            found.append(token)
        raise ScriptError(f"{end} is missing")

    def _skip_to_end(self) -> list[Token]:
        found: list[Token] = []
        depth = 0
        line = self._line()
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if depth == 0 and (
                token.text == "}"
                or (found and token.line > line and found[-1].text not in "=+([{,:?&|.")
            ):
                return found
            self._at += 1
            if depth == 0 and token.text == ";":
                return found
            depth += (token.text in "([{") - (token.text in ")]}")
            line = token.line
            found.append(token)
        return found

    def _skip_block(self) -> None:
        """Over a statement with a block of its own."""
        while self._at < len(self._tokens) and self._text() != "{":
            self._at += 1
        self._group("{", "}")

    def _expect(self, text: str) -> None:
        if self._text() != text:
            raise ScriptError(f"line {self._line()}: {text} is missing")
        self._at += 1

    def _text(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _line(self) -> int:
        return self._tokens[min(self._at, len(self._tokens) - 1)].line


def _returns(inside: list[Step], depth: int) -> bool:
    return depth == 1 and len(inside) == 1


def _alternatives(tokens: list[Token]) -> list[list[Token]]:
    """What stands between the bars; parentheses around it all are dropped."""
    while tokens and tokens[0].text == "(" and _closes_at_end(tokens):
        tokens = tokens[1:-1]
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if token.text == "||" and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    if len(parts) == 1:
        return parts
    return [
        inner for part in parts for inner in (_alternatives(part) if _wrapped(part) else [part])
    ]


def _wrapped(tokens: list[Token]) -> bool:
    return bool(tokens) and tokens[0].text == "(" and _closes_at_end(tokens)


def _closes_at_end(tokens: list[Token]) -> bool:
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            return place == len(tokens) - 1
    return False
