"""mitmproxy addon: who is upstream? The chain of every server connection is judged as `tlsight check` would.

Rules
-----
1. A proxy that sits behind another interceptor shows its users that one's certificates as if they were the
   sites'. Flows carry the verdict (`flow.metadata["tlsight"]`), and one that is intercepted is marked.
2. Where the way upstream is broken, the client gets a page that says the cause and who mends it. mitmproxy's
   own page is a bare 502. (With `connection_strategy=lazy` the first failure is still mitmproxy's page.)
3. Hosts are called what the proxy asked for: the SNI that it sent, and the address that it dialled. The Host
   header is a word of the client's, and is told as one.
4. Settings that give up verification are said loudly: behind them this proxy vouches for anybody.

Judging is pure and takes part of a millisecond; the tables it needs are read by a thread before.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from mitmproxy import certs, connection, ctx, http
from mitmproxy.addonmanager import Loader
from mitmproxy.tls import TlsData

from addons.bypass.bounded import placed
from addons.bypass.shown import harmless_logger, shown
from detector.errors import TlsightError
from detector.judging.judge import judge_all
from detector.model.observation import Handshake, Judgement, Observation, Target

log = harmless_logger(__name__)
_MAX_KNOWN = 10_000
_VERSIONS = {"TLSv1": "TLSv1.0"}
_CARELESS = {
    "ssl_insecure": "certificates of servers are not verified: anybody upstream can read what passes",
    "emudhra": "it signs with a published key of a public CA: every client is open to anybody",
    "emudhra_old": "it signs with a published key of a public CA: every client is open to anybody",
}


class UpstreamTruth:
    """Options `upstream_truth`, `upstream_roots`."""

    def __init__(self) -> None:
        self._knowledge: Any = None
        self._explain: Any = None
        self._verdicts: dict[tuple[str, int, bytes], Judgement] = {}
        self._of: dict[str, Judgement] = {}
        self._failed: dict[str, str] = {}
        self._told: set[str] = set()

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

    def tls_established_server(self, data: TlsData) -> None:
        conn = data.conn
        if self._knowledge is None or not isinstance(conn, connection.Server):
            return
        if not conn.certificate_list or conn.address is None:
            return
        host = conn.sni or conn.address[0]
        key = (host, conn.address[1], _der(conn.certificate_list[0]))
        found = self._verdicts.get(key)
        if found is None:
            found = self._judge(conn, host)
            placed(self._verdicts, key, found, _MAX_KNOWN)
        placed(self._of, conn.id, found, _MAX_KNOWN)
        if found.verdict == "intercepted":
            who = found.interceptor.issuer if found.interceptor else "somebody"
            self._warn(
                f"{_dialled(conn)} is intercepted between this proxy and the server, by {who}"
            )

    def tls_failed_server(self, data: TlsData) -> None:
        placed(self._failed, data.conn.id, data.conn.error or "the handshake failed", _MAX_KNOWN)

    def server_disconnected(self, data: Any) -> None:
        self._of.pop(data.server.id, None)

    def request(self, flow: http.HTTPFlow) -> None:
        if not ctx.options.upstream_truth:
            return
        error = self._failed.pop(flow.server_conn.id, None)
        if error is not None and flow.response is None:
            flow.response = self._page(flow, error)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        found = self._of.get(flow.server_conn.id)
        if found is None:
            return
        flow.metadata["tlsight"] = {
            "verdict": found.verdict,
            "decided_by": found.decided_by,
            "issuer": found.interceptor.issuer if found.interceptor else None,
            "causes": [cause.id for cause in found.causes],
        }
        if found.verdict == "intercepted":
            flow.marked = ":warning:"
            flow.comment = f"tlsight: intercepted upstream ({found.decided_by})"

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

    def _judge(self, conn: connection.Server, host: str) -> Judgement:
        assert conn.address is not None
        peer = conn.peername[0] if conn.peername else None
        version = conn.tls_version or ""
        alpn = conn.alpn.decode("ascii", "replace") if conn.alpn else None
        observation = Observation(
            at=datetime.now(UTC).replace(microsecond=0),
            target=Target(host.lower(), conn.address[1], peer, conn.sni),
            handshake=Handshake(True, _VERSIONS.get(version, version), conn.cipher, None, alpn),
            chain=tuple(_der(one) for one in conn.certificate_list),
        )
        return judge_all([observation], self._knowledge)[0]

    def _page(self, flow: http.HTTPFlow, error: str) -> http.Response:
        cause, text, fix = "other-alert", error, ""
        if self._explain is not None:
            ranked = self._explain(error, "client")
            if ranked:
                first = ranked[0].cause
                cause, text, fix = first.id, first.text, first.fix
        server, claimed = flow.server_conn, flow.request.pretty_host
        host = server.sni or (server.address[0] if server.address else "the server")
        flow.metadata["tlsight"] = {"verdict": "inconclusive", "causes": [cause], "error": error}
        flow.comment = f"tlsight: {cause}: {error}"
        asked = "" if claimed == host else f"; the request's Host header claims {claimed}"
        log.warning(
            "tlsight: %s cannot be reached: %s (%s)%s", _dialled(server), cause, error, asked
        )
        known = {"host": host, "cause": cause, "text": text, "fix": fix, "error": error}
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

    def _warn(self, text: str) -> None:
        """Once for each trouble."""
        if text not in self._told and len(self._told) < _MAX_KNOWN:
            self._told.add(text)
            log.warning("tlsight: %s", text)


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
