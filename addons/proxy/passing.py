"""mitmproxy layers for connections that are not inspected: relayed and counted, or turned away.

Theory of operation
-------------------
mitmproxy asks its addons for the next layer when a connection's first bytes are there. By then the whole
ClientHello may not be: those of browsers do not fit one segment any more. `AwaitHello` waits for the rest and
asks again, so that one place decides for TLS, DTLS and QUIC alike, before mitmproxy sets up anything. What
passes is relayed by mitmproxy's own layer; here its bytes are only counted. Where a connection was opened to an
address that is not the name's, it is closed before anything was relayed, and another one takes its place.
"""

from __future__ import annotations

from mitmproxy import connection
from mitmproxy.net.tls import starts_like_dtls_record, starts_like_tls_record
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.quic import quic_parse_client_hello_from_datagrams
from mitmproxy.proxy.layers.tcp import TCPLayer
from mitmproxy.proxy.layers.tls import dtls_parse_client_hello, parse_client_hello
from mitmproxy.proxy.layers.udp import UDPLayer
from mitmproxy.tls import ClientHello

# access_denied, fatal (RFC 8446 section 6): the client is told that it is policy, not chance.
_DENIED = bytes.fromhex("15 0303 0002 02 31")
# A handshake's record, of any version from SSL 3.0 on.
_RECORD = b"\x16\x03"
# A handshake message may be longer, a ClientHello that anybody waits for is not.
MAX_HELLO = 64 << 10


class Incomplete(Exception):  # noqa: N818 (no error: the rest is on its way)
    """More of the ClientHello is to come."""


def read_hello(asked: layer.NextLayer) -> ClientHello | None:
    """The ClientHello at the start of what a client sent, None where there is none. Raises Incomplete."""
    data: bytes = asked.data_client()  # type: ignore[no-untyped-call]
    tcp = asked.context.client.transport_protocol == "tcp"
    if tcp and is_too_short(asked):
        raise Incomplete
    try:
        if tcp and starts_like_tls_record(data):
            found = parse_client_hello(data)
        elif not tcp and starts_like_dtls_record(data):
            found = dtls_parse_client_hello(data)
        elif not tcp and data and data[0] & 0x80:
            found = quic_parse_client_hello_from_datagrams(_datagrams(asked))
        else:
            return None
    except (ValueError, AssertionError):
        return None  # mitmproxy says what is wrong with it
    if found is None and len(data) < MAX_HELLO:
        raise Incomplete
    return found


def is_too_short(asked: layer.NextLayer) -> bool:
    """Whether it may become a TLS record; mitmproxy would relay it unread for having begun with a byte or two."""
    data: bytes = asked.data_client()  # type: ignore[no-untyped-call]
    spoken = asked.data_server()  # type: ignore[no-untyped-call]
    return 0 < len(data) < len(_RECORD) + 1 and _RECORD.startswith(data[:2]) and not spoken


def is_of_no_version(asked: layer.NextLayer) -> bool:
    """A record of a version that nobody speaks: servers take it all the same, and mitmproxy would relay it unread."""
    data: bytes = asked.data_client()  # type: ignore[no-untyped-call]
    tcp = asked.context.client.transport_protocol == "tcp"
    return tcp and data[:2] == _RECORD and len(data) > 2 and not starts_like_tls_record(data)


class AwaitHello(layer.NextLayer):
    """Asks again once the whole ClientHello is there."""

    def _ask(self) -> layer.CommandGenerator[None]:
        try:
            read_hello(self)
        except Incomplete:
            return
        yield from super()._ask()  # type: ignore[no-untyped-call]


class Counted:
    """Bytes of one connection that passes, from the client and to it."""

    def __init__(self) -> None:
        self.up = 0
        self.down = 0


class _Counting(layer.Layer):
    """Before one of mitmproxy's relays in the order of classes. Data, of which there is much, takes no detour.

    Args:
        given_up: a connection to another address that was open already.

    """

    def __init__(
        self, context: Context, counted: Counted, given_up: connection.Server | None = None
    ) -> None:
        shown = context.options.show_ignored_hosts
        super().__init__(context, ignore=not shown)  # type: ignore[call-arg]
        self._counted = counted
        self._given_up = given_up
        self._shown = shown

    def start(self, event: events.Event) -> layer.CommandGenerator[None]:
        if self._given_up is not None:
            yield commands.CloseConnection(self._given_up)
        yield from super().start(event)  # type: ignore[misc]

    _handle_event = start

    def relay_messages(self, event: events.Event) -> layer.CommandGenerator[None]:
        client, server = self.context.client, self.context.server
        if isinstance(event, events.ConnectionEvent) and event.connection is self._given_up:
            return  # what it sent before it was closed is for nobody
        if not isinstance(event, events.DataReceived):
            yield from super().relay_messages(event)  # type: ignore[misc]
            return
        from_client = event.connection is client
        if from_client:
            self._counted.up += len(event.data)
        else:
            self._counted.down += len(event.data)
        if self._shown:
            yield from super().relay_messages(event)  # type: ignore[misc]
        else:
            yield commands.SendData(server if from_client else client, event.data)


class PassingTcp(_Counting, TCPLayer):
    """mitmproxy's relay for ignored connections, which counts."""


class PassingUdp(_Counting, UDPLayer):
    """The same for DTLS and QUIC."""


class Turned(layer.Layer):
    """A blocked client: an alert where TLS has one, and the end."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Start):
            client = self.context.client
            if client.transport_protocol == "tcp":
                yield commands.SendData(client, _DENIED)
            yield commands.CloseConnection(client)


def _datagrams(asked: layer.NextLayer) -> list[bytes]:
    return [
        event.data
        for event in asked.events
        if isinstance(event, events.DataReceived) and event.connection == asked.context.client
    ]
