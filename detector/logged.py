"""What is done and decided, for who wants to watch: lines of Python's logging, told by the rooms that dial and decide.

Theory of operation
-------------------
1. A room says `log = Log(__name__)` and tells an event and its fields: `log.debug("dialled", target=place, ms=3.2)`.
   Fields hold what others said, too; no field ever holds a secret: no key, password, token, header or body, and of a
   URL neither its login nor its query (see `bare_url`).
2. Nothing is written where nobody asked: `configure` is the one place that adds a handler, to stderr. As a library we
   say no more than "detector" has a NullHandler, so that a program that imports us decides by itself.
3. A line is text (time, level, room, event, key=value) or one JSON object; what steers a terminal is left out of both.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

_ROOTS = ("detector", "addons")

for _name in _ROOTS:
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Log:
    """Tells what a room does.

    Args:
        name: the module's.

    """

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: Any) -> None:
        """A step on the way."""
        if self._logger.isEnabledFor(logging.DEBUG):
            self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: Any) -> None:
        """A result, or a decision."""
        if self._logger.isEnabledFor(logging.INFO):
            self._logger.info(event, extra={"fields": fields})


def configure(level: str, form: str) -> None:
    """Write what is told, from `level` ("debug", "info"...) on, to stderr, as lines of `form`: "text" or "json".

    Called again, it changes both.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    for name in _ROOTS:
        logger = logging.getLogger(name)
        for earlier in [one for one in logger.handlers if isinstance(one.formatter, _Form)]:
            logger.removeHandler(earlier)
        logger.addHandler(handler)
        logger.setLevel(level.upper())
        logger.propagate = False


def bare_url(url: str) -> str:
    """A URL without login, query and fragment, where secrets stand."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "a URL that cannot be read"
    return f"{parts.scheme}://{host}{parts.path}"


class _Form(logging.Formatter):
    def parts(self, record: logging.LogRecord) -> tuple[str, str, str, str, dict[str, Any]]:
        """Time, level, room, event, fields."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        room = record.name.partition(".")[2] or record.name
        fields = {k: v for k, v in getattr(record, "fields", {}).items() if v is not None}
        return at, record.levelname.lower(), room, record.getMessage(), fields


class _Text(_Form):
    def format(self, record: logging.LogRecord) -> str:
        from detector.model.harmless import harmless

        at, level, room, event, fields = self.parts(record)
        said = "".join(f" {key}={_word(value)}" for key, value in fields.items())
        return harmless(f"{at} {level:7} {room}: {event}{said}")


class _Json(_Form):
    def format(self, record: logging.LogRecord) -> str:
        at, level, room, event, fields = self.parts(record)
        return json.dumps(
            {"time": at, "level": level, "room": room, "event": event, **fields}, default=str
        )


def _word(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return (
        json.dumps(text, ensure_ascii=False) if not text or any(c in text for c in ' "=') else text
    )
