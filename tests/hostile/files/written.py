"""A file of given bytes, made once and linked wherever it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path


def holding(name: str, content: Callable[[], bytes]) -> Callable[[Path], Path]:
    """Makes a file `name` below a folder. The content is worked out once."""
    made = lru_cache(maxsize=1)(content)

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(made())
        return path

    return make
