"""mitmproxy addon: one connection carries the names that it was opened for, and no name that the rules treat apart.

Rules
-----
1. A forged leaf holds no name whose own connection would pass or be blocked (forged.py): a browser sends
   requests for every name of a leaf over the connection that showed it.
2. Where such a request comes all the same, over a leaf that was shown before the rule was there or by a client
   that cares for no leaf, it does not reach the server: it is answered 421, and a browser comes again over a
   connection of its own, which then passes or is turned away.
3. The names that a connection was opened for, its SNI and the host that the proxy was asked for, are never
   answered 421: what kept them from passing keeps them here. Nor is a client without SNI, which can do no better.
4. A name that is blocked is blocked whatever it is asked by: CONNECT, SOCKS, plain HTTP, a decrypted request; an
   address also over whatever is neither TLS nor HTTP.
5. The other way round, an inspected name on the leaf of a server that passes, nothing can be done here. The names
   on leaves are kept, so that approval and lint can tell (coverage.py).

Theory of operation
-------------------
TlsConfig copies the names of the server's leaf (`get_cert`, mitmproxy 12.2 and 12.3) from the first of
`server.certificate_list`. Scripts are asked before it: they put a view of that certificate there which lacks the
names, and once it has been read the real one is put back. mitmproxy keeps forged leaves by their names, so other
rules make other leaves.
"""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from cryptography import x509
from mitmproxy import certs, command, connection, ctx, http
from mitmproxy.net.http.url import parse_authority
from mitmproxy.proxy import layer
from mitmproxy.proxy.layers.tcp import TCPLayer
from mitmproxy.proxy.layers.udp import UDPLayer
from mitmproxy.proxy.mode_specs import Socks5Mode
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import ClientHelloData, TlsData

from addons.bypass.bounded import placed
from addons.bypass.coverage import Leaf, kept_names
from addons.bypass.forged import MAX_NAMES, Apart, Parents, may_hold
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule
from addons.bypass.shown import harmless_logger
from addons.proxy.fingerprint import fingerprint
from addons.proxy.passing import PassingTcp, PassingUdp
from addons.proxy.refusal import Ended, Status, refuse, response
from addons.store.keeper import Keeper
from detector.chain.names import as_address
from detector.errors import TargetError
from detector.model.targets import normal_host

log = harmless_logger(__name__)
_MAX_TRACKED = 20_000
_MAX_NAME = 300  # of an authority with its port
_MAX_HOSTS = 8  # Host headers of one request that are looked at


class Coalescing:
    """Command: `bypass.refused`."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._late = _Behind(self)
        self._ja4: dict[str, str | None] = {}
        self._kept: dict[str, int] = {}
        self._refused: Counter[str] = Counter()

    def running(self) -> None:
        if self._late not in ctx.master.addons.chain:
            ctx.master.addons.add(self._late)  # type: ignore[no-untyped-call]

    @command.command("bypass.refused")  # type: ignore[untyped-decorator]
    def refused(self) -> Sequence[str]:
        """How many requests were answered 421 or 403 by a rule."""
        return [f"{what}: {count}" for what, count in sorted(self._refused.items())]

    def tls_clienthello(self, data: ClientHelloData) -> None:
        if self._keeper.matcher.uses_ja4:
            client = data.context.client
            found = fingerprint(data.client_hello, quic=client.transport_protocol == "udp")
            placed(self._ja4, client.id, found, _MAX_TRACKED)

    def client_disconnected(self, client: connection.Client) -> None:
        self._ja4.pop(client.id, None)

    # The forged leaf.

    def tls_start_client(self, data: TlsData) -> None:
        server, matcher = data.context.server, self._keeper.matcher
        if data.ssl_conn is not None or matcher.count == 0 or not server.certificate_list:
            return
        first, *above = server.certificate_list
        apart = functools.partial(self._apart, data.context.client, server)
        server.certificate_list = [_Leaf(_real(first), apart, self._keeper.parents), *above]

    def quic_start_client(self, data: TlsData) -> None:
        self.tls_start_client(data)

    # The request on the wrong connection.

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if self._keeper.matcher.count == 0 or flow.response or flow.error or flow.is_replay:
            return
        request, client = flow.request, flow.client_conn
        # Only where the way is known before the request is this a tunnel, or redirected.
        opened_for = flow.server_conn.address
        decrypted = opened_for is not None and client.tls_established
        own = _own(client, opened_for) if decrypted and opened_for else ()
        for host, port in _asked(request, opened_for):
            if host in own:
                continue
            rule = self._rule(host, port, client, flow.server_conn)
            if rule is None or rule.action == "inspect":
                continue
            status: Status | None = None
            if rule.action == "block":
                status = 421 if decrypted and _multiplexed(request) else 403
            elif decrypted and client.sni:
                status = 421
            if status is not None:
                self._tell(host, client.sni if decrypted else None, flow.server_conn, rule, status)
                refuse(flow, host, status)
                return

    # Blocked before there is a connection.

    def http_connect(self, flow: http.HTTPFlow) -> None:
        host = flow.request.host
        rule = None if flow.response else self._blocks(host, flow.request.port, flow.client_conn)
        if rule is not None:
            self._tell(host, None, flow.server_conn, rule, 403)
            flow.response = response(host, 403)

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """SOCKS has no hook of its own; the client hears that the host cannot be reached."""
        server = data.server
        if not isinstance(data.client.proxy_mode, Socks5Mode) or server.address is None:
            return
        rule = self._blocks(server.address[0], server.address[1], data.client)
        if rule is not None:
            self._tell(server.address[0], None, server, rule, 403)
            server.error = "blocked by a rule"

    def chosen(self, asked: layer.NextLayer) -> None:
        """Of what is neither TLS nor HTTP mitmproxy makes a plain relay: the last moment to say no."""
        client, server = asked.context.client, asked.context.server
        relayed = isinstance(asked.layer, (TCPLayer, UDPLayer)) and asked.layer.flow is not None
        relayed = relayed and not isinstance(asked.layer, (PassingTcp, PassingUdp))
        if not relayed or client.tls_established or server.address is None:
            return
        rule = self._rule(server.address[0], server.address[1], client, server)
        if rule is not None and rule.action == "block":
            self._tell(server.address[0], None, server, rule, 403)
            asked.layer = Ended(asked.context)

    # What rides a connection that passes.

    def tls_established_server(self, data: TlsData) -> None:
        server = data.conn
        if not isinstance(server, connection.Server) or not server.certificate_list:
            return
        if server.address is None or self._keeper.options.store is None:
            return
        leaf = _real(server.certificate_list[0])
        now = datetime.now(UTC)
        key, today = leaf.fingerprint().hex(), now.toordinal()
        if self._kept.get(key) == today:
            return
        placed(self._kept, key, today, _MAX_TRACKED)
        host = server.sni or server.address[0]
        names = kept_names(host, (name for name in map(_text, leaf.altnames) if name))
        if names:
            address = server.peername[0] if server.peername else None
            self._keeper.put(Leaf(now, host.lower(), address, server.address[1], names))

    # What the rules say of a connection that is not there.

    def _apart(self, client: connection.Client, server: connection.Server, name: str) -> bool:
        port = server.address[1] if server.address else 443
        rule = self._rule(name, port, client, server)
        return rule is not None and rule.action != "inspect"

    def _rule(
        self, host: str, port: int, client: connection.Client, server: connection.Server
    ) -> Rule | None:
        """The one that would decide about a connection of its own to this name, at the same address."""
        return _decides(self._keeper.matcher, self._arrival(host, port, client, server))

    def _blocks(self, host: str, port: int, client: connection.Client) -> Rule | None:
        """The rule that blocks a name before more is known; a ClientHello might name another rule by its JA4."""
        if self._keeper.matcher.count == 0 or as_address(host) is not None:
            return None
        arrival = self._arrival(host, port, client, None)
        rule = _decides(self._keeper.matcher, arrival)
        if rule is None or rule.action != "block":
            return None
        return None if _open(self._keeper.matcher, arrival, rule) else rule

    def _arrival(
        self,
        host: str,
        port: int,
        client: connection.Client,
        server: connection.Server | None,
    ) -> Arrival:
        peer = client.peername[0] if client.peername else None
        ja4 = self._ja4.get(client.id)
        if as_address(host) is not None:
            return Arrival(None, host, host, port, peer, ja4)
        return Arrival(host, None, _address(server) if server else None, port, peer, ja4)

    def _tell(
        self, host: str, on: str | None, server: connection.Server, rule: Rule, status: Status
    ) -> None:
        self._refused[f"{status} {rule.action}"] += 1
        what = f"is asked for on the connection of {on}" if on else "is blocked"
        where = f" to {server.address[0]}:{server.address[1]}" if server.address else ""
        why = f"{rule.action} {rule.pattern} ({rule.reason})"
        log.info("tlsight: %s %s%s: answered %d by %s", host, what, where, status, why)


class _Behind:
    """The part behind NextLayer and TlsConfig; mitmproxy knows addons by the names of their classes."""

    def __init__(self, addon: Coalescing) -> None:
        self._addon = addon

    def next_layer(self, asked: layer.NextLayer) -> None:
        self._addon.chosen(asked)

    def tls_start_client(self, data: TlsData) -> None:
        server = data.context.server
        if server.certificate_list and isinstance(server.certificate_list[0], _Leaf):
            first, *above = server.certificate_list
            server.certificate_list = [_real(first), *above]

    def quic_start_client(self, data: TlsData) -> None:
        self.tls_start_client(data)


class _Leaf(certs.Cert):
    """A server's leaf without the names that its forged twin is not to hold."""

    def __init__(self, real: certs.Cert, apart: Apart, parents: Parents) -> None:
        super().__init__(real.to_cryptography())
        self.real = real
        self._may_hold = functools.partial(may_hold, apart=apart, parents=parents)

    @property
    def cn(self) -> str | None:
        name = self.real.cn
        return name if name and self._may_hold(name) else None

    @property
    def altnames(self) -> x509.GeneralNames:
        return x509.GeneralNames(self._remaining())

    def _remaining(self) -> Iterator[x509.GeneralName]:
        for one in list(self.real.altnames)[:MAX_NAMES]:
            name = _text(one)
            if name is None or self._may_hold(name):
                yield one


class _Asked(NamedTuple):
    host: str
    port: int


def _asked(request: http.Request, opened_for: tuple[str, int] | None) -> Iterable[_Asked]:
    """Every host that a request names: its target, :authority and Host may say three things.

    Where the way was known before, mitmproxy has put that in the target's place.
    """
    default = opened_for[1] if opened_for else request.port
    said = [request.data.authority.decode("utf-8", "replace")]
    said += request.headers.get_all("host")[:_MAX_HOSTS]
    found = [_authority(text) for text in said if text]
    if opened_for is None or not found:
        found.append((_host(request.host), request.port))
    return dict.fromkeys(_Asked(host, port or default) for host, port in found if host)


@lru_cache(maxsize=4096)
def _authority(text: str) -> tuple[str | None, int | None]:
    if len(text) > _MAX_NAME:
        return None, None
    name, port = parse_authority(text, check=False)
    return _host(name), port


@lru_cache(maxsize=4096)
def _host(text: str) -> str | None:
    """As rules write it; None for what is neither name nor address."""
    if 0 < len(text) <= _MAX_NAME:
        with contextlib.suppress(TargetError):
            return normal_host(text)
    return None


def _own(client: connection.Client, opened_for: tuple[str, int]) -> Sequence[str | None]:
    return _host(client.sni or ""), _host(opened_for[0])


def _multiplexed(request: http.Request) -> bool:
    return request.is_http2 or request.is_http3


def _decides(matcher: Matcher, arrival: Arrival) -> Rule | None:
    return matcher.match(arrival, datetime.now(UTC))


def _open(matcher: Matcher, arrival: Arrival, winner: Rule) -> bool:
    """Whether a rule for a JA4, which is not known yet, could come before the one that decides."""
    if not matcher.uses_ja4 or winner.ja4 is not None:
        return False
    for rule, _ in matcher.considered(arrival, datetime.now(UTC)):
        if rule is winner:
            return False
        if rule.ja4 is not None:
            return True
    return False


def _address(server: connection.Server) -> str | None:
    if server.peername:
        return str(server.peername[0])
    host = server.address[0] if server.address else None
    return host if host and as_address(host) is not None else None


def _text(name: x509.GeneralName) -> str | None:
    """A DNS name or an address; nothing else is a host."""
    if isinstance(name, (x509.DNSName, x509.IPAddress)):
        return str(name.value)
    return None


def _real(leaf: certs.Cert) -> certs.Cert:
    return leaf.real if isinstance(leaf, _Leaf) else leaf
