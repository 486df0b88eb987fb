"""Attempts in a file, one JSON object a line, as `tlsight bypass attempts` prints them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from addons.bypass.attempt import Attempt
from detector.errors import ConfigError
from detector.model.no_json import NO_JSON

MAX_LINE = 64 << 10


def read_attempts(path: Path) -> Iterator[Attempt]:
    """Every attempt of a file; a last line that was cut short is left out.

    Raises ConfigError for a file that is none, with its line.
    """
    decoder = msgspec.json.Decoder(Attempt)
    try:
        with path.open("rb") as lines:
            number = 0
            while line := lines.readline(MAX_LINE + 1):
                number += 1
                if not line.endswith(b"\n"):
                    if len(line) > MAX_LINE:
                        raise ConfigError(str(path), "a line too long", line=number)
                    break  # it was being written
                try:
                    attempt = decoder.decode(line)
                except NO_JSON as error:
                    raise ConfigError(str(path), f"no attempt: {error}", line=number) from None
                if attempt.at.tzinfo is None:
                    raise ConfigError(str(path), "time without zone", line=number)
                yield attempt
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
