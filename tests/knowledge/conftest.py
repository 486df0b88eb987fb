"""A full disk and a folder that cannot be written, as real as this machine allows."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A folder with about a megabyte of room; commands that write there begin with `prefix`."""

    folder: Path
    prefix: tuple[str, ...]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A real file system of one megabyte; where none can be mounted, a limit on each file's size."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True).returncode == 0
    yield SmallDisk(folder, () if mounted else ("prlimit", "--fsize=1000000"))
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def powerless() -> tuple[str, ...]:
    """What a command begins with so that file permissions hold for it, even under root."""
    return ("setpriv", "--bounding-set=-all") if os.geteuid() == 0 else ()
