"""What one captured connection amounts to: plain, frozen values."""

from __future__ import annotations

from typing import Literal

import msgspec

from detector.errors import ProxyFault
from detector.model.observation import Beside

# An Encrypted Client Hello: the extension came, which GREASE sends, too; or the name is known to stand for others.
EchUse = Literal["offered", "outer"]
Sender = Literal["client", "server"]
ClosedBy = Literal["client", "server", "middlebox"]
Reached = Literal["nothing", "unseen", "other", "alert", "hello", "data"]
PreambleKind = Literal["http-connect", "socks5", "socks4", "starttls", "proxy-header", "other"]


class SeenAlert(msgspec.Struct, frozen=True):
    """A TLS alert.

    Attributes:
        code: description; None where it is encrypted and no key is at hand.
        encrypted: it came encrypted: read with a key, or told from its length.

    """

    sender: Sender
    code: int | None
    fatal: bool
    encrypted: bool = False


class Preamble(msgspec.Struct, frozen=True):
    """What was said before TLS began.

    Attributes:
        protocol: of STARTTLS, e.g. "smtp".
        target: host:port that a proxy was asked for.
        status: how the proxy answered, HTTP's or SOCKS' code.
        fault: by what the way failed, as an HTTP proxy tells, and the same as a sentence; None where it did not.
        agent: User-Agent.
        headers: names of further header fields, lower case.

    """

    kind: PreambleKind
    protocol: str | None = None
    target: str | None = None
    status: int | None = None
    fault: ProxyFault | None = None
    told: str | None = None
    agent: str | None = None
    headers: tuple[str, ...] = ()


class HelloFacts(msgspec.Struct, frozen=True):
    """What a ClientHello offers, apart from what chance and the name put into it.

    Attributes:
        extensions: types in order, GREASE included.
        shares: groups with a key in the hello.
        formats: of points (RFC 8422 section 5.1.2).
        compressions: methods, where the hello is parsed from bytes.

    """

    legacy_version: int
    versions: tuple[int, ...]
    ciphers: tuple[int, ...]
    extensions: tuple[int, ...]
    groups: tuple[int, ...]
    schemes: tuple[int, ...]
    alpn: tuple[str, ...]
    shares: tuple[int, ...]
    ja3: str
    ja4: str
    formats: tuple[int, ...] = ()
    compressions: tuple[int, ...] = (0,)

    @property
    def highest(self) -> int:
        """The highest version that is offered."""
        known = [version for version in self.versions if version <= 0x0304]
        return max(known, default=self.legacy_version)


class ServerFacts(msgspec.Struct, frozen=True):
    """What a ServerHello chose; `psk`: it goes on from a secret of before."""

    version: int
    cipher: int
    group: int | None
    alpn: str | None
    ja3s: str
    renegotiation: bool
    psk: bool = False


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One connection with TLS in it, or one that failed before.

    Attributes:
        number: the place of its first packet in the file, from 1: what it is called by.
        source: the place of that file among those that were read, from 0.
        client, server: addresses as text.
        first, last: seconds since 1970 of the first and last packet.
        opened: "syn-ack" stands, "syn" had no answer, "" began before the capture.
        refused: the SYN was answered with RST.
        ech: whether the hello hides another one; `sni` is then the outer name.
        random: the ClientHello's, empty without one: by it key logs name a session.
        hello_size: bytes of the ClientHello's message; `hello_segments` and `hello_records` it came in.
        hello_lost: the server never acknowledged it.
        chain: DER certificates that were seen, leaf first.
        scts: list of SCTs in the TLS extension.
        asked_for: what the client asked for beside the certificates, where the flight was seen to its end.
        authorities: names (DER) of CAs for client certificates, None where none was asked for.
        client_certificate: whether the client showed one, None where that cannot be seen.
        client_chain: DER certificates that the client showed, leaf first.
        resumed: it went on from an earlier session, None where that cannot be told.
        completed: both sides went on to use the keys.
        reached: how far the server got: "nothing", "unseen" (the capture does not show whether
            or what it answered), "other" bytes than TLS, "alert", "hello", "data".
        closed_by: who ended it; None while it stands.
        how: "fin", "rst", "open" (no end was seen).
        signs: why a reset is taken for a third party's, sentences.
        plain: first bytes of a server that does not speak TLS.
        notes: what the capture is missing.
        ms: connect, server-hello.

    """

    number: int = 0
    source: int = 0
    client: str
    client_port: int
    server: str
    server_port: int
    transport: Literal["tcp", "udp"] = "tcp"
    protocol: Literal["tls", "quic", "dtls"] = "tls"
    first: float
    last: float
    packets: int = 0
    sent: int = 0
    received: int = 0
    opened: str = ""
    refused: bool = False
    preamble: Preamble | None = None
    sni: str | None = None
    ech: EchUse | None = None
    hello: HelloFacts | None = None
    random: bytes = b""
    hello_size: int = 0
    hello_segments: int = 1
    hello_records: int = 1
    hello_lost: bool = False
    retry: bool = False
    answer: ServerFacts | None = None
    alpn: str | None = None
    chain: tuple[bytes, ...] = ()
    ocsp: bytes | None = None
    scts: bytes | None = None
    asked_for: tuple[Beside, ...] = ()
    authorities: tuple[bytes, ...] | None = None
    client_certificate: bool | None = None
    client_chain: tuple[bytes, ...] = ()
    resumed: bool | None = None
    dh_bits: int | None = None
    alerts: tuple[SeenAlert, ...] = ()
    completed: bool = False
    reached: Reached = "nothing"
    closed_by: ClosedBy | None = None
    how: Literal["fin", "rst", "open"] = "open"
    signs: tuple[str, ...] = ()
    plain: bytes = b""
    error: str = ""
    notes: tuple[str, ...] = ()
    ms: dict[str, float] = msgspec.field(default_factory=dict)

    @property
    def fatal(self) -> SeenAlert | None:
        """The alert that ended it."""
        for alert in self.alerts:
            if alert.fatal:
                return alert
        return None
