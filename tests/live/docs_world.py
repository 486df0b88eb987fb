"""The world that the docs' commands run in: every name leads here, and the lab's CA stands for the public ones.

`python -m tests.live.docs_world FOLDER` is the world itself, in namespaces of its own, until it is told to stop:

- every host of `HOSTS` at 203.0.113.10: HTTPS on 443, 8443 and 7000, SMTP with STARTTLS on 25;
- a gateway that intercepts, a mitmproxy with a renamed CA, at proxy.corp:3128, and with TLS to it at 3129;
- in FOLDER root.pem, logs.json and corp-ca.pem (the gateway's).

A page's commands run beside it, below an overlay of the file system that goes with the page: what they write to /etc,
/var or /opt is written there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from detector.knowledge.shipped import canaries, canary_hosts
from detector.lab.answer import Request
from detector.lab.ct_search import CtSearch
from detector.lab.loopback import Loopback
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import server_context
from detector.lab.pki import Authority, Credential, LabPki
from detector.lab.stopping import run_stoppable
from tests.live.programs import find
from tests.live.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
SERVER = "203.0.113.10"
# Where commands of the docs listen, and what they call other machines of the same network.
HERE = ("192.0.2.1", "192.0.2.7")
HOSTS = (
    *canaries(), *(row.host for row in canary_hosts()), "example.com", "www.example.com", "api.example.com", "cache.example.com",
    "mail.example.com", "github.com", "registry.npmjs.org", "bank.example", "api.bank.example",
    "www.apple.com", "gs.apple.com", "login.apple.com", "intranet.example", "vpn.example.com",
    "wpad.corp", "proxy", "proxy.corp", "other.name", "api.certspotter.com", "pypi.org",
)  # fmt: skip
_LISTENERS = ("fleet.example", "centre.example")
_OVERLAID = ("etc", "var", "opt", "srv", "mnt", "media", "run", "usr/local", "root", "home")
# In front of what is started: it ends with whoever started it, also where a test is killed.
_NEVER_LEFT = ("setpriv", "--pdeathsig", "TERM")
_PAC = b'function FindProxyForURL(url, host) { return "PROXY proxy.corp:3128"; }\n'


class Site(Loopback):
    """HTTPS for every name, a PAC file, and what Certificate Transparency knows."""

    def __init__(self, context: ssl.SSLContext, host: str, port: int, search: CtSearch) -> None:
        super().__init__(context, host)
        self.port = port
        self._search = search

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            body = _PAC if target.endswith(".pac") else b"ok\n"
            if target.startswith("/v1/issuances"):
                body = self._search.serve(Request(target, {})).body
            length = str(len(body)).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + length)
            writer.write(b"\r\n\r\n" + body)
            await writer.drain()
        writer.close()


class Mail(Loopback):
    """As much of SMTP as STARTTLS takes."""

    def __init__(self, context: ssl.SSLContext, host: str, port: int) -> None:
        super().__init__(None, host)
        self.port = port
        self._context = context

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            writer.write(b"220 mail.example.com ESMTP\r\n")
            while line := await reader.readline():
                if line.upper().startswith(b"STARTTLS"):
                    writer.write(b"220 go on\r\n")
                    await writer.drain()
                    await writer.start_tls(self._context)
                elif line.upper().startswith(b"EHLO"):
                    writer.write(b"250-mail.example.com\r\n250 STARTTLS\r\n")
                else:
                    writer.write(b"250 ok\r\n")
        writer.close()


class TlsBefore(Loopback):
    """TLS to a proxy that speaks none."""

    def __init__(self, context: ssl.SSLContext, port: int, behind: int) -> None:
        super().__init__(context, SERVER)
        self.port = port
        self._behind = behind

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(SERVER, self._behind)

        async def carry(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    to.write(data)
                    await to.drain()
            to.close()

        await asyncio.gather(carry(reader, ours), carry(theirs, writer))


async def _serve(folder: Path) -> None:
    pki = LabPki()
    (folder / "root.pem").write_text(pki.root.pem)
    (folder / "logs.json").write_text(pki.ct_logs_json)
    gateway = Authority("Example Corp Gateway", organization="Example Corp")
    (folder / "corp-ca.pem").write_text(gateway.pem)
    pki.issue(*_LISTENERS).write(folder / "page.pem")
    search = CtSearch()

    @cache
    def context_of(host: str) -> ssl.SSLContext:
        shown = pki.issue(host)
        search.add(shown, pki.intermediate)
        return server_context(shown)

    context = context_of("example.com")

    def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        tls.context = context_of(name) if name in HOSTS else context

    context.sni_callback = choose
    async with AsyncExitStack() as stack:
        for host, port in ((SERVER, 443), (SERVER, 8443), (SERVER, 7000), (HERE[0], 443)):
            await stack.enter_async_context(Site(context, host, port, search))
        await stack.enter_async_context(Mail(context_of("mail.example.com"), SERVER, 25))
        await stack.enter_async_context(TlsBefore(context_of("proxy"), 3129, 3128))
        await stack.enter_async_context(
            Mitmdump(
                folder / "gateway", trust=folder / "root.pem", port=3128, host=SERVER,
                ca=Credential(gateway.certificate, gateway.key),
            )
        )  # fmt: skip
        (folder / "ready").write_text("")
        await asyncio.Event().wait()


@dataclass
class Reader:
    """One who does what a page says: a home, a folder, and a file system where he is root.

    Attributes:
        programs: where tlsight is.

    """

    world: Path
    holder: int
    home: Path
    programs: Path = Path(sys.executable).parent
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(
        self, text: str, *, typed: str = "", given: str = "", patience: float = PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        """One line of a shell; `typed` is what is typed on its terminal, `given` stands on stdin where there is none."""
        shell = ["bash", "-c", text]
        if typed:
            shell = [find("script"), "-qec", text, "/dev/null"]
        return subprocess.run(
            [*self._inside(), *shell], cwd=self.home / "work", env=self._environment(),
            input=typed or given, capture_output=True, text=True, timeout=patience,
        )  # fmt: skip

    def start(self, text: str, log: Path, *, patience: float = PATIENCE) -> subprocess.Popen[str]:
        """One that stays: it has begun when it has said something."""
        with log.open("w") as file:
            child = subprocess.Popen(
                [*self._inside(), "bash", "-c", f"exec {text}"], cwd=self.home / "work",
                env=self._environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                text=True, start_new_session=True,
            )  # fmt: skip
        self.started.append(child)
        begun = "listening at" if text.startswith("mitmdump ") else ""
        deadline = time.monotonic() + patience
        while child.poll() is None and time.monotonic() < deadline:
            if (said := log.read_text(errors="replace")) and begun in said:
                break
            time.sleep(0.05)
        time.sleep(0.2)
        return child

    def stop(self) -> None:
        for child in reversed(self.started):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def _inside(self) -> list[str]:
        work = f"--wd={self.home / 'work'}"
        return [*_NEVER_LEFT, find("nsenter"), "-t", str(self.holder), "-n", "-m", work]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.home}/bin:{self.programs}:{os.environ['PATH']}:/usr/sbin",
            "SHELL": "/bin/bash",
            "PYTHON": sys.executable,
            "ROOT": str(ROOT),
            "HOME": str(self.home),
            "WORLD": str(self.world),
            "TLSIGHT_ROOTS": str(self.world / "root.pem"),
            "TLSIGHT_CT_LOGS": str(self.world / "logs.json"),
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
            "NO_COLOR": "1",
        }


@contextmanager
def world() -> Iterator[tuple[Path, int]]:
    """(its folder, its process)."""
    with tempfile.TemporaryDirectory(prefix="tlsight-docs-") as name:
        folder = Path(name)
        lines = [f"{SERVER} {host}" for host in HOSTS] + [f"127.0.0.1 {h}" for h in _LISTENERS]
        (folder / "hosts").write_text("\n".join(("127.0.0.1 localhost", *lines)) + "\n")
        addresses = "; ".join(f"ip address add {at}/32 dev lo" for at in (SERVER, *HERE))
        script = (
            f"ip link set lo up; {addresses}; mount --bind {folder}/hosts /etc/hosts;"
            f" exec {sys.executable} -m tests.live.docs_world {folder}"
        )
        with (folder / "log").open("w") as log:
            child = subprocess.Popen(
                [*_NEVER_LEFT, find("unshare"), "-n", "-m", "sh", "-euc", script], cwd=ROOT,
                env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
                stdout=log, stderr=log,
            )  # fmt: skip
        try:
            _wait_for(folder / "ready", child, folder / "log")
            yield folder, child.pid
        finally:
            child.terminate()
            child.wait(PATIENCE)


@contextmanager
def reader(world_folder: Path, process: int, folder: Path) -> Iterator[Reader]:
    """Somebody at a machine of his own in that world."""
    home = folder / "home"
    (home / "work").mkdir(parents=True)
    sudo = home / "bin" / "sudo"  # he is root already
    sudo.parent.mkdir()
    sudo.write_text('#!/bin/sh\nexec "$@"\n')
    sudo.chmod(0o755)
    overlays = "".join(
        f"mkdir -p $over/{n}/up $over/{n}/work;"
        f" mount -t overlay overlay -o lowerdir=/{n},upperdir=$over/{n}/up,workdir=$over/{n}/work /{n};"
        for n in _OVERLAID
        if not str(folder).startswith(f"/{n}/") and not str(ROOT).startswith(f"/{n}/")
        and not sys.base_prefix.startswith(f"/{n}/")
    )  # fmt: skip
    script = (
        f"over={folder}/over; mkdir $over; mount -t tmpfs tmpfs $over; {overlays}"
        f" cat {world_folder}/hosts > /etc/hosts;"
        f" cat {world_folder}/root.pem >> /etc/ssl/certs/ca-certificates.crt;"
        f" : > {folder}/ready; exec sleep 3600"
    )
    holder = subprocess.Popen(
        [*_NEVER_LEFT, find("nsenter"), "-t", str(process), "-n", find("unshare"), "-m", "sh", "-euc", script],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    one = Reader(world_folder, holder.pid, home)
    try:
        _wait_for(folder / "ready", holder, None)
        yield one
    finally:
        one.stop()
        holder.terminate()
        holder.communicate()


def _wait_for(
    ready: Path, child: subprocess.Popen[str] | subprocess.Popen[bytes], log: Path | None
) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready.exists():
        if child.poll() is not None or time.monotonic() > deadline:
            said = log.read_text() if log else child.communicate()[1]
            raise RuntimeError(f"no world: {said}")
        time.sleep(0.05)


def substituted(text: str, names: Mapping[str, str]) -> str:
    """With what the page leaves open filled in."""
    for name, value in names.items():
        text = text.replace(name, value)
    return text


if __name__ == "__main__":
    run_stoppable(_serve(Path(sys.argv[1])))
