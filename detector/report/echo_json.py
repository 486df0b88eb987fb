"""What `tlsight echo --json` prints: one object."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from detector.echo.differences import Difference
from detector.echo.first_packet import FirstPacket
from detector.forensics.echoed import EchoedHello, Fate


class AgreedRecord(msgspec.Struct, frozen=True):
    """What one side of our own connection agreed on; members are None where nothing was."""

    version: str | None = None
    cipher: str | None = None
    group: str | None = None
    alpn: str | None = None


class EchoRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One way to an echo server.

    Attributes:
        at: aware UTC time by this machine's clock.
        host, port: the server.
        proxy: host:port that was asked for the way; None for none.
        fate: the worst of the hellos that arrived; "nothing" where none did.
        proven: what the server said is signed with the key that was given beforehand.
        key: the one that it is signed with.
        hellos: our own handshake's first, then those that were made by hand, then programs'.
        headers: how our own request differs from the one that arrived.
        products: whose header is in the request that arrived.
        here, there: what was agreed on with us, and with the server.
        packet: the first of the connection that reached the server.
        peer: the address that the server saw; a router's, mostly, and no difference.

    """

    at: datetime
    host: str
    port: int
    fate: Fate
    proven: bool
    hellos: tuple[EchoedHello, ...]
    proxy: str | None = None
    key: str | None = None
    headers: tuple[Difference, ...] = ()
    products: tuple[str, ...] = ()
    here: AgreedRecord | None = None
    there: AgreedRecord | None = None
    packet: FirstPacket | None = None
    peer: str | None = None
    schema: Literal["tlsight.echo-report/1"] = "tlsight.echo-report/1"
