"""mitmproxy addon: every TLS attempt as plain data, for the store and what is learned from it.

Theory of operation
-------------------
mitmproxy's own TlsConfig makes the connections, after the scripts of `-s` have been asked. So this addon
adds itself again behind TlsConfig once the proxy runs, and there finds the connection's OpenSSL object. Its
info callback tells the exact number of every alert, also of those that come after the handshake, for which
mitmproxy has no hook: it would keep such a connection and the one to the server open until they time out, so
it is closed here. A client that made the handshake and hung up without a word is noticed when it disconnects.

The name of an attempt is what the client says. Whether the server's address is one of that name's is asked after
the fact, off the hooks (attesting.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from datetime import UTC, datetime
from typing import Any, Literal

from mitmproxy import connection, ctx, http, tcp
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import ClientHelloData, TlsData
from OpenSSL import SSL

from addons.bypass.attempt import QUIET_MS, Attempt
from addons.bypass.bounded import placed
from addons.bypass.matcher import name_of
from addons.bypass.shown import harmless_logger
from addons.proxy.attesting import Attesting, Bound, nobody_can_tell
from addons.proxy.fingerprint import fingerprint
from addons.proxy.users import are_told_apart, logged_in
from addons.store.keeper import Keeper
from detector import clock
from detector.chain.names import as_address
from detector.errors import TargetError
from detector.model.targets import normal_host

log = harmless_logger(__name__)
_ALERT, _READ = 0x4000, 0x04  # SSL_CB_ALERT, SSL_CB_READ of openssl/ssl.h
_ECH = 0xFE0D  # RFC 9849
_MAX_TRACKED = 20_000


class _Seen:
    """What is known of one connection so far."""

    __slots__ = (
        "alert", "alert_read", "asked", "callbacks", "client", "ech", "established", "host", "ja4",
        "port", "quic", "server", "told", "wanted",
    )  # fmt: skip

    def __init__(self) -> None:
        self.alert: int | None = None
        self.alert_read = False
        self.asked = False
        self.callbacks: list[Any] = []  # cffi frees a callback that nobody holds
        self.client: connection.Client | None = None
        self.ech = False
        self.established: float | None = None
        self.host = ""
        self.ja4: str | None = None
        self.port = 443
        self.quic = False
        self.server: connection.Server | None = None
        self.told = False
        self.wanted: str | None = None  # the name that the connection was asked for


class Recorder:
    """It only observes: what is learned from it is for a person to decide on.

    Args:
        bound: says whether a name is bound to where a connection went.

    """

    def __init__(self, keeper: Keeper, bound: Bound = nobody_can_tell) -> None:
        self._keeper = keeper
        self._attesting = Attesting(bound, keeper.put)
        self._seen: dict[str, _Seen] = {}
        self._late = _Late(self)

    def running(self) -> None:
        if self._late not in ctx.master.addons.chain:
            ctx.master.addons.add(self._late)  # type: ignore[no-untyped-call]
        options = self._keeper.options
        if options.mode == "auto" and not options.learning.devices and not are_told_apart():
            log.warning(
                "tlsight: bypass_mode=auto will try nothing out: nobody logs in by a name of his own"
                " (proxyauth=@FILE or ldap:...), and bypass_devices names no network of one address a device"
            )

    def done(self) -> None:
        self._attesting.close()

    def tls_clienthello(self, data: ClientHelloData) -> None:
        client, server = data.context.client, data.context.server.address
        seen = self._of(client)
        seen.server = data.context.server
        seen.wanted = name_of(server[0]) if server else None
        seen.host = _host(data.client_hello.sni, server)
        seen.port = server[1] if server else 443
        seen.quic = client.transport_protocol == "udp"
        seen.ja4 = fingerprint(data.client_hello, quic=seen.quic)
        seen.ech = any(kind == _ECH for kind, _ in data.client_hello.extensions)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self._spoke(flow.client_conn)

    def tcp_message(self, flow: tcp.TCPFlow) -> None:
        if flow.messages[-1].from_client:
            self._spoke(flow.client_conn, plain=True)

    def client_disconnected(self, client: connection.Client) -> None:
        seen = self._seen.pop(client.id, None)
        if seen is not None and seen.established is not None:
            self._tell(client, seen, "quiet")

    def server_disconnected(self, data: ServerConnectionHookData) -> None:
        server = data.server
        seen = self._seen.pop(server.id, None)
        if seen is None or seen.established is None or not seen.asked:
            return
        # It asked for a certificate, got none, and left: TLS 1.3 lets us think that all was well.
        if (clock.stopwatch() - seen.established) * 1000 <= QUIET_MS:
            self._tell(server, seen, "failed", "connection closed")

    # Hooks of the late part.

    def start(self, data: TlsData) -> None:
        """The OpenSSL object is there: listen to its alerts, and to a request for a certificate."""
        seen = self._of(data.conn)
        seen.client = data.context.client
        if isinstance(data.conn, connection.Server):
            ours = self._seen.get(seen.client.id)
            address = data.conn.address
            seen.host = _host(data.conn.sni, address)
            seen.port = address[1] if address else 443
            seen.server, seen.wanted = data.conn, name_of(address[0]) if address else None
            seen.ja4 = ours.ja4 if ours is not None else None
        if data.ssl_conn is not None:
            after = functools.partial(self._late_alert, data.conn, seen, data.ssl_conn)
            _listen(data.ssl_conn, seen, after, upstream=isinstance(data.conn, connection.Server))

    def established(self, conn: connection.Connection) -> None:
        self._of(conn).established = clock.stopwatch()

    def failed(self, data: TlsData) -> None:
        seen = self._of(data.conn)
        seen.client = data.context.client
        self._tell(data.conn, seen, "failed")

    def _late_alert(self, conn: connection.Connection, seen: _Seen, tls: SSL.Connection) -> None:
        """A fatal alert after the handshake: a client that checked the certificate itself, or a server of
        TLS 1.3 that misses the client's.
        """
        if seen.established is not None:
            self._tell(conn, seen, "failed")
            # Not from inside OpenSSL's own callback.
            asyncio.get_running_loop().call_soon(_close, conn, seen, tls)

    def _spoke(self, client: connection.Client, *, plain: bool = False) -> None:
        seen = self._seen.get(client.id)
        if seen is not None and seen.established is not None:
            self._tell(client, seen, "accepted", plain=plain)

    def _tell(
        self,
        conn: connection.Connection,
        seen: _Seen,
        outcome: Literal["accepted", "quiet", "failed"],
        error: str = "",
        *,
        plain: bool = False,
    ) -> None:
        """Once for each connection."""
        if seen.told or not seen.host:
            return
        seen.told = True
        side: Literal["client", "server"] = (
            "server" if isinstance(conn, connection.Server) else "client"
        )
        who = seen.client or conn
        assert isinstance(who, connection.Client)
        since = seen.established
        attempt = Attempt(
            at=datetime.now(UTC),
            side=side,
            host=seen.host,
            port=seen.port,
            client=who.peername[0] if who.peername else "",
            outcome=outcome,
            address=_address(seen.server, who),
            ja4=seen.ja4,
            alert=seen.alert,
            alert_by=None if seen.alert is None else (side if seen.alert_read else "proxy"),
            error=(conn.error or error)[:300],
            ms=0.0 if since is None else round((clock.stopwatch() - since) * 1000, 1),
            asked_certificate=seen.asked,
            quic=seen.quic,
            plain=plain,
            ech=seen.ech,
            user=logged_in(who),
        )
        self._attesting.devices = self._keeper.options.learning.devices
        self._attesting.put(attempt, seen.wanted)

    def _of(self, conn: connection.Connection) -> _Seen:
        return self._seen.get(conn.id) or placed(self._seen, conn.id, _Seen(), _MAX_TRACKED)


class _Late:
    """The part behind TlsConfig."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def tls_start_client(self, data: TlsData) -> None:
        self._recorder.start(data)

    def tls_start_server(self, data: TlsData) -> None:
        self._recorder.start(data)

    def quic_start_client(self, data: TlsData) -> None:
        self._recorder.start(data)

    def quic_start_server(self, data: TlsData) -> None:
        self._recorder.start(data)

    def tls_established_client(self, data: TlsData) -> None:
        self._recorder.established(data.conn)

    def tls_established_server(self, data: TlsData) -> None:
        self._recorder.established(data.conn)

    def tls_failed_client(self, data: TlsData) -> None:
        self._recorder.failed(data)

    def tls_failed_server(self, data: TlsData) -> None:
        self._recorder.failed(data)


def _host(sni: str | None, address: tuple[str, int] | None) -> str:
    """The name as rules write it; clients may send anything, and what is no name is told by its address."""
    for text in (sni, address[0] if address else None):
        if text:
            with contextlib.suppress(TargetError):
                return normal_host(text)
    return ""


def _address(server: connection.Server | None, client: connection.Client) -> str | None:
    """Where the connection went, or will go; unknown behind a proxy further up, which resolves by itself."""
    if server is None or server.via is not None or client.proxy_mode.type_name == "upstream":
        return None
    address = server.peername or server.address
    return str(address[0]) if address is not None and as_address(address[0]) is not None else None


def _close(conn: connection.Connection, seen: _Seen, tls: SSL.Connection) -> None:
    """Let mitmproxy notice that the peer is done with us.

    OpenSSL marks the connection as shut down at a fatal alert, from which mitmproxy concludes that it has told
    its layers already, and waits for its time-out with both sockets open (mitmproxy 12.2, tls.py).
    """
    tls.set_shutdown(tls.get_shutdown() & ~SSL.RECEIVED_SHUTDOWN)
    client = conn if isinstance(conn, connection.Client) else seen.client
    server = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call]
    for handler in server.connections.values():
        if handler.client is client:
            transport = handler.transports.get(conn)
            if transport is not None and transport.handler is not None:
                transport.handler.cancel("fatal alert after the handshake")
            return


def _listen(ssl_conn: SSL.Connection, seen: _Seen, after: Any, *, upstream: bool) -> None:
    """OpenSSL's info callback and certificate callback; pyOpenSSL has no public way to a connection's.

    Source: SSL_set_info_callback(3), SSL_set_cert_cb(3).
    """
    try:
        ffi, lib = SSL._ffi, SSL._lib  # type: ignore[attr-defined]  # noqa: SLF001
        handle = ssl_conn._ssl  # noqa: SLF001
    except AttributeError:
        return  # another pyOpenSSL: mitmproxy's texts have to do

    def info(_: Any, where: int, value: int) -> None:
        level, description = value >> 8, value & 255
        if where & _ALERT and (level == 2 or description) and seen.alert is None:
            seen.alert, seen.alert_read = description, bool(where & _READ)
            if seen.alert_read and description:
                after()

    def asked(_ssl: Any, _argument: Any) -> int:
        seen.asked = True
        return 1

    told = ffi.callback("void (*)(const SSL *, int, int)", info)
    seen.callbacks.append(told)
    lib.SSL_set_info_callback(handle, told)
    if upstream:
        wants = ffi.callback("int (*)(SSL *, void *)", asked)
        seen.callbacks.append(wants)
        lib.SSL_set_cert_cb(handle, wants, ffi.NULL)
