"""Certificates whose names and texts are meant for the terminal, the page or the file that shows them."""

from __future__ import annotations

import asyncio

from tests.hostile import minting as m
from tests.hostile import tls13
from tests.hostile.peers.peer import HOST, Peer, World

HOSTILE = {
    "ansi": b"\x1b[2J\x1b]0;owned\x07\x1b[31mCA\x9b1m",
    "bidi": "CA \u202egnp.exe\u2066\u2069\u200f".encode(),
    "nul-newline": b"CA\0evil\r\ntlsight: DIRECT everything is well\n\x85\xe2\x80\xa8",
    "html": b"<script>alert(1)</script><img src=x onerror=alert(1)>&amp;{{7*7}}",
    "not-utf8": b"\xff\xfe\xed\xa0\x80\xc0\xaf",
    "60kB": b"CA " + b"A" * 60_000,
}


def peers(world: World) -> list[Peer]:
    return [_peer(world, name, chain) for name, chain in chains(world).items()]


def chains(world: World) -> dict[str, tuple[bytes, ...]]:
    """By name, leaf first; the issuer says the same as the leaf."""
    found = {}
    for kind, text in HOSTILE.items():
        issuer = m.name(text, text) if len(text) < 20_000 else m.name(text[:100])
        spki = m.public_key(world.key)
        san = m.dns_names(HOST.encode(), text[:1000])
        url = m.addresses(b"http://127.0.0.1:9/" + text[:1000])
        leaf = m.mint(m.name(text), spki, issuer, world.key, [san, url])
        found[f"name-{kind}"] = (leaf, m.mint(issuer, spki, issuer, world.key, [m.is_ca()]))
    return found


def _peer(world: World, name: str, chain: tuple[bytes, ...]) -> Peer:
    message = tls13.certificates13(chain)
    text = HOSTILE[name.removeprefix("name-")]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await tls13.taken(reader, writer)
        writer.write(server.hello + server.flight(message, world.key))
        await writer.drain()
        await reader.read(1)
        said = b"HTTP/1.1 200 " + text[:200] + b"\r\nServer: " + text[:900] + b"\r\n\r\n" + text
        writer.write(server.application().seal(tls13.APPLICATION_DATA, said))
        await writer.drain()
        await reader.read()

    return Peer(name, "tls", serve)
