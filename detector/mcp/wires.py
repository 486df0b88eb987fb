"""stdin and stdout as the SDK's streams of messages, with bounds that its own transport lacks.

Theory of operation
-------------------
A message is a line. The SDK's transport reads lines of any length, answers nothing where one is no message, and waits
at the end for a read that never returns. Here a thread reads, which ends with the process:

- A line past LONGEST is dropped while it comes. It and a line that is no message are answered as JSON-RPC has it
  (section 5.1), with no id.
- No line is read while STALLED answers wait for a client that does not take them, so what a client can pile up here is
  bounded by it.
- Descriptors 0 and 1 lead elsewhere meanwhile, stdout to stderr: what a library or a child prints is no message.
- At the end of stdin what is still to be written has FAREWELL seconds.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

from detector.mcp.lines import LONGEST, Lines

STALLED = 8
FAREWELL = 2.0
_CHUNK = 64 << 10
_PAUSE = 0.01

Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage]


@asynccontextmanager
async def standard_wires() -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Those of this process."""
    reader, writer = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    try:
        async with wires(reader, writer) as streams:
            yield streams
    finally:
        os.dup2(writer, 1)  # the thread may still read: its descriptor stays


@asynccontextmanager
async def wires(reader: int, writer: int) -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Streams over two descriptors, until the first one ends or nobody reads the second."""
    into, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, out_of = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as group:
        written = anyio.Event()

        async def write() -> None:
            try:
                async with out_of:
                    async for message in out_of:
                        await anyio.to_thread.run_sync(
                            _write, writer, _line(message), abandon_on_cancel=True
                        )
            except OSError:  # nobody reads: there is nobody to work for
                group.cancel_scope.cancel()
            finally:
                written.set()

        group.start_soon(write)
        _Reading(reader, into, outgoing.clone()).start()
        yield incoming, outgoing
        await outgoing.aclose()
        with anyio.move_on_after(FAREWELL):
            await written.wait()
        group.cancel_scope.cancel()


class _Reading:
    """The thread that reads."""

    def __init__(
        self,
        descriptor: int,
        into: MemoryObjectSendStream[SessionMessage | Exception],
        outgoing: Outgoing,
    ) -> None:
        self._descriptor = descriptor
        self._into = into
        self._outgoing = outgoing
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def _read(self) -> None:
        lines = Lines()
        try:
            while chunk := os.read(self._descriptor, _CHUNK):
                for line in lines.feed(chunk):
                    self._wait_for(self._take(line))
        except OSError:
            pass  # as if it had ended
        except (RuntimeError, asyncio.CancelledError):
            return  # the loop is gone
        try:
            self._wait_for(self._end())
        except (RuntimeError, asyncio.CancelledError):
            return

    def _wait_for(self, work: object) -> None:
        if self._loop.is_closed():
            work.close()  # type: ignore[attr-defined]
            raise RuntimeError
        asyncio.run_coroutine_threadsafe(work, self._loop).result()  # type: ignore[arg-type]

    async def _take(self, line: bytes | None) -> None:
        while self._outgoing.statistics().tasks_waiting_send > STALLED:  # noqa: ASYNC110 (no event tells it)
            await anyio.sleep(_PAUSE)
        try:
            if line is None:
                await self._refuse(INVALID_REQUEST, f"a message is longer than {LONGEST} bytes")
            elif line.strip():
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                await self._into.send(SessionMessage(message))
        except ValidationError:
            await self._refuse(PARSE_ERROR, "the line is no message of JSON-RPC 2.0")
        except anyio.BrokenResourceError:
            pass  # nobody listens any more

    async def _refuse(self, code: int, why: str) -> None:
        error = JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=code, message=why))
        await self._outgoing.send(SessionMessage(error))

    async def _end(self) -> None:
        await self._into.aclose()
        await self._outgoing.aclose()


def _line(message: SessionMessage) -> bytes:
    told = message.message.model_dump_json(by_alias=True, exclude_unset=True)
    return told.encode("utf-8", "replace") + b"\n"


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
