"""Lines become messages, or one error each."""

from __future__ import annotations

import asyncio
import json
import os
import threading

from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCRequest

from detector.mcp.lines import LONGEST
from detector.mcp.wires import wires


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
