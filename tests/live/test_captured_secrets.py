"""What a browser's own key log opens: compressed certificates of a real server, over TCP and over QUIC."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from detector.known.knowledge import Knowledge
from detector.lab.pki import LabPki
from tests.live import captured, clients
from tests.live.programs import Program, find

pytestmark = pytest.mark.live
HOST = "site.test"
_KIND = "type.googleapis.com/envoy.extensions."


class EnvoySite(Program):
    """A site over TLS and QUIC that compresses its certificate with brotli (RFC 8879)."""

    def __init__(self, folder: Path, chain: Path, key: Path) -> None:
        super().__init__(folder)
        self.chain, self.key = chain, key

    def command(self) -> list[str]:
        feature = "envoy.reloadable_features.tls_certificate_compression_brotli"
        config = {
            "static_resources": {"listeners": [self._listener("TCP"), self._listener("UDP")]},
            "layered_runtime": {"layers": [{"name": "on", "static_layer": {feature: True}}]},
        }
        path = self.write("envoy.json", json.dumps(config))
        import envoy

        program = Path(envoy.__file__).parent / "_bin" / "envoy"
        return [str(program), "-c", str(path), "--disable-hot-restart", "--concurrency", "1"]

    def _listener(self, protocol: str) -> dict[str, Any]:
        quic = protocol == "UDP"
        files = {
            "certificate_chain": {"filename": str(self.chain)},
            "private_key": {"filename": str(self.key)},
        }
        context: dict[str, Any] = {
            "@type": _KIND + "transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {"tls_certificates": [files]},
        }
        if quic:
            context = {
                "@type": _KIND + "transport_sockets.quic.v3.QuicDownstreamTransport",
                "downstream_tls_context": {
                    name: value for name, value in context.items() if name != "@type"
                },
            }
        manager = {
            "@type": _KIND + "filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "site",
            "codec_type": "HTTP3" if quic else "AUTO",
            "http_filters": [{
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": _KIND + "filters.http.router.v3.Router"},
            }],
            "route_config": {
                "virtual_hosts": [{
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{
                        "match": {"prefix": "/"},
                        "direct_response": {"status": 200, "body": {"inline_string": "served"}},
                    }],
                }],
            },
        }  # fmt: skip
        return {
            "name": protocol,
            "address": {"socket_address": {
                "protocol": protocol, "address": "127.0.0.1", "port_value": self.port,
            }},
            **({"udp_listener_config": {"quic_options": {}}} if quic else {}),
            "filter_chains": [{
                "transport_socket": {
                    "name": "envoy.transport_sockets." + ("quic" if quic else "tls"),
                    "typed_config": context,
                },
                "filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": manager,
                }],
            }],
        }  # fmt: skip


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_chromiums_key_log_opens_what_the_server_compressed(
    transport: str, tmp_path: Path, known: Knowledge
) -> None:
    pki = LabPki()
    credential = pki.issue(HOST)
    chain, key, keys = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "keys.txt"
    chain.write_text(credential.chain_pem)
    key.write_text(credential.key_pem)
    pin = base64.b64encode(hashlib.sha256(credential.spki).digest()).decode()
    with EnvoySite(tmp_path / "envoy", chain, key) as site:
        quic = ("--enable-quic", f"--origin-to-force-quic-on={HOST}:{site.port}")
        with captured.tcpdump(tmp_path / "site.pcap", f"port {site.port}"):
            page = clients.said(
                find("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
                f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
                f"--ignore-certificate-errors-spki-list={pin}",
                *(quic if transport == "udp" else ("--disable-quic",)),
                f"https://{HOST}:{site.port}/", SSLKEYLOGFILE=str(keys),
            )  # fmt: skip
        assert "served" in page, page + site.said()
    shark = clients.said(
        find("tshark"), "-r", str(tmp_path / "site.pcap"), "-o", f"tls.keylog_file:{keys}",
        "-d", f"tcp.port=={site.port},tls", "-d", f"udp.port=={site.port},quic",
        "-Y", "tls.handshake.type == 25", "-T", "fields", "-e", "frame.protocols",
    )  # fmt: skip
    assert ("quic" if transport == "udp" else "tcp:tls") in shark, shark
    told, _ = captured.read(tmp_path / "site.pcap", known, keys)
    ours = [one.connection for one in told if one.connection.transport == transport]
    assert all(c.completed for c in ours)
    # A browser that connects twice resumes the second time, without certificates.
    assert credential.chain in {c.chain for c in ours} <= {credential.chain, ()}
