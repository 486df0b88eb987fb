"""Frames of NATS read in bulk give what nats-py's own parser gives, wherever what is received is cut."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from nats.protocol.parser import Parser

from addons.fleet.frames import Ahead, acknowledgements, cut


class Client:
    """What nats-py's parser tells its client."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, header: Any
    ) -> None:
        self.told.append((sid, subject.decode(), reply.decode(), data))

    async def _process_ping(self) -> None:
        self.told.append(("ping",))


def frames(count: int, chance: random.Random) -> bytes:
    parts = []
    for number in range(count):
        body = chance.randbytes(chance.choice((0, 3, 500))) + b"\r\nMSG a 7 b 1\r\n"
        parts.append(
            chance.choice(
                (
                    b"MSG tlsight.event.%d 7 $JS.ACK.%d %d\r\n%s\r\n" % (number, number, len(body), body),
                    b"MSG tlsight.event.%d 7 $JS.ACK.%d %d\r\n%s\r\n" % (number, number, len(body), body),
                    b"MSG other 8 %d\r\n%s\r\n" % (len(body), body),
                    b"HMSG _INBOX.x 7 12 12\r\nNATS/1.0\r\n\r\n\r\n",
                    b"PING\r\n",
                )
            )
        )  # fmt: skip
    return b"".join(parts)


@pytest.mark.parametrize("seed", range(20))
def test_all_is_taken_once_wherever_the_bytes_are_cut(seed: int) -> None:
    chance = random.Random(seed)
    said = frames(60, chance)
    pieces = []
    while said:
        size = chance.choice((1, 7, 100, 3000))
        pieces.append(said[:size])
        said = said[size:]

    async def read(*, ahead: bool) -> list[tuple[Any, ...]]:
        client = Client()
        parser: Any = Parser(client)
        if ahead:
            parser = Ahead(
                parser,
                7,
                lambda subject, reply, body: client.told.append((7, subject, reply, body)),
            )
        for piece in pieces:
            await parser.parse(piece)
        return client.told

    assert asyncio.run(read(ahead=True)) == asyncio.run(read(ahead=False))


def test_what_is_no_frame_of_the_subscription_is_left_where_it_is() -> None:
    taken: list[object] = []
    for other in (b"", b"MS", b"PING\r\n", b"MSG a 8 b 1\r\nx\r\n", b"MSG a 7 1\r\nx\r\n", b"MSG a 7 b -1\r\n\r\n",
                  b"x" * 9000):  # fmt: skip
        assert cut(other, b"7", lambda *one: taken.append(one)) == (0, False)
    assert cut(b"MSG a 7 b 5\r\nxy", b"7", lambda *one: taken.append(one)) == (0, True)
    assert taken == []


def test_acknowledgements_are_a_frame_each() -> None:
    assert acknowledgements(["a", "b"]) == b"PUB a 4\r\n+ACK\r\nPUB b 4\r\n+ACK\r\n"
