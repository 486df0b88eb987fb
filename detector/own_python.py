"""The command of a child that is Python, or this program again: the one place that makes it.

Python looks for modules in the current directory first where it is started with -m or -c; with -P it does not. Who
stands in a folder that is somebody else's runs none of its code. The frozen program knows -P too (see
scripts/packaging/frozen_entry.py), and is this program by itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path


def python(*words: str) -> list[str]:
    """Python with these words: -m MODULE, -c CODE, or a file."""
    return [sys.executable, "-P", *words]


def tlsight(*words: str) -> list[str]:
    """Ourselves with these words."""
    if getattr(sys, "frozen", False):
        return [sys.executable, *words]
    return python("-m", "detector", *words)


def surroundings(environment: Mapping[str, str], path: Iterable[str]) -> dict[str, str]:
    """An environment in which a child finds our modules, also where only this process looks for them (a zipped program).

    `path` is sys.path; what is relative in it would be another folder's for who stands elsewhere.
    """
    kept = os.pathsep.join(one for one in path if Path(one).is_absolute())
    return {**environment, "PYTHONPATH": kept, "PYTHONSAFEPATH": "1"}
