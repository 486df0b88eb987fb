"""Events on standard output, also where nobody reads it for a while."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from pathlib import Path

import pytest

from detector.agent.sinks import SinkError, Surroundings
from detector.agent.sinks.stdout import Settings, StdoutSink, open_sink
from detector.report.event_forms import form
from detector.report.event_json import decode_event
from tests.agent.sample_events import NOON, finding


def test_a_reader_that_sleeps_holds_up_nobody_and_gets_whole_lines() -> None:
    reader, writer = os.pipe()
    sink = StdoutSink(form("ndjson"), writer)
    events = [finding(n, padding=60_000) for n in range(1, 5)]

    async def main() -> bytes:
        sending = asyncio.create_task(sink.send(events))
        await asyncio.sleep(0.05)  # the pipe is full, and the loop runs on
        assert not sending.done()
        data = b""
        while not sending.done() or data.count(b"\n") < 4:
            data += await asyncio.to_thread(os.read, reader, 1 << 16)
            await asyncio.sleep(0)
        return data

    data = asyncio.run(main())
    assert [decode_event(line).id for line in data.splitlines()] == [e.id for e in events]
    os.close(reader)
    os.close(writer)


def test_a_line_that_was_begun_is_ended_before_it_comes_again() -> None:
    reader, writer = os.pipe()
    sink = StdoutSink(form("ndjson"), writer)
    event = finding(1, padding=120_000)

    async def main() -> bytes:
        begun = asyncio.create_task(sink.send([event]))
        while unread(reader) < fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ):
            await asyncio.sleep(0)
        begun.cancel()
        with pytest.raises(asyncio.CancelledError):
            await begun
        again = asyncio.create_task(sink.send([event]))
        data = b""
        while not again.done() or data.count(b"\n") < 2:
            data += await asyncio.to_thread(os.read, reader, 1 << 16)
            await asyncio.sleep(0)
        return data

    lines = asyncio.run(main()).splitlines()
    assert [decode_event(line).id for line in lines] == [event.id] * 2
    os.close(reader)
    os.close(writer)


def unread(pipe: int) -> int:
    (found,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(found)


def test_a_reader_that_is_gone_is_an_error_of_the_sink() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(SinkError, match="Broken pipe"):
        asyncio.run(StdoutSink(form("ndjson"), writer).send([finding(1)]))
    os.close(writer)


def test_a_file_takes_everything_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    around = Surroundings("d" * 32, tmp_path, lambda: NOON, print)
    with capfd.disabled(), (tmp_path / "out").open("wb") as file:
        asyncio.run(StdoutSink(form("cef"), file.fileno()).send([finding(1), finding(2)]))
    assert (tmp_path / "out").read_bytes().count(b"\nCEF:0|tlsight") == 1
    assert open_sink(Settings(), around) is not None
