"""Servers that are asked to turn to TLS, and go on talking."""

from __future__ import annotations

import asyncio

from tests.hostile.peers.peer import Peer, World, forever, slowly


def peers(world: World) -> list[Peer]:
    def talks(name: str, protocol: str, start: bytes, then: bytes, pause: float = 0.0) -> Peer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(start)
            await writer.drain()
            await forever(writer, then, pause)

        return Peer(f"starttls-{name}", "starttls", serve, protocol)

    def drips(protocol: str, text: bytes) -> Peer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await slowly(writer, text * 100)

        return Peer(f"starttls-{protocol}-drip", "starttls", serve, protocol)

    ber = b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01\x78\x84\x7f\xff\xff\xf0"
    return [
        talks("smtp", "smtp", b"", b"220-hello\r\n" * 4000),
        talks("smtp-line", "smtp", b"220 ", b"x" * 65536),
        talks("imap", "imap", b"* OK ready\r\n", b"* CAPABILITY IMAP4 STARTTLS\r\n" * 2000),
        talks("pop3", "pop3", b"+OK\r\n", b"CAPA\r\n" * 4000),
        talks("ftp", "ftp", b"220-\x1b[2J\r\n", b" more\r\n" * 4000),
        talks("xmpp", "xmpp", b"<stream:stream>", b"<a>" * 20_000),
        talks("ldap", "ldap", ber, bytes(65536)),
        talks("postgres", "postgres", b"N", b"N" * 65536),
        talks("mysql", "mysql", b"\xff\xff\xff\x00\x0a", b"8" * 65536),
        drips("smtp", b"220-hello\r\n"),
        drips("imap", b"* OK hello\r\n"),
        drips("ldap", ber),
    ]
