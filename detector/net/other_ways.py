"""What a host shows by its other ways: the second address family, and HTTP/3 where it offers that.

A gateway that decrypts TCP alone, or IPv4 alone, shows by the difference. Each way is asked once, beside the
others, for as long as one step may take. Nothing is asked behind a proxy, whose way is the only one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import replace

from detector.chain.names import as_address
from detector.errors import DialError
from detector.model.observation import Observation, OtherWay, Way
from detector.net.application import request_for
from detector.net.probe import ProbeOptions, ProbeRun, probe, speaks_http
from detector.net.quic import quic_chain
from detector.net.stream import resolve
from detector.net.unasked import same_place

_FIELD = re.compile(rb"(?im)^alt-svc:[ \t]*([^\r\n]{1,2000})")
_H3 = re.compile(rb'(?<![^ \t,])h3="([^":]{0,255}):(\d{1,5})"')


async def with_other_ways(observation: Observation, options: ProbeOptions) -> Observation:
    """`observation` with what the host's other ways showed; those that showed nothing are left out."""
    if not observation.chain or observation.route.kind != "direct":
        return observation
    asked: tuple[Coroutine[None, None, OtherWay | None], ...] = (
        _second_family(observation, options),
        _http3(observation, options),
    )
    found = await asyncio.gather(*(_in_time(one, options.timeout) for one in asked))
    return replace(observation, other_ways=tuple(one for one in found if one is not None))


def offered_http3(answer: bytes, host: str) -> int | None:
    """The UDP port that an HTTP/1.1 answer offers for HTTP/3 at the same host (RFC 7838), None for none."""
    head = answer.partition(b"\r\n\r\n")[0]
    for field in _FIELD.finditer(head):
        for name, number in _H3.findall(field[1]):
            port = int(number)
            if name.decode("latin-1").lower() in ("", host) and 0 < port < 1 << 16:
                return port
    return None


async def _in_time(work: Coroutine[None, None, OtherWay | None], seconds: float) -> OtherWay | None:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        return None


async def _second_family(observation: Observation, options: ProbeOptions) -> OtherWay | None:
    """The same handshake at an address of the other family, where the name has one."""
    target = observation.target
    if options.connect_to is not None or target.ip is None or as_address(target.host) is not None:
        return None
    try:
        addresses = await resolve(target.host, target.port)
    except DialError:
        return None
    other = next((ip for _, ip, _ in addresses if (":" in ip) != (":" in target.ip)), None)
    if other is None:
        return None
    seen = await probe(target, replace(options, connect_to=(other, target.port)))
    if seen.handshake is None or not seen.handshake.completed:
        return None
    way: Way = "ipv6" if ":" in other else "ipv4"
    return OtherWay(way, other, seen.chain)


async def _http3(observation: Observation, options: ProbeOptions) -> OtherWay | None:
    target = observation.target
    there = same_place(observation, options)
    if there.connect_to is None or not speaks_http(target):
        return None
    port = await _offer(observation, there)
    if port is None:
        return None
    address = there.connect_to[0]
    chain = await quic_chain(address, port, target.sni)
    return OtherWay("http3", address, chain) if chain else None


async def _offer(observation: Observation, there: ProbeOptions) -> int | None:
    """Ask the server itself for what it offers."""
    target = observation.target
    request = request_for(target.host, target.port)
    how = replace(there, alpn=("http/1.1",), request=request, listen=there.timeout)
    run = ProbeRun(target, how)
    try:
        stream = await run.dial()
    except DialError:
        return None
    try:
        await run.shake_hands(stream)
    finally:
        stream.close()
    same = run.chain[:1] == observation.chain[:1]
    return offered_http3(run.application.data, target.host) if run.application and same else None
