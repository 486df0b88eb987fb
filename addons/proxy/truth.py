"""mitmproxy addon: who is upstream? The chain of every server connection is judged as `tlsight check` would.

Rules
-----
1. A proxy that sits behind another interceptor shows its users that one's certificates as if they were the
   sites'. Flows carry the verdict (`flow.metadata["tlsight"]`), and one that is intercepted is marked.
2. Where the way upstream is broken, the client gets a page that says the cause and who mends it. mitmproxy's
   own page is a bare 502.
3. A chain that mitmproxy refuses is judged too, as OpenSSL keeps it after its own decision (measured with 3.5
   and 4.0), which nothing here touches. Interception is told before the text of OpenSSL's error: to a client
   that lacks an interceptor's CA its chain looks incomplete.
4. Hosts are called what the proxy asked for: the SNI that it sent, and the address that it dialled. The Host
   header is a word of the client's, and is told as one.
5. Settings that give up verification are said loudly: behind them this proxy vouches for anybody.

Judging is pure and takes part of a millisecond; the tables it needs are read by a thread before.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding
from mitmproxy import certs, connection, ctx, http
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy import layer
from mitmproxy.tls import TlsData
from OpenSSL import SSL

from addons.bypass.bounded import placed
from addons.bypass.shown import harmless_logger, shown
from addons.proxy.telling import telling
from detector.errors import TlsightError
from detector.judging.judge import judge_all
from detector.model.observation import Cause, Handshake, Judgement, Observation, Target

log = harmless_logger(__name__)
_MAX_KNOWN = 10_000
# OpenSSL itself reads 100 kB of certificates at most (SSL_CTX_set_max_cert_list(3)).
_MAX_CHAIN = 20
_VERSIONS = {"TLSv1": "TLSv1.0"}
_REFUSED = "Certificate verify failed"  # mitmproxy, proxy/layers/tls.py
_CARELESS = {
    "ssl_insecure": "certificates of servers are not verified: anybody upstream can read what passes",
    "emudhra": "it signs with a published key of a public CA: every client is open to anybody",
    "emudhra_old": "it signs with a published key of a public CA: every client is open to anybody",
}


class Found(NamedTuple):
    """What is kept of a judgement: no certificates."""

    verdict: str
    summary: str
    decided_by: str
    issuer: str | None
    product: str | None
    causes: tuple[Cause, ...]

    def metadata(self) -> dict[str, object]:
        """For the flow."""
        return {
            "verdict": self.verdict,
            "decided_by": self.decided_by,
            "issuer": self.issuer,
            "product": self.product,
            "causes": [cause.id for cause in self.causes],
        }


class Failure(NamedTuple):
    """A handshake with a server that failed."""

    host: str
    dialled: str
    error: str
    found: Found | None


class UpstreamTruth:
    """Options `upstream_truth`, `upstream_roots`."""

    def __init__(self) -> None:
        self._knowledge: Any = None
        self._explain: Any = None
        self._verdicts: dict[tuple[object, ...], Found] = {}
        self._of: dict[str, Found] = {}
        self._failed: dict[tuple[object, ...], Failure] = {}
        self._told: set[str] = set()
        self._late = _Wording(self)

    def load(self, loader: Loader) -> None:
        loader.add_option(
            "upstream_truth",
            bool,
            True,
            "Judge the chains of servers, and say what is wrong with them.",
        )
        loader.add_option(
            "upstream_roots",
            str,
            "",
            "PEM file of the only roots to call public; for laboratories.",
        )

    def configure(self, updated: set[str]) -> None:
        for name, why in _CARELESS.items():
            if name in updated and name in ctx.options and getattr(ctx.options, name):
                log.warning("tlsight: the option %s is on: %s", name, why)

    def running(self) -> None:
        if ctx.options.upstream_truth and self._knowledge is None:
            threading.Thread(target=self._prepare, name="upstream-truth", daemon=True).start()
        if self._late not in ctx.master.addons.chain:
            ctx.master.addons.add(self._late)  # type: ignore[no-untyped-call]

    def tls_established_server(self, data: TlsData) -> None:
        conn = data.conn
        if isinstance(conn, connection.Server):
            found = self._judged(conn, [_der(one) for one in conn.certificate_list], completed=True)
            if found is not None:
                placed(self._of, conn.id, found, _MAX_KNOWN)

    def tls_failed_server(self, data: TlsData) -> None:
        conn = data.conn
        if not isinstance(conn, connection.Server) or conn.address is None:
            return
        host = conn.sni or conn.address[0]
        found = self._judged(conn, _refused_chain(data.ssl_conn), completed=False)
        failure = Failure(host, _dialled(conn), conn.error or "the handshake failed", found)
        placed(self._failed, _key(data.context.client, conn.address), failure, _MAX_KNOWN)

    def server_disconnected(self, data: Any) -> None:
        self._of.pop(data.server.id, None)

    def request(self, flow: http.HTTPFlow) -> None:
        # The server of a flow without one yet (lazily connected) may be reachable by now.
        if flow.response is None and flow.server_conn.error:
            flow.response = self.page(flow)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        found = self._of.get(flow.server_conn.id)
        if found is not None:
            _mark(flow, found)

    def page(self, flow: http.HTTPFlow) -> http.Response | None:
        """What the client of a flow is told, where its server failed in the handshake."""
        where = flow.server_conn.address or (flow.request.host, flow.request.port)
        failure = self._failed.get(_key(flow.client_conn, where))
        if failure is None or not ctx.options.upstream_truth:
            return None
        return self._page(flow, failure)

    def _prepare(self) -> None:
        """Tables of roots, logs, products and error texts; a second's work, away from the loop."""
        from detector.api import explain
        from detector.knowledge.assemble import assemble

        text = ctx.options.upstream_roots
        try:
            self._knowledge = assemble(roots=Path(text).expanduser() if text else None)
            explain("certificate has expired")
            self._explain = explain
        except TlsightError as error:
            log.error("tlsight: upstream chains are not judged: %s", error)  # noqa: TRY400 (one line)
        else:
            log.info("tlsight: upstream chains are judged")

    def _judged(
        self, conn: connection.Server, chain: Sequence[bytes], *, completed: bool
    ) -> Found | None:
        if self._knowledge is None or not chain or conn.address is None:
            return None
        host = conn.sni or conn.address[0]
        key = (host, conn.address[1], sha256(b"".join(chain)).digest(), completed)
        found = self._verdicts.get(key)
        if found is None:
            found = _found(self._judge(conn, host, tuple(chain), completed=completed))
            placed(self._verdicts, key, found, _MAX_KNOWN)
        if found.verdict == "intercepted":
            who = found.issuer or "somebody"
            trusted = "" if completed else ", whose CA it does not trust"
            self._warn(
                f"{_dialled(conn)} is intercepted between this proxy and the server, by {who}{trusted}"
            )
        return found

    def _judge(
        self, conn: connection.Server, host: str, chain: tuple[bytes, ...], *, completed: bool
    ) -> Judgement:
        assert conn.address is not None
        peer = conn.peername[0] if conn.peername else None
        version = conn.tls_version or ""
        alpn = conn.alpn.decode("ascii", "replace") if conn.alpn else None
        observation = Observation(
            at=datetime.now(UTC).replace(microsecond=0),
            target=Target(host.lower(), conn.address[1], peer, conn.sni),
            handshake=Handshake(
                completed, _VERSIONS.get(version, version), conn.cipher, None, alpn
            ),
            chain=chain,
        )
        return judge_all([observation], self._knowledge)[0]

    def _page(self, flow: http.HTTPFlow, failure: Failure) -> http.Response:
        host, dialled, error, found = failure
        cause, text, fix = self._cause(failure)
        claimed = flow.request.pretty_host
        verdict = found.metadata() if found is not None else {"verdict": "inconclusive"}
        flow.metadata["tlsight"] = {**verdict, "causes": [cause], "error": error}
        flow.comment = f"tlsight: {cause}: {error}"
        if found is not None and found.verdict == "intercepted":
            flow.marked = ":warning:"
            flow.comment = f"tlsight: {cause}: {text} ({error})"
        asked = "" if claimed == host else f"; the request's Host header claims {claimed}"
        log.warning("tlsight: %s cannot be reached: %s (%s)%s", dialled, cause, error, asked)
        known = {"host": host, "cause": cause, "text": text, "fix": fix, "error": error}
        if found is not None and found.verdict == "intercepted":
            known |= {"issuer": found.issuer or "", "product": found.product or ""}
        if asked:
            known["claimed_host"] = claimed
        if "json" in flow.request.headers.get("accept", ""):
            return http.Response.make(502, json.dumps(known), {"content-type": "application/json"})
        headers = {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
            "cache-control": "no-store",
        }
        harmless = {key: shown(value) for key, value in known.items()}
        return http.Response.make(502, _template().render(harmless), headers)

    def _cause(self, failure: Failure) -> tuple[str, str, str]:
        """The cause's id, its text and who mends it: interception, else what the chain and the error agree on,
        else what the error says.
        """
        ranked = self._explain(failure.error, "client") if self._explain is not None else ()
        named = {one.cause.id: one.cause for one in reversed(list(ranked))}
        first = next(iter(reversed(named.values())), None)
        found = failure.found
        if found is not None and found.verdict == "intercepted":
            cause = self._knowledge.causes["tls-intercepted"]
            return cause.id, f"{found.summary} {_who(found)}".rstrip(), cause.fix
        if found is not None and failure.error.startswith(_REFUSED):
            faults = [one for one in found.causes if one.severity == "error"]
            for fault in sorted(faults, key=lambda one: one.id not in named):
                return fault.id, fault.text, self._knowledge.causes[fault.id].fix
        if first is None:
            return "other-alert", failure.error, ""
        return first.id, first.text, first.fix

    def _warn(self, text: str) -> None:
        """Once for each trouble."""
        if text not in self._told and len(self._told) < _MAX_KNOWN:
            self._told.add(text)
            log.warning("tlsight: %s", text)


class _Wording:
    """The part behind mitmproxy's own choice of layers."""

    def __init__(self, truth: UpstreamTruth) -> None:
        self._truth = truth

    def next_layer(self, asked: layer.NextLayer) -> None:
        telling(asked, self._truth.page)


def _found(one: Judgement) -> Found:
    who = one.interceptor
    return Found(
        one.verdict, one.summary, one.decided_by, who.issuer if who else None,
        who.product if who else None, one.causes,
    )  # fmt: skip


def _who(found: Found) -> str:
    if found.product:
        return f"By {found.product}: {found.issuer}."
    return f"By {found.issuer}." if found.issuer else ""


def _mark(flow: http.HTTPFlow, found: Found) -> None:
    flow.metadata["tlsight"] = found.metadata()
    if found.verdict == "intercepted":
        flow.marked = ":warning:"
        flow.comment = f"tlsight: intercepted upstream ({found.decided_by})"


def _refused_chain(tls: SSL.Connection | None) -> list[bytes]:
    """What a server showed before the handshake failed, as far as OpenSSL got."""
    if tls is None:  # QUIC
        return []
    shown_chain = tls.get_peer_cert_chain(as_cryptography=True) or []
    return [one.public_bytes(Encoding.DER) for one in shown_chain[:_MAX_CHAIN]]


def _key(client: connection.Client, address: Sequence[Any]) -> tuple[object, ...]:
    return (client.id, address[0], address[1])


def _der(certificate: certs.Cert) -> bytes:
    return certificate.to_cryptography().public_bytes(Encoding.DER)


def _dialled(server: connection.Server) -> str:
    """The name that was asked for, and where."""
    where = f"{server.address[0]}:{server.address[1]}" if server.address else "no address"
    name = server.sni
    return where if name is None or where.startswith(f"{name}:") else f"{name} at {where}"


def _template() -> Any:
    import jinja2

    text = Path(__file__).with_name("upstream_error.html").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True).from_string(text)
