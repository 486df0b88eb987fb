"""Attempts in a file, one JSON object a line, written by a thread of its own.

The proxy's event loop only puts an attempt into a bounded queue. A full queue drops it and counts; a disk
that cannot be written drops too, says so once, and is tried again. The file is bounded: when it is full it
is moved to FILE.1, which is the only older one.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from addons.bypass.attempt import Attempt
from detector.errors import ConfigError

log = logging.getLogger(__name__)
MAX_WAITING = 10_000
MAX_BYTES = 64 << 20
MAX_LINE = 64 << 10


class AttemptLog:
    """`put` never waits; `close` writes what is left.

    Attributes:
        dropped: attempts that found no room, or no disk.

    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self.dropped = 0
        self._max = max_bytes
        self._waiting: queue.Queue[Attempt | None] = queue.Queue(MAX_WAITING)
        self._complaint = ""
        self._thread = threading.Thread(target=self._write, name="attempt-log", daemon=True)
        self._thread.start()

    def put(self, attempt: Attempt) -> None:
        try:
            self._waiting.put_nowait(attempt)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join(10)

    def _write(self) -> None:
        last = False
        while not last:
            batch: list[Attempt] = []
            item = self._waiting.get()
            while item is not None:
                batch.append(item)
                if len(batch) == 1000:
                    break
                try:
                    item = self._waiting.get_nowait()
                except queue.Empty:
                    break
            last = item is None
            if batch:
                self._append(batch)

    def _append(self, batch: list[Attempt]) -> None:
        data = b"".join(msgspec.json.encode(attempt) + b"\n" for attempt in batch)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self.path.exists() and self.path.stat().st_size + len(data) > self._max:
                self.path.replace(self.path.with_name(self.path.name + ".1"))
            # Whom clients talk to is nobody else's business.
            handle = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            try:
                os.write(handle, data)
            finally:
                os.close(handle)
            self._complaint = ""
        except OSError as error:
            self.dropped += len(batch)
            text = f"{self.path}: {error.strerror or error}"
            if text != self._complaint:
                self._complaint = text
                log.error("tlsight: attempts cannot be kept: %s", text)  # noqa: TRY400 (one line)


def read_attempts(path: Path) -> Iterator[Attempt]:
    """Every attempt of a log, the older file first; a last line that was cut short is left out.

    Raises ConfigError for a file that is none, with its line.
    """
    older = path.with_name(path.name + ".1")
    files = [older, path] if older.exists() else [path]
    decoder = msgspec.json.Decoder(Attempt)
    for file in files:
        try:
            with file.open("rb") as lines:
                number = 0
                while line := lines.readline(MAX_LINE + 1):
                    number += 1
                    if not line.endswith(b"\n"):
                        if len(line) > MAX_LINE:
                            raise ConfigError(str(file), "a line too long", line=number)
                        break  # it was being written
                    try:
                        attempt = decoder.decode(line)
                    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                        raise ConfigError(str(file), f"no attempt: {error}", line=number) from None
                    if attempt.at.tzinfo is None:
                        raise ConfigError(str(file), "time without zone", line=number)
                    yield attempt
        except OSError as error:
            raise ConfigError(str(file), error.strerror or str(error)) from None
