"""Text of unknown origin made harmless, for terminals, logs, pages and XML.

Names, SNI, reasons, file names and the texts of errors are whatever somebody sent. Shown as they are, an escape
sequence rewrites a terminal, a newline forges a line of a log, and U+202E turns a name round. So everything that
Unicode does not call printable becomes one mark: control characters (with DEL and C1), line and paragraph
separators, format characters (bidirectional controls, zero-width ones), surrogates. What remains is allowed in
XML 1.0 (section 2.2), too.
"""

from __future__ import annotations

import logging
import re

_MARK = "\ufffd"
# What JSON may hold as it is, and a terminal would obey: all behind ASCII that is not printable, and DEL.
_BEHIND_ASCII = re.compile(r"[^\x00-\x7e]")


def shown(text: str) -> str:
    """The same text in one line, of which nothing is obeyed by whatever shows it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _MARK for c in text)


def shown_json(encoded: bytes) -> bytes:
    """The same JSON with those characters as escapes: it says what it said, and no terminal obeys it."""
    return _BEHIND_ASCII.sub(_as_json, encoded.decode()).encode()


def shown_toml(document: str) -> str:
    """The same for TOML whose strings are all basic ones (TOML 1.0, "String")."""
    return _BEHIND_ASCII.sub(_as_toml, document)


def harmless_logger(name: str) -> logging.Logger:
    """The module's logger, whose lines are `shown`."""
    found = logging.getLogger(name)
    if not any(isinstance(one, _Shown) for one in found.filters):
        found.addFilter(_Shown())
    return found


class _Shown(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = shown(record.getMessage()), None
        return True


def _as_json(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _as_toml(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}"
