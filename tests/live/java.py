"""Little programs for the JVM, compiled once a process: the compiler takes longer than all that they do."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.live.programs import find

# What it keeps is gone when this process ends.
_FOLDER = tempfile.TemporaryDirectory(prefix="classes")


def java_command(name: str, source: str, *options: str) -> list[str]:
    """How to run the class of this name; it starts quickly rather than to run fast."""
    classes = _compiled(name, source)
    return [find("java"), "-XX:TieredStopAtLevel=1", *options, "-cp", str(classes), name]


@cache
def _compiled(name: str, source: str) -> Path:
    folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
    path = folder / f"{name}.java"
    path.write_text(source)
    subprocess.run([find("javac"), str(path)], check=True, timeout=100)
    return folder
