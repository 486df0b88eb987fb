"""Real programs of other projects, each started in its own folder on a free loopback port.

Every class is a context manager with a `port`; leaving it ends the process it started, by pid. A
program that is not installed raises FileNotFoundError: a test without the real thing must fail.
"""

from __future__ import annotations

import contextlib
import random
import shlex
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from detector.lab.pki import Authority, Credential
from detector.lab.squid import BUMP_ALL, squid_command
from tests.live.waiting import PATIENCE

TOOLS = Path(__file__).parents[2] / ".tools"
# From here on ports are the system's own to choose: net.ipv4.ip_local_port_range.
_HANDED_OUT = 32_768
_given: set[int] = set()
_chance = random.SystemRandom()  # another would be seeded, alike in every worker


def find(program: str) -> str:
    """Path of an installed program, /usr/sbin included."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError(f"{program} is not installed; run scripts/programs.sh")
    return found


def free_port() -> int:
    """A port that a program may be told to take, which may be a while later.

    None of those that the system hands out by itself, which another test's connection could have by then, and
    none that was handed out here.
    """
    while True:
        port = _chance.randrange(10_000, _HANDED_OUT)
        with socket.socket() as probe:
            if port in _given or probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port


def _is_open(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(5)
        return client.connect_ex(("127.0.0.1", port)) == 0


def readable_by_all(folder: Path) -> None:
    """Open a test's folder to programs that give up root before they read their files."""
    for parent in (folder, *folder.parents):
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(0o755)


def at_hosts(path: Path | None) -> tuple[str, ...]:
    """Words in front of a program's, with which it finds `path` at /etc/hosts; its process keeps its number."""
    if path is None:
        return ()
    shown = f"mount --bind {shlex.quote(str(path))} /etc/hosts"
    return (find("unshare"), "--mount", "sh", "-c", f'{shown} && exec "$@"', "sh")


class Program(ABC):
    """A child process that is ready when its port answers, `patience` seconds from its start at the latest."""

    patience = PATIENCE

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.hosts_file: Path | None = None  # what it finds at /etc/hosts; needs root
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Write what is needed into `folder` and give the command line."""

    def __enter__(self) -> Self:
        command = [*at_hosts(self.hosts_file), *self.command()]
        with (self.folder / "output").open("wb") as output:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        deadline = time.monotonic() + self.patience
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise RuntimeError(f"{command[0]} did not start:\n{self.said()}")
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop()

    def said(self) -> str:
        return (self.folder / "output").read_text(errors="replace")[-3000:]

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def own_ports(self) -> list[int]:
        """Those that have to answer."""
        return [self.port]

    def _answers(self) -> bool:
        return all(map(_is_open, self.own_ports()))

    def _stop(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)


class Squid(Program):
    """ssl-bump as an enterprise gateway has it: an explicit proxy that re-signs everything."""

    def __init__(
        self,
        folder: Path,
        ca: Authority,
        trust: Path,
        hosts: dict[str, str],
        bumping: str = BUMP_ALL,
    ) -> None:
        super().__init__(folder)
        self.ca, self.trust, self.hosts, self.bumping = ca, trust, hosts, bumping

    def command(self) -> list[str]:
        credential = self.ca.credential()
        return squid_command(
            self.folder, self.port, credential, self.trust, self.hosts, self.bumping
        )


class Haproxy(Program):
    """generate-certificates: a certificate for whatever SNI is asked for; `verifying` is how it takes the origin's."""

    def __init__(
        self, folder: Path, ca: Authority, origin: int, verifying: str = "verify none"
    ) -> None:
        super().__init__(folder)
        self.ca, self.origin, self.verifying = ca, origin, verifying

    def command(self) -> list[str]:
        credential = self.ca.credential()
        ca = self.write("ca.pem", credential.key_pem + credential.chain_pem)
        default = self.ca.issue("gateway.example", key=_rsa())
        static = self.write("default.pem", default.key_pem + default.chain_pem)
        config = self.write(
            "haproxy.cfg",
            f"""
defaults
  mode tcp
  timeout connect 30s
  timeout client 60s
  timeout server 60s
  retries 0
frontend gateway
  bind 127.0.0.1:{self.port} ssl crt {static} ca-sign-file {ca} generate-certificates
  default_backend origin
backend origin
  server origin 127.0.0.1:{self.origin} ssl {self.verifying} sni ssl_fc_sni
""",
        )
        return [find("haproxy"), "-db", "-f", str(config)]


class Nginx(Program):
    """Terminating TLS with certificates that a corporate CA issued for the hosts."""

    def __init__(self, folder: Path, credentials: dict[str, Credential], origin: int) -> None:
        super().__init__(folder)
        self.credentials, self.origin = credentials, origin

    def command(self) -> list[str]:
        servers = ""
        for name, credential in self.credentials.items():
            pem = self.write(f"{name}.pem", credential.key_pem + credential.chain_pem)
            servers += f"""
  server {{
    listen 127.0.0.1:{self.port} ssl;
    server_name {name};
    ssl_certificate {pem};
    ssl_certificate_key {pem};
    location / {{ proxy_pass https://127.0.0.1:{self.origin}; }}
  }}"""
        config = self.write(
            "nginx.conf",
            f"""
daemon off;
master_process off;
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {self.folder}/a;
  proxy_temp_path {self.folder}/b;
  fastcgi_temp_path {self.folder}/c;
  uwsgi_temp_path {self.folder}/d;
  scgi_temp_path {self.folder}/e;
  {servers}
}}
""",
        )
        return [find("nginx"), "-c", str(config), "-e", str(self.folder / "error.log")]


class Sslsplit(Program):
    """Static destination: everything that comes in is decrypted and sent on to the origin."""

    def __init__(self, folder: Path, ca: Authority, origin: int) -> None:
        super().__init__(folder)
        self.ca, self.origin = ca, origin

    def command(self) -> list[str]:
        credential = self.ca.credential()
        key = self.write("ca.key", credential.key_pem)
        certificate = self.write("ca.crt", credential.chain_pem)
        return [
            find("sslsplit"), "-D", "-u", "root", "-k", str(key), "-c", str(certificate),
            "ssl", "127.0.0.1", str(self.port), "127.0.0.1", str(self.origin),
        ]  # fmt: skip


class ProxyPy(Program):
    """proxy.py with TLS interception; names resolve to loopback through a plugin of ours."""

    def __init__(self, folder: Path, ca: Authority, trust: Path) -> None:
        super().__init__(folder)
        self.ca, self.trust = ca, trust

    def command(self) -> list[str]:
        credential = self.ca.credential()
        signing = _rsa_pem()
        store = self.folder / "certificates"
        store.mkdir()
        self.write("loopback_dns.py", _LOOPBACK_PLUGIN)
        return [
            sys.executable, "-W", "ignore", "-m", "proxy",
            "--hostname", "127.0.0.1", "--port", str(self.port),
            "--num-workers", "1", "--num-acceptors", "1",
            "--ca-key-file", str(self.write("ca.key", credential.key_pem)),
            "--ca-cert-file", str(self.write("ca.crt", credential.chain_pem)),
            "--ca-signing-key-file", str(self.write("signing.key", signing)),
            "--ca-cert-dir", str(store), "--ca-file", str(self.trust),
            "--plugins", "loopback_dns.LoopbackDns", "--data-dir", str(self.folder),
        ]  # fmt: skip


_LOOPBACK_PLUGIN = '''
from proxy.http.proxy import HttpProxyBasePlugin


class LoopbackDns(HttpProxyBasePlugin):
    """Every name is on this machine."""

    def resolve_dns(self, host, port):
        return "127.0.0.1", None
'''


class HttpMitmProxy(Program):
    """http-mitm-proxy (npm): makes its own CA."""

    def command(self) -> list[str]:
        module = TOOLS / "npm" / "node_modules" / "http-mitm-proxy"
        if not module.exists():
            raise FileNotFoundError("http-mitm-proxy is not installed; run scripts/programs.sh")
        script = self.write(
            "proxy.js",
            f"""
const {{ Proxy }} = require({str(module)!r});
const proxy = new Proxy();
proxy.onError((ctx, err) => {{}});
proxy.listen({{ host: "127.0.0.1", port: {self.port}, sslCaDir: {str(self.folder / "ca")!r} }});
""",
        )
        return [find("node"), str(script)]


def _rsa():  # type: ignore[no-untyped-def]
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _rsa_pem() -> str:
    return Authority("signing", key=_rsa()).credential().key_pem


def corporate_ca(name: str = "Example Corp Web Gateway CA") -> Authority:
    """A CA as an operator makes it: RSA, an everyday name."""
    return Authority(name, organization="Example Corp", key=_rsa(), profile=False)
