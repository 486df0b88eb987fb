"""Inputs that are kept: one file a target, one input a line in base64; `#` begins what is said of the next."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data/fuzz"
CORPUS, FINDS = FOLDER / "corpus", FOLDER / "finds"
# Bytes of one target's corpus, and of one input of it.
ROOM, LONGEST = 4000, 1200


def kept(name: str) -> tuple[bytes, ...]:
    """What coverage found worth keeping."""
    return _read(CORPUS / f"{name}.txt")


def finds(name: str) -> tuple[bytes, ...]:
    """What broke the target once."""
    return _read(FINDS / f"{name}.txt")


def keep(name: str, inputs: Iterable[bytes]) -> None:
    """Write a target's corpus, the shortest first, as many as there is room for."""
    lines: list[bytes] = []
    left = ROOM
    for data in sorted(set(inputs), key=lambda one: (len(one), one)):
        left -= len(data)
        if left < 0 or len(data) > LONGEST:
            break
        if data:
            lines.append(base64.b64encode(data))
    CORPUS.mkdir(parents=True, exist_ok=True)
    (CORPUS / f"{name}.txt").write_bytes(b"".join(line + b"\n" for line in lines))


def _read(path: Path) -> tuple[bytes, ...]:
    if not path.exists():
        return ()
    lines = path.read_bytes().splitlines()
    return tuple(base64.b64decode(line) for line in lines if line and not line.startswith(b"#"))
