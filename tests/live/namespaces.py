"""A gateway between network namespaces: what a client sends to a server's address, the proxy gets.

    client 10.77.0.1 ---veth--- 10.77.0.2 gateway, where the servers' addresses are, too

The gateway redirects what comes in from the client to the proxy's port, as a transparent proxy needs it. Needs
root, `ip` and `nft`; leaving the context takes both namespaces away.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from detector.lab.mitmdump import Mitmdump
from detector.lab.pki import Credential, LabPki
from tests.live.programs import find
from tests.live.servers import NginxServer

SERVER = "203.0.113.10"
PROXY_PORT = 8080
_OF_NAMESPACES = Path("/etc/netns")
_AT_ONCE = "for one in all default; do echo 0 > /proc/sys/net/ipv6/conf/$one/accept_dad; done 2> /dev/null || :"


class Gateway:
    """`with Gateway({name: address}, 443) as gateway: subprocess.run([*gateway.at_client, "curl", ...])`.

    Without ports nothing is redirected. Of several at once each has a mark of its own.
    """

    def __init__(self, names: Mapping[str, str], *ports: int, mark: str = "") -> None:
        self._names = names
        own = f"{mark}{os.getpid()}"
        self._client, self._gateway = f"tlsight-c{own}", f"tlsight-g{own}"
        self._ports = ", ".join(map(str, ports))
        self.at_client = (find("ip"), "netns", "exec", self._client)
        self.at_gateway = (find("ip"), "netns", "exec", self._gateway)

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._remove()

    def _build(self) -> None:
        client, gateway = self._client, self._gateway
        for name in (client, gateway):
            _ip("netns", "add", name)
            hosts = _OF_NAMESPACES / name / "hosts"  # `ip netns exec` shows it as /etc/hosts
            hosts.parent.mkdir(parents=True)
            hosts.write_text(
                "127.0.0.1 localhost\n"
                + "".join(f"{at} {name}\n" for name, at in self._names.items())
            )
            # An address that is looked for on the wire first comes seconds later, and then browsers see another network.
            _ip("netns", "exec", name, "sh", "-c", _AT_ONCE)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip(
            "-n",
            client,
            "link",
            "add",
            "out",
            "type",
            "veth",
            "peer",
            "name",
            "in",
            "netns",
            gateway,
        )
        for name, link, address in (
            (client, "out", "10.77.0.1/24"),
            (gateway, "in", "10.77.0.2/24"),
        ):
            _ip("-n", name, "address", "add", address, "dev", link)
            _ip("-n", name, "link", "set", link, "up")
        _ip("-n", client, "route", "add", "default", "via", "10.77.0.2")
        for address in {SERVER, *self._names.values()}:
            _ip("-n", gateway, "address", "add", f"{address}/32", "dev", "lo")
        if not self._ports:
            return
        rules = f"""
table ip nat {{
  chain before {{
    type nat hook prerouting priority -100;
    iifname "in" tcp dport {{ {self._ports} }} redirect to :{PROXY_PORT}
  }}
}}
"""
        subprocess.run(
            [*self.at_gateway, find("nft"), "-f", "-"], input=rules, text=True, check=True
        )

    def _remove(self) -> None:
        for name in (self._client, self._gateway):
            subprocess.run([find("ip"), "netns", "delete", name], check=False, capture_output=True)
            shutil.rmtree(_OF_NAMESPACES / name, ignore_errors=True)


class GatewayMitmdump(Mitmdump):
    """A mitmdump inside the gateway, asked by name or not at all (mode=transparent)."""

    def __init__(self, gateway: Gateway, folder: Path, *, mode: str, **more: object) -> None:
        settings = (f"mode={mode}@0.0.0.0:{PROXY_PORT}", *more.pop("settings", ()))  # type: ignore[misc]
        super().__init__(folder, settings=settings, **more)  # type: ignore[arg-type]
        self._command = [*gateway.at_gateway, *self._command]


class TwoNamesServer(NginxServer):
    """HTTP/2 at every address, one certificate for all; says of every request on which connection it came."""

    def __init__(self, gateway: Gateway, folder: Path, pki: LabPki, shown: Credential) -> None:
        super().__init__(folder, pki, shown)
        self.port = 443
        self._at = gateway.at_gateway

    def command(self) -> list[str]:
        config = self.write(
            "nginx.conf",
            f"""
daemon off; master_process off; pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log info;
events {{}}
http {{
  log_format asked "$connection $ssl_server_name $host $server_protocol $request_uri";
  access_log {self.folder}/access.log asked;
  client_body_temp_path {self.folder}/body;
  proxy_temp_path {self.folder}/proxy; fastcgi_temp_path {self.folder}/fastcgi;
  uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;
  server {{
    listen 443 ssl http2; listen 80;
    ssl_certificate {self.shown}.chain.pem; ssl_certificate_key {self.shown}.key.pem;
    location / {{ return 200 "<html>ok"; add_header content-type text/html; }}
  }}
}}
""",
        )
        return [*self._at, find("nginx"), "-c", str(config), "-e", str(self.folder / "error.log")]

    def _answers(self) -> bool:
        asked = subprocess.run(
            [*self._at, find("curl"), "-sk", "-o", "/dev/null", f"https://{SERVER}/"], check=False
        )
        if asked.returncode == 0:
            (self.folder / "access.log").write_text("")
        return asked.returncode == 0

    @property
    def asked(self) -> list[list[str]]:
        """Connection, SNI, authority, protocol and path of each request."""
        return [line.split() for line in (self.folder / "access.log").read_text().splitlines()]


def _ip(*words: str) -> None:
    subprocess.run([find("ip"), *words], check=True, timeout=30)
