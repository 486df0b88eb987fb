"""mitmproxy addon: every TLS attempt as plain data, in a log that `tlsight bypass replay` reads.

Theory of operation
-------------------
mitmproxy's own TlsConfig makes the connections, after the scripts of `-s` have been asked. So this addon
adds itself again behind TlsConfig once the proxy runs, and there finds the connection's OpenSSL object. Its
info callback tells the exact number of every alert, also of those that come after the handshake, for which
mitmproxy has no hook. A client that made the handshake and hung up without a word is noticed when it
disconnects.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from mitmproxy import command, connection, ctx, http, tcp
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import ClientHelloData, TlsData
from OpenSSL import SSL

from addons.bypass.attempt import QUIET_MS, Attempt
from addons.bypass.learning import Learner
from addons.proxy.fingerprint import fingerprint
from addons.store.attempt_log import AttemptLog
from detector import clock

log = logging.getLogger(__name__)
_ALERT, _READ = 0x4000, 0x04  # SSL_CB_ALERT, SSL_CB_READ of openssl/ssl.h
_MAX_TRACKED = 20_000


class _Seen:
    """What is known of one connection so far."""

    __slots__ = (
        "alert", "alert_read", "asked", "callbacks", "client", "established", "host", "ja4", "told",
    )  # fmt: skip

    def __init__(self) -> None:
        self.alert: int | None = None
        self.alert_read = False
        self.asked = False
        self.callbacks: list[Any] = []  # cffi frees a callback that nobody holds
        self.client: connection.Client | None = None
        self.established: float | None = None
        self.host = ""
        self.ja4: str | None = None
        self.told = False


class Recorder:
    """Option: `bypass_log`. Commands: `bypass.candidates`, `bypass.dropped`.

    It only observes: what it learns is for a person to decide on.
    """

    def __init__(self) -> None:
        self._log: AttemptLog | None = None
        self._seen: dict[str, _Seen] = {}
        self._learner = Learner()
        self._late = _Late(self)

    def load(self, loader: Loader) -> None:
        loader.add_option(
            name="bypass_log",
            typespec=str,
            default="",
            help="File for TLS attempts, one JSON object a line; read it with tlsight bypass replay.",
        )

    def configure(self, updated: set[str]) -> None:
        if "bypass_log" not in updated:
            return
        if self._log is not None:
            self._log.close()
        text = ctx.options.bypass_log
        self._log = AttemptLog(Path(text).expanduser()) if text else None

    def running(self) -> None:
        if self._late not in ctx.master.addons.chain:
            ctx.master.addons.add(self._late)  # type: ignore[no-untyped-call]

    def done(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    @command.command("bypass.candidates")  # type: ignore[untyped-decorator]
    def candidates(self) -> Sequence[str]:
        """Hosts that could be let through, and why; clients that lack the proxy's CA."""
        found = self._learner.learned(datetime.now(UTC))
        hosts = [f"{one.host}: {one.kind}. {one.text}" for one in found.candidates]
        return [*hosts, *(f"{one.client}: lacks the proxy's CA" for one in found.lacking)]

    @command.command("bypass.dropped")  # type: ignore[untyped-decorator]
    def dropped(self) -> int:
        """How many attempts could not be kept."""
        return self._log.dropped if self._log is not None else 0

    def tls_clienthello(self, data: ClientHelloData) -> None:
        if self._log is None:
            return
        seen = self._of(data.context.client)
        server = data.context.server.address
        seen.host = data.client_hello.sni or (server[0] if server else "")
        seen.ja4 = fingerprint(data)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self._spoke(flow.client_conn)

    def tcp_message(self, flow: tcp.TCPFlow) -> None:
        if flow.messages[-1].from_client:
            self._spoke(flow.client_conn)

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
        if self._log is None or data.ssl_conn is None:
            return
        seen = self._of(data.conn)
        seen.client = data.context.client
        after = functools.partial(self._late_alert, data.conn, seen)
        _listen(data.ssl_conn, seen, after, upstream=isinstance(data.conn, connection.Server))
        if isinstance(data.conn, connection.Server):
            ours = self._seen.get(seen.client.id)
            address = data.conn.address
            seen.host = data.conn.sni or (address[0] if address else "")
            seen.ja4 = ours.ja4 if ours is not None else None

    def established(self, conn: connection.Connection) -> None:
        if self._log is not None:
            self._of(conn).established = clock.stopwatch()

    def failed(self, data: TlsData) -> None:
        if self._log is None:
            return
        seen = self._of(data.conn)
        seen.client = data.context.client
        self._tell(data.conn, seen, "failed")

    def _late_alert(self, conn: connection.Connection, seen: _Seen) -> None:
        """A fatal alert after the handshake: a client that checked the certificate itself, or a server of
        TLS 1.3 that misses the client's.
        """
        if seen.established is not None:
            self._tell(conn, seen, "failed")

    def _spoke(self, client: connection.Client) -> None:
        seen = self._seen.get(client.id)
        if seen is not None and seen.established is not None:
            self._tell(client, seen, "accepted")

    def _tell(
        self,
        conn: connection.Connection,
        seen: _Seen,
        outcome: Literal["accepted", "quiet", "failed"],
        error: str = "",
    ) -> None:
        """Once for each connection."""
        if self._log is None or seen.told:
            return
        seen.told = True
        server = conn.address if isinstance(conn, connection.Server) else None
        side: Literal["client", "server"] = (
            "server" if isinstance(conn, connection.Server) else "client"
        )
        who = seen.client or conn
        since = seen.established
        attempt = Attempt(
            at=datetime.now(UTC),
            side=side,
            host=seen.host.lower(),
            port=server[1] if server else 443,
            client=who.peername[0] if who.peername else "",
            outcome=outcome,
            address=conn.peername[0] if server and conn.peername else None,
            ja4=seen.ja4,
            alert=seen.alert,
            alert_by=None if seen.alert is None else (side if seen.alert_read else "proxy"),
            error=(conn.error or error)[:300],
            ms=0.0 if since is None else round((clock.stopwatch() - since) * 1000, 1),
            asked_certificate=seen.asked,
        )
        self._log.put(attempt)
        self._learner.take(attempt)

    def _of(self, conn: connection.Connection) -> _Seen:
        if len(self._seen) >= _MAX_TRACKED and conn.id not in self._seen:
            self._seen.pop(next(iter(self._seen)))
        return self._seen.setdefault(conn.id, _Seen())


class _Late:
    """The part behind TlsConfig."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def tls_start_client(self, data: TlsData) -> None:
        self._recorder.start(data)

    def tls_start_server(self, data: TlsData) -> None:
        self._recorder.start(data)

    def tls_established_client(self, data: TlsData) -> None:
        self._recorder.established(data.conn)

    def tls_established_server(self, data: TlsData) -> None:
        self._recorder.established(data.conn)

    def tls_failed_client(self, data: TlsData) -> None:
        self._recorder.failed(data)

    def tls_failed_server(self, data: TlsData) -> None:
        self._recorder.failed(data)


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
