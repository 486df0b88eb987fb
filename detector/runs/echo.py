"""One way to an echo server, asked by our own handshake, by hellos made by hand, and by programs of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from detector.echo.differences import Difference, header_differences
from detector.echo.first_packet import first_packet
from detector.forensics.browsers import Browsers
from detector.forensics.echoed import EchoedHello, echoed, worst
from detector.model.echoes import Echo
from detector.model.observation import Observation
from detector.net.echoed import Arrived, EchoServer, by_program, made_by_hand, own_handshake
from detector.net.probe import ProbeOptions
from detector.report.echo_json import AgreedRecord, EchoRecord
from detector.runs.echo_programs import running


async def ask_echo(
    server: EchoServer, options: ProbeOptions, browsers: Browsers, programs: Sequence[str] = ()
) -> EchoRecord:
    """Never raises for what a peer does.

    Args:
        server: whom to ask.
        options: the way.
        browsers: whose hello is whose.
        programs: names of detector.runs.echo_programs.

    """
    own, seen = await own_handshake(server, options)
    every = [own]
    if own.echo is not None and _is_http(own.echo):
        every += await made_by_hand(server, options)
    every += await asyncio.gather(
        *(by_program(name, server, options, running(name, server)) for name in programs)
    )
    hellos = tuple(_compared(one, browsers) for one in every)
    fates = [one.fate for one in hellos if one.fate != "nothing"]
    echo = own.echo
    keys = {one.key for one in every if one.key is not None}
    return EchoRecord(
        at=options.now(), host=server.host, port=server.port, proxy=seen.route.proxy,
        fate=worst(fates), proven=server.key is not None and bool(fates),
        key=next(iter(keys)) if len(keys) == 1 else None, hellos=hellos,
        headers=_headers(own), products=_products(echo, browsers), here=_here(seen),
        there=_there(echo), packet=first_packet(echo.syn) if echo is not None else None,
        peer=echo.peer if echo is not None else None,
    )  # fmt: skip


def _is_http(echo: Echo) -> bool:
    return echo.http.startswith("HTTP/")


def _compared(one: Arrived, browsers: Browsers) -> EchoedHello:
    if one.sent is None:
        return EchoedHello(client=one.client, fate="nothing", why=one.why or "no hello left")
    pieces = one.echo.pieces if one.echo is not None else ()
    return echoed(one.client, one.sent, one.arrived, browsers, pieces, one.why)


def _headers(own: Arrived) -> tuple[Difference, ...]:
    if own.echo is None:
        return ()
    return tuple(header_differences(own.headers, own.echo.headers, own.echo.http))


def _products(echo: Echo | None, browsers: Browsers) -> tuple[str, ...]:
    if echo is None:
        return ()
    return browsers.products(tuple(name.lower() for name, _ in echo.headers))


def _here(seen: Observation) -> AgreedRecord | None:
    shaken = seen.handshake
    if shaken is None:
        return None
    return AgreedRecord(shaken.version, shaken.cipher, shaken.group, shaken.alpn)


def _there(echo: Echo | None) -> AgreedRecord | None:
    return AgreedRecord(echo.version, echo.cipher, echo.group, echo.alpn) if echo else None
