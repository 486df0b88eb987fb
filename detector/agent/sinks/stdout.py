"""Events on standard output, a line each: for containers, and for a unit whose output the journal takes.

Who reads may be slow or stopped: what does not fit is waited for without holding up anybody else. A pipe takes what
says it has room for without blocking only up to PIPE_BUF bytes at once, so no more is written in one go.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import Callable, Sequence

from detector.agent.sinks import Sink, SinkError, Surroundings
from detector.agent.sinks.choice import Choice, chosen
from detector.report.event_forms import Form, form
from detector.report.event_json import EventRecord

_PIECE = getattr(select, "PIPE_BUF", 512)


class Settings(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """[[sink]] of kind "stdout"."""

    form: Form = "ndjson"


def open_sink(settings: Settings, surroundings: Surroundings) -> Sink:  # noqa: ARG001
    """Never fails: a closed output is found when it is written."""
    return chosen(settings, StdoutSink(form(settings.form)))


class StdoutSink:
    """An open one; `descriptor` is another output for a test's own."""

    def __init__(
        self, write: Callable[[EventRecord], bytes], descriptor: int | None = None
    ) -> None:
        self._write = write
        self._descriptor = descriptor
        self._left = b""  # of a line that was begun

    async def send(self, events: Sequence[EventRecord]) -> None:
        try:
            descriptor = sys.stdout.fileno() if self._descriptor is None else self._descriptor
            await self._put(
                descriptor
            )  # a line that was begun is ended, or readers see a broken one
            for event in events:
                self._left = self._write(event) + b"\n"
                await self._put(descriptor)
        except (OSError, ValueError, AttributeError) as error:
            self._left = b""
            why = getattr(error, "strerror", None) or str(error)
            raise SinkError(f"standard output cannot be written: {why}") from None

    async def close(self) -> None:
        """It is not ours to close."""

    async def _put(self, descriptor: int) -> None:
        whole = len(self._left)
        while self._left:
            await _writable(descriptor)
            self._left = self._left[os.write(descriptor, self._left[:_PIECE]) :]
            if len(self._left) == whole:
                raise OSError("takes nothing")


async def _writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    try:
        loop.add_writer(descriptor, _set, ready)
    except (
        PermissionError,
        NotImplementedError,
    ):  # a file, which always is; no such thing on this system
        return
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
