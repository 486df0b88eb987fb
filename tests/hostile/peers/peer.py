"""What a hostile peer is, and the small things that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from detector.lab.peers import read_hello
from detector.lab.pki import Authority, Credential, LabPki
from tests.hostile import minting, tls13

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
# tls: from the first byte; http: once a good handshake is done, and in clear; proxy: an HTTP or SOCKS proxy;
# starttls: a server that is asked to turn to TLS.
Family = Literal["tls", "http", "proxy", "starttls"]
HOST = "www.example.org"


@dataclass(frozen=True)
class Peer:
    """One hostile peer.

    Attributes:
        speaks: of a proxy its scheme, of starttls the protocol.
        h2: an http peer that speaks HTTP/2.

    """

    name: str
    family: Family
    serve: Serve
    speaks: str = ""
    h2: bool = False


@dataclass
class World:
    """What peers are made from: a public PKI, and an honest credential for HOST."""

    pki: LabPki
    credential: Credential = field(init=False)

    def __post_init__(self) -> None:
        self.credential = self.pki.issue(HOST, "127.0.0.1")

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        key = self.credential.key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    @property
    def flight(self) -> bytes:
        """The honest Certificate message of TLS 1.3."""
        return tls13.certificates13(self.credential.chain)

    def pointing(self, url: bytes) -> Credential:
        """An honest leaf that says that its issuer, its responder and its list are there; the chain is the leaf alone."""
        authority = Authority("A CA that is not sent", parent=self.pki.root, profile=False)
        extensions = [minting.dns_names(HOST.encode()), minting.addresses(url)]
        der = minting.minted_by(
            authority, minting.name(HOST.encode()), minting.public_key(self.key), extensions
        )
        return Credential(x509.load_der_x509_certificate(der), self.key)


async def hello12(
    reader: asyncio.StreamReader, world: World, chain: tuple[bytes, ...] | None = None
) -> list[bytes]:
    """The messages of a TLS 1.2 flight that answers the hello that is read."""
    _, _, hello = await read_hello(reader)
    return tls13.flight12(hello, chain or world.credential.chain, world.key)


async def forever(writer: asyncio.StreamWriter, data: bytes, pause: float = 0.0) -> None:
    """Send it again and again, until the client has had enough."""
    while True:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(pause)


async def slowly(writer: asyncio.StreamWriter, data: bytes, pause: float = 0.3) -> None:
    """A byte at a time."""
    for byte in data:
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(pause)
