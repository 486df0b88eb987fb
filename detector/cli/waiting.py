"""One line on the terminal that says what is waited for, and is gone when it has come.

Rules
-----
1. Nothing shows before PATIENCE is over, so quick runs stay as they are.
2. It is drawn on stderr, and only where both stderr and stdout are terminals: a pipe, a file, --json and a terminal
   without a cursor (TERM=dumb) get nothing.
3. Whatever else is printed, by anybody, takes the line away first: while it may show, what writes to stdout and
   stderr goes through here. It comes back beneath, once that has ended its own line.
4. It takes blanks and carriage returns alone, hides no cursor, and starts no line: an end by a signal leaves nothing to
   be put right.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TextIO

from detector import clock
from detector.model.harmless import harmless
from detector.model.observation import Target
from detector.model.targets import socket_text

PATIENCE = 0.3
_PACE = 0.2
_TURNS = "|/-\\"
_LEAST = 20


class Waiting:
    """What a run waits for, told while it does.

    Args:
        words: a sentence with {} for what is waited for, "waiting for {} to answer".
        shown: whether it may show at all; the terminal decides too.
        total: how many there are, where that is known and more than one.
        done: what they are when it has come, "checked".
        stopwatch: seconds, for differences.

    """

    def __init__(
        self,
        words: str,
        *,
        shown: bool = True,
        total: int | None = None,
        done: str = "done",
        stopwatch: Callable[[], float] = clock.stopwatch,
    ) -> None:
        self._stopwatch = stopwatch
        self._words, self._total, self._done = words, total, done
        self._note = ""
        self._under_way: dict[int, tuple[str, float]] = {}
        self._next = self._finished = self._turn = self._drawn = 0
        self._open = False
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._streams = (sys.stdout, sys.stderr)
        self._shown = shown and may_show(*self._streams)

    def __enter__(self) -> Self:
        if self._shown:
            from shutil import get_terminal_size  # a run that shows nothing does without

            sys.stdout, sys.stderr = (_Aside(stream, self) for stream in self._streams)
            self._thread = threading.Thread(
                target=self._draws,
                args=(lambda: get_terminal_size().columns,),
                name="waiting",
                daemon=True,
            )
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take it away for good. May be called again."""
        if self._thread is None:
            return
        self._over.set()
        self._thread.join()
        self._thread = None
        sys.stdout, sys.stderr = self._streams
        self.clear()

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Something is waited for, until the block ends."""
        with self._lock:
            number = self._next
            self._next += 1
            self._under_way[number] = what, self._stopwatch()
        try:
            yield
        finally:
            with self._lock:
                del self._under_way[number]
                self._finished += 1

    def target(self, target: Target) -> Any:
        """As `on`, of a target that is asked."""
        return self.on(socket_text(target.host, target.port))

    def note(self, text: str) -> None:
        """How far it has come, in words behind the others."""
        self._note = text

    def write(self, stream: TextIO, text: str) -> int:
        """What somebody else prints, with the line out of its way."""
        with self._lock:
            if text:
                self.clear()
                self._open = not text.endswith("\n")
            return stream.write(text)

    def clear(self) -> None:
        """Put blanks over what is drawn."""
        with self._lock:
            if self._drawn:
                self._put("\r" + " " * self._drawn + "\r")
                self._drawn = 0

    def line(self, now: float, room: int = 200) -> str:
        """What is told at that time (seconds of the stopwatch) in so many columns; empty where nothing is waited for."""
        with self._lock:
            if not self._under_way:
                return ""
            what, since = next(iter(self._under_way.values()))
            more = len(self._under_way) - 1
        told = self._told(what, more, now - since)
        over = len(told) - room
        if over > 0 and len(what) > over + 12:  # its ends say what it is
            keep = len(what) - over - 3
            what = what[: keep // 2] + "..." + what[-(keep - keep // 2) :]
            told = self._told(what, more, now - since)
        return told[:room]

    def _told(self, what: str, more: int, seconds: float) -> str:
        name = what + (f" and {more} more" if more else "")
        parts = [self._words.format(name), f"{seconds:.0f} s"]
        if self._note:
            parts.insert(1, self._note)
        told = ", ".join(parts)
        if self._total is not None and self._total > 1:
            told = f"{self._done} {self._finished} of {self._total}, {told}"
        elif self._total is None and self._finished:
            told = f"{self._done} {self._finished}, {told}"
        return harmless(told)

    def _draws(self, columns: Callable[[], int]) -> None:
        pace = PATIENCE
        while not self._over.wait(pace):
            pace = _PACE
            with self._lock:
                room = max(columns(), _LEAST) - 3
                told = "" if self._open else self.line(self._stopwatch(), room)
                self._turn += 1
                turn = _TURNS[self._turn % len(_TURNS)]
                self._draw(f"{turn} {told}" if told else "")

    def _draw(self, shown: str) -> None:
        if len(shown) < self._drawn:
            self.clear()
        if shown:
            self._put(f"\r{shown}")
        self._drawn = len(shown)

    def _put(self, text: str) -> None:
        self._streams[1].write(text)
        self._streams[1].flush()


def may_show(stdout: TextIO, stderr: TextIO) -> bool:
    """Whether somebody looks on whom a line that comes and goes would help."""
    if os.environ.get("TERM", "") in ("dumb", "unknown"):
        return False
    return stdout.isatty() and stderr.isatty()


class _Aside:
    """A stream whose writer takes the line away first."""

    def __init__(self, stream: TextIO, waiting: Waiting) -> None:
        self._stream, self._waiting = stream, waiting

    def write(self, text: str) -> int:
        return self._waiting.write(self._stream, text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
