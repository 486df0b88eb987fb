"""A file for the textfile collector of Prometheus' node_exporter: what holds now, written whole at each event.

    [[sink]]
    kind = "textfile"
    path = "/var/lib/prometheus/node-exporter/tlsight.prom"

The collector reads every *.prom of its folder at each scrape, and says of a half-written one that it is broken: the
file is replaced by one rename. It runs under another user, so everybody may read the file; what stands in it is no
secret to who may look at a machine's metrics. What is told comes from the agent's own state, so one that was down while
events came is right again with the next one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from detector.agent.metrics import families
from detector.agent.sinks import SinkError, Surroundings
from detector.agent.snapshot import read_snapshot
from detector.errors import StoreError
from detector.knowledge.whole_file import replacing
from detector.report.event_json import EventRecord
from detector.report.prometheus import exposition

_MODE = 0o644


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"
):
    """`path` ends in .prom, or the collector does not look at it."""

    path: str

    def __post_init__(self) -> None:
        if not self.path.endswith(".prom") or not Path(self.path).is_absolute():
            raise ValueError("path is absolute and ends in .prom")


class _Textfile:
    def __init__(self, path: Path, surroundings: Surroundings) -> None:
        self._path = path
        self._state = surroundings.state

    async def send(self, events: Sequence[EventRecord]) -> None:
        if not events:
            return
        try:
            text = exposition(families(read_snapshot(self._state)))
            with replacing(self._path, _MODE) as file:
                if hasattr(os, "fchmod"):
                    os.fchmod(file.fileno(), _MODE)  # an agent's umask keeps others out
                file.write(text)
        except StoreError as error:
            raise SinkError(error.message, remedy=error.remedy) from None
        except OSError as error:
            raise SinkError(f"{self._path}: {error.strerror or error}") from None

    async def close(self) -> None:
        pass


def open_sink(settings: Settings, surroundings: Surroundings) -> _Textfile:
    """Nothing is opened yet: a folder that comes later will do."""
    return _Textfile(Path(settings.path), surroundings)
