"""What dialling through a proxy ends in, with listeners on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from detector.errors import DialError, ProxyError
from detector.model.observation import Observation
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Proxy, Routing, parse_proxy
from detector.net.tunnel import PROXY_ITSELF, through

CLOSED = parse_proxy("http://127.0.0.1:1")


class Ways:
    """Somebody who names several ways, and hears which could not be gone."""

    def __init__(self, *ways: Proxy | None) -> None:
        self.named = ways
        self.gone_wrong: list[Proxy] = []

    def ways(self, _host: str, _port: int) -> tuple[Proxy | None, ...]:
        return self.named

    def failed(self, proxy: Proxy) -> None:
        self.gone_wrong.append(proxy)


async def answering(answer: bytes) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


def seen(chooser: Ways) -> Observation:
    options = ProbeOptions(timeout=20, routing=Routing(pac=chooser))
    return asyncio.run(probe(parse_target("127.0.0.1:1"), options))


async def step[T](_name: str, _cause: str, work: Coroutine[Any, Any, T]) -> T:
    return await work


def test_a_name_that_is_resolved_here_is_the_servers_when_it_does_not() -> None:
    proxy = parse_proxy("socks5://127.0.0.1:1")
    with pytest.raises(DialError) as caught:
        asyncio.run(through(proxy, lambda: ("no-host.invalid", 443), step, print))
    assert not isinstance(caught.value, ProxyError)
    assert caught.value.cause == "dns-failure"


def test_a_dead_proxy_is_the_proxys_own_fault() -> None:
    with pytest.raises(ProxyError, match=r"the proxy at 127\.0\.0\.1:1 refuses") as caught:
        asyncio.run(through(CLOSED, lambda: ("a.example", 443), step, print))
    assert caught.value.fault == "down"
    assert caught.value.fault in PROXY_ITSELF


def test_the_next_way_is_tried_where_a_proxy_is_not_there() -> None:
    chooser = Ways(CLOSED, replace(CLOSED, port=2), None)
    found = seen(chooser)
    assert found.route.kind == "direct"
    assert [one.partition(" ")[0] for one in found.route.tried] == ["127.0.0.1:1", "127.0.0.1:2"]
    assert [proxy.port for proxy in chooser.gone_wrong] == [1, 2]
    assert found.failure is not None
    assert found.failure.dialled == "server"


def test_an_answer_is_an_answer_and_no_other_way_is_tried() -> None:
    async def run() -> Observation:
        server = await answering(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        async with server:
            port = server.sockets[0].getsockname()[1]
            chooser = Ways(replace(CLOSED, port=port), None)
            options = ProbeOptions(timeout=20, routing=Routing(pac=chooser))
            return await probe(parse_target("127.0.0.1:1"), options)

    found = asyncio.run(run())
    assert found.failure is not None
    assert found.failure.proxy is not None
    assert (found.failure.proxy.fault, found.failure.proxy.status) == ("policy", 403)
    assert found.route.tried == ()


def test_the_last_way_s_failure_is_the_one_that_is_told() -> None:
    found = seen(Ways(CLOSED, replace(CLOSED, port=2)))
    assert found.route.proxy == "127.0.0.1:2"
    assert len(found.route.tried) == 1
    assert found.failure is not None
    assert found.failure.dialled == "proxy"
