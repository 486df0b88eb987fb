"""Zeek's traces, unpacked once."""

from __future__ import annotations

import os
import tarfile
import tempfile
from functools import cache
from pathlib import Path

ARCHIVE = Path(__file__).parents[1] / "data/zeek/traces.tar.gz"


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    place = tempfile.TemporaryDirectory(prefix="zeek-traces-")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(place.name, filter="data")
    return place


def zeek_trace(name: str) -> Path:
    """The file of a trace, e.g. "tls/dhe.pcap"."""
    return Path(_folder().name, "zeek/traces", name)


def zeek_traces(every: int = 1) -> list[Path]:
    """All of them, or every so many: Wireshark takes half a second to start. EVERY_TRACE=1 in the environment is all."""
    found = sorted(path for path in zeek_trace("").rglob("*") if path.is_file())
    return found[:: int(os.environ.get("EVERY_TRACE", str(every)))]
