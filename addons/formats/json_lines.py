"""JSON of unknown origin, and on which line each of its texts stands."""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any

from detector.errors import ConfigError

MAX_TEXT = 64 << 20
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*+"')


class Lines:
    """The lines of texts, asked in the order in which they stand."""

    def __init__(self, text: str) -> None:
        self._at: dict[str, deque[int]] = {}
        for number, line in enumerate(text.split("\n"), 1):
            for found in _STRING.findall(line):
                self._at.setdefault(found, deque()).append(number)

    def of(self, value: str) -> int:
        """Its line, 0 where it is spelt otherwise there."""
        for spelt in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
            lines = self._at.get(spelt)
            if lines:
                return lines.popleft() if len(lines) > 1 else lines[0]
        return 0


def loaded(text: str, source: str) -> tuple[Any, Lines]:
    """The value, and the lines of its texts. Raises ConfigError."""
    if len(text) > MAX_TEXT:
        raise ConfigError(source, f"{len(text)} characters, at most {MAX_TEXT}")
    if not text.strip("\ufeff \r\n\t"):
        return [], Lines("")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(source, f"no JSON: {error.msg}", line=error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(source, f"no JSON: {error}") from None
    return found, Lines(text)


def texts(value: object) -> list[str]:
    """The texts of a list of them; whatever else is in it is left out."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def objects(value: object, *keys: str) -> list[dict[str, Any]]:
    """The objects of a list, or of the list under the first of `keys` that is there, or the object alone."""
    if isinstance(value, dict):
        for key in keys:
            if isinstance(value.get(key), list):
                return objects(value[key])
        return [value]
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
