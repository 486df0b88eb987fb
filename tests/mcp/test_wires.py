"""Lines of any kind and length become messages or one error each."""

from __future__ import annotations

import asyncio
import json
import os
import threading

from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCRequest

from detector.mcp.wires import LONGEST, Lines, wires


def test_a_line_that_is_too_long_is_dropped_while_it_comes() -> None:
    lines = Lines(10)
    assert list(lines.feed(b"short\n" + b"x" * 8)) == [b"short"]
    assert list(lines.feed(b"y" * 8)) == []
    assert not lines._rest
    assert list(lines.feed(b"z\nnext\n")) == [None, b"next"]


@given(st.binary(max_size=200), st.lists(st.integers(1, 20), max_size=30))
def test_chunks_make_no_difference(data: bytes, sizes: list[int]) -> None:
    whole = list(Lines(16).feed(data))
    pieces, at, found = Lines(16), 0, []
    for size in sizes:
        found += pieces.feed(data[at : at + size])
        at += size
    assert [*found, *pieces.feed(data[at:])] == whole
    assert all(line is None or len(line) <= 16 for line in whole)


def test_messages_come_and_what_is_none_is_answered() -> None:
    sent = (
        b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
        b"\n"
        b"no JSON\n" + b"[" * 100_000 + b"\n"
        b'{"jsonrpc":"1.0","id":2,"method":"ping"}\n' + b"x" * (LONGEST + 1) + b"\n"
        b'{"jsonrpc":"2.0","id":3,"method":"ping"}\n'
    )
    came, answered = asyncio.run(_through(sent))
    assert came == [1, 3]
    assert [one["error"]["code"] for one in answered] == [-32700, -32700, -32700, -32600]
    assert all(one["id"] is None for one in answered)


async def _through(sent: bytes) -> tuple[list[object], list[dict[str, dict[str, object]]]]:
    """The ids that came, and what was written."""
    (to_read, to_send), (its_end, to_write) = os.pipe(), os.pipe()
    sender = threading.Thread(target=_send, args=(to_send, sent))
    sender.start()
    came = []
    async with wires(to_read, to_write) as (incoming, outgoing):
        async with incoming, outgoing:
            async for item in incoming:
                assert isinstance(item, SessionMessage)
                assert isinstance(item.message, JSONRPCRequest)
                came.append(item.message.id)
    sender.join()
    os.close(to_write)
    with os.fdopen(its_end, "rb") as file:
        answered = [json.loads(line) for line in file]
    os.close(to_read)
    return came, answered


def _send(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
