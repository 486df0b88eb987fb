"""One line of a log or a paste without what stands around its words.

Colours, box drawing, quote marks, the prefixes of Docker Compose, kubectl, journald and syslog, JSON around a line and
escapes inside one say nothing of the failure, and keep its words apart. Line numbers stay: a line gives one line, where
an escape says that there are several they are joined.
"""

from __future__ import annotations

import html
import re

# ECMA-48 control sequences, and OSC strings such as a terminal's links.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,512}(?:\x07|\x1b\\)|[@-Z\\^_])")
# The escape itself is lost where a log was copied out of a page.
_BARE_ANSI = re.compile(r"\[(?:\d{1,3}(?:;\d{1,3}){0,4})?m")
_DRAWN = re.compile(
    "[\u2500-\u259f\u2800-\u28ff\u2190-\u21ff\u25a0-\u25ff\u2700-\u2712\u2715-\u27bf]+"
)
_QUOTED = re.compile(r"^(?:\s*[>|]){1,8}\s?")
_PREFIX = re.compile(
    r"^(?:"
    r"[\w.-]{1,64}\s{1,16}\|\s"  # compose: web-1  |
    r"|\[pod/[\w./-]{1,200}\]\s"  # kubectl logs --prefix
    r"|[A-Z][a-z]{2}\s{1,2}\d{1,2} \d\d:\d\d:\d\d [\w.-]{1,64} (?P<by>[\w./@-]{1,64})(?:\[\d{1,7}\])?:\s"  # journald, syslog
    r")"
)
_ESCAPES = re.compile(r"\\(?:[nrt]|u[0-9a-fA-F]{4}|[\"'/])")
_NARROWEST = 30
_USUAL = frozenset((72, 78, 79, 80, 100, 120, 132, 160))
# A tag of HTML; <https://a.example/> is an address in brackets.
_TAG = re.compile(r"</?(?!https?:)[a-zA-Z][^<>]{0,200}>")
_ESCAPED = {"n": " ", "r": " ", "t": " ", '"': '"', "'": "'", "/": "/"}


def plain_line(line: str) -> str:
    """The line's words."""
    if "\x1b" in line:
        line = _ANSI.sub("", line)
    if "m" in line and "[" in line:
        line = _BARE_ANSI.sub("", line)
    if not line.isascii():
        line = _DRAWN.sub(" ", line)
    line = _QUOTED.sub("", line)
    line = _PREFIX.sub("", line, count=1)
    if "\\" in line and ('"' in line or "\\n" in line or "\\u" in line):
        line = _ESCAPES.sub(_unescaped, line)
    if "<" in line and ">" in line:
        line = _TAG.sub(" ", line)
    if "&" in line and ";" in line:
        line = html.unescape(line)
    return line.rstrip("\r\n").replace("\x00", "").replace("\r", " ")


def written_by(line: str) -> str:
    """The program that journald or syslog put before a line; "" for none."""
    found = _PREFIX.match(line)
    return (found["by"] or "") if found else ""


def unwrapped(text: str) -> str:
    """A text whose lines a console cut at one column, with the cut ones whole again: a name that was cut is one again.

    Only lines of the full width are joined, and only where several have it or it is a usual one.
    """
    lines = text.split("\n")
    width = max(map(len, lines))
    full = sum(len(line) == width for line in lines[:-1])
    if width < _NARROWEST or not full or (full < 2 and width not in _USUAL):
        return text
    return "".join(line if len(line) == width else f"{line}\n" for line in lines).removesuffix("\n")


def _unescaped(match: re.Match[str]) -> str:
    text = match[0][1:]
    if text[0] == "u":
        code = int(text[1:], 16)
        return chr(code) if not 0xD800 <= code < 0xE000 else " "
    return _ESCAPED[text]
