"""What a server saw of a connection, as it tells the client that made it."""

from __future__ import annotations

from datetime import datetime

import msgspec

ECHO_SCHEMA = "tlsight.echo/1"
# Where a server of ours is asked for one, with ?nonce=..., and &met=1 for what it met of late.
ECHO_PATH = "/.well-known/tlsight-echo"
MAX_NONCE = 64


class Piece(msgspec.Struct, frozen=True):
    """Bytes that came together: how many, and how many ms after the connection was taken."""

    size: int
    ms: float


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """A connection that one of several servers had, however it ended.

    Attributes:
        server: which.
        at: when its hello was read.
        flight: as an echo's.
        ended: "answered"; "shaken": no request came; "went-on": it agreed on what was offered; "cut": it left in the
            handshake; "silence": it was not answered; empty: that is not told; else what it said, as the server's
            library names it.
        peer: the address it came from.

    """

    server: str
    at: datetime
    flight: bytes
    ended: str
    peer: str


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    """One connection up to one request on it.

    Attributes:
        nonce: the client's, so that an old answer is no answer; at most 64 characters.
        server: which of several servers it was, empty where there is one.
        at: when it was asked, aware UTC, by the server's clock.
        flight: TLS bytes from the first to the end of the ClientHello, as they came, records and all.
        pieces: in which they came.
        syn: IP and TCP headers of the connection's first packet, where the system kept them; empty else.
        version, cipher, group, alpn: what was agreed on; `cipher` in IANA's words.
        resumed: by a ticket or session of an earlier connection.
        http: "HTTP/1.1" or "HTTP/2".
        headers: of the request as they came: in order, names as they were written, pseudo-headers of HTTP/2 too.
        peer: the address it came from.
        met: what the other servers met of late, where that was asked for.
        others: how many other gradings asked them meanwhile, where `met` was asked for and the grading gave its mark.

    """

    nonce: str
    at: datetime
    flight: bytes
    peer: str
    http: str
    server: str = ""
    pieces: tuple[Piece, ...] = ()
    syn: bytes = b""
    version: str | None = None
    cipher: str | None = None
    group: str | None = None
    alpn: str | None = None
    resumed: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    met: tuple[Meeting, ...] = ()
    others: int = 0
