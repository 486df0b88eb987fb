"""NATS' frames read and written in bulk, where tens of thousands a second come.

nats-py makes for each message five expressions, a Msg, a queue's entry and some awaits: more than a collector needs to
read, check and keep it. So its parser gets one before it, which takes whole MSG frames of one subscription out of what
was received. All else, and all of it where the one before does not know nats-py's parser, goes the way that it always goes; what is
subscribed is called for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

# What begins a MSG frame whose message is to be answered.
_CONTROL_LINE = re.compile(rb"MSG ([!-~]{1,2000}) ([0-9]{1,20}) ([!-~]{1,2000}) ([0-9]{1,10})\r\n")
_BETWEEN_FRAMES = 1  # nats.protocol.parser.AWAITING_CONTROL_LINE
_ACKS = 500  # in one piece of some 40 kB
_ACK = b" 4\r\n+ACK\r\n"

# Subject, subject of the reply, body.
Take = Callable[[str, str, bytes], object]


def cut(buffer: bytes | bytearray, sid: bytes, take: Take) -> tuple[int, bool]:
    """Take the whole MSG frames of a subscription that `buffer` begins with. Pure but for `take`.

    Gives where they end, and whether the next is one of the same whose end has not come yet.
    """
    at = 0
    whole = len(buffer)
    with memoryview(buffer) as view:
        while True:
            found = _CONTROL_LINE.match(view, at)
            if found is None:
                return at, False
            subject, whose, reply, size = found.groups()
            if whose != sid:
                return at, False
            start = found.end()
            stop = start + int(size)
            if whole < stop + 2:
                return at, True
            take(subject.decode(), reply.decode(), bytes(view[start:stop]))
            at = stop + 2


def acknowledgements(replies: list[str]) -> bytes:
    """Frames that acknowledge so many messages."""
    return b"".join(b"PUB " + reply.encode() + _ACK for reply in replies)


class Ahead:
    """A parser for nats-py's client, ahead of the one that it has."""

    def __init__(self, parser: Any, sid: int, take: Take) -> None:
        self._parser = parser
        self._sid = b"%d" % sid
        self._take = take

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    async def parse(self, data: bytes = b"") -> None:
        parser = self._parser
        buffer = parser.buf
        buffer += data
        if parser.state == _BETWEEN_FRAMES:
            end, unfinished = cut(buffer, self._sid, self._take)
            del buffer[:end]
            if unfinished or not buffer:
                return
        await parser.parse()


def go_ahead(client: Any, subscription: Any, take: Take) -> None:
    """Have the messages of a subscription taken in bulk; changes nothing where nats-py is not as it is known."""
    parser, sid = getattr(client, "_ps", None), getattr(subscription, "_id", None)
    if isinstance(sid, int) and isinstance(getattr(parser, "buf", None), bytearray):
        client._ps = Ahead(parser, sid, take)  # noqa: SLF001 (looked for above)


async def acknowledge(client: Any, replies: list[str]) -> None:
    """Acknowledge so many messages. Raises what nats-py does."""
    send = getattr(client, "_send_command", None)
    for at in range(0, len(replies), _ACKS):
        first, *others = replies[at : at + _ACKS]
        if send is not None and others:
            await send(acknowledgements(others))
        else:
            for reply in others:
                await client.publish(reply, b"+ACK")
        await client.publish(first, b"+ACK")  # sends what is there, and says where there is no line
