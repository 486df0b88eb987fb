import asyncio
import socket

import pytest

from detector.errors import DialError
from detector.net.stream import Stream, connect, resolve
from tests.net.peers import peer, sends


def test_literals_resolve_without_asking_anybody() -> None:
    assert asyncio.run(resolve("192.0.2.1", 5)) == [(socket.AF_INET, "192.0.2.1", 5)]
    assert asyncio.run(resolve("2001:db8::1", 5)) == [(socket.AF_INET6, "2001:db8::1", 5)]


def test_an_address_that_refuses_gives_way_to_the_next() -> None:
    async def run() -> str:
        async with peer(sends(b"hi", hello=False)) as port:
            dead = (socket.AF_INET, "127.0.0.1", 1)
            live = (socket.AF_INET, "127.0.0.1", port)
            stream: Stream = await connect([dead, live])
            data = await stream.read()
            stream.close()
            return data.decode()

    assert asyncio.run(run()) == "hi"


def test_when_all_fail_the_first_failure_is_told() -> None:
    dead = [(socket.AF_INET, "127.0.0.1", 1), (socket.AF_INET, "127.0.0.2", 2)]
    with pytest.raises(DialError, match=r"127\.0\.0\.1:1 refuses"):
        asyncio.run(connect(dead))
