"""Hostile files: `KINDS` makes each below a folder; `SPECIAL` says which are meant for which option."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.hostile.files import (  # fmt: skip
    captures,
    certificates,
    logs,
    packed,
    places,
    stores,
    tables,
)

Make = Callable[[Path], Path]

# These are put into every option that takes a file.
ANYWHERE: dict[str, Make] = {**places.KINDS}
# And these where such a file is expected.
MEANT: dict[str, dict[str, Make]] = {
    "capture": {**captures.KINDS, **packed.KINDS},
    "log": {**logs.KINDS, **packed.KINDS},
    "table": tables.TOML,
    "json": tables.JSON,
    "certificate": certificates.KINDS,
    "store": stores.KINDS,
    "lines": {**logs.LINES},
}
