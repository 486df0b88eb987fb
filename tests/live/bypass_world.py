"""Three network namespaces: clients, a gateway with a real mitmdump, and servers, the attacker's among them.

    clients 10.77.1.0/24, fd77:1::/64  --  gateway 10.77.1.1, fd77:1::1 / 10.77.2.1  --  servers 10.77.2.0/24

The gateway resolves names by a DNS server in the world; nothing leaves it. Needs root, ip and nft: without them the
tests fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Self

from addons.scripts import bypass_script
from detector.chain.certificate import read_certificate
from detector.lab.loopback import Loopback
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import Credential, LabPki
from detector.model.observation import Observation, Target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from tests.live.programs import find

GATEWAY, GATEWAY6 = "10.77.1.1", "fd77:1::1"
CLIENT, SECOND_CLIENT = "10.77.1.2", "10.78.1.2"
PHONE = ("fd77:1::2", "fd77:1::3")
DNS, PARENT = "10.77.2.53", "10.77.2.40"
BANK, SHOP, MTLS, MAIL, PINNED, VICTIM, APP = (f"10.77.2.{n}" for n in (10, 20, 30, 45, 50, 60, 70))
ATTACKER, ALERTS, SELF_SIGNED, RELAY = (f"10.77.2.{n}" for n in (66, 67, 68, 69))
HOSTS = {
    "bank.example": BANK, "shop.example": SHOP, "mtls.example": MTLS, "pinned.example": PINNED,
    "mail.example": MAIL, "app.example": APP, "victim.example": VICTIM, "attacker.example": ATTACKER, "evil.example": ATTACKER,
}  # fmt: skip
PORT = 8080
# What only the attacker's own client says: its server keeps that to itself, and relays everybody else.
SECRET_WORD = "x-evil"
_numbers = itertools.count()


class World:
    """`with World(folder) as world`; then `world.mitmdump(...)` in the gateway, `world.visit(...)` by a client."""

    def __init__(self, folder: Path) -> None:
        name = f"tl{os.getpid() % 100000}x{next(_numbers)}"
        self.folder = folder
        self.clients, self.gateway, self.servers = f"{name}c", f"{name}g", f"{name}s"
        self.pki, self.evil = LabPki(), LabPki()
        self.bank = self.pki.issue("bank.example")
        self.trust = folder / "root.pem"
        self.trust.write_text(self.pki.root.pem)
        self.leaves: dict[bytes, str] = {}
        self.names: NameServer
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._lay()
            self._stack.enter_context(self._serving(self.servers, self._servers()))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def mitmdump(
        self, mode: str, rules: str, *settings: str, store: Path | None = None
    ) -> Generator[Mitmdump]:
        """In the gateway, with the addon; with a store of its own where none is given."""
        folder = self.folder / f"mitm{next(_numbers)}"
        folder.mkdir()
        path = folder / "rules.toml"
        path.write_text(rules)
        proxy = Mitmdump(
            folder / "conf", trust=self.trust, scripts=(bypass_script(),), port=PORT, host="",
            settings=(
                f"mode={mode}", f"bypass_rules={path}", f"bypass_store={store or folder / 'b.sqlite3'}",
                f"upstream_roots={self.trust}", *settings,
            ),
            prefix=("ip", "netns", "exec", self.gateway),
        )  # fmt: skip
        with self._serving(None, proxy):
            yield proxy

    def visit(
        self,
        sni: str,
        *,
        at: str | None = None,
        asked: str | None = None,
        proxy: str | None = f"http://{GATEWAY}:{PORT}",
        port: int = 443,
        alpn: tuple[str, ...] = ("http/1.1",),
    ) -> str:
        """Who answers: bank, attacker, shop and so on, "inspected", or "refused".

        Args:
            sni: what the client says.
            at: the address that it names or dials.
            asked: the name that it gives the proxy instead.
            proxy: None where it knows of none.
            port: the server's.
            alpn: what it offers.

        """
        target = Target(host=asked or sni, port=port, sni=sni)
        options = ProbeOptions(
            timeout=30, alpn=alpn, connect_to=(at, port) if at is not None else None,
            routing=Routing(parse_proxy(proxy)) if proxy is not None else Routing(),
        )  # fmt: skip
        return self.who(self.inside(self.clients, lambda: asyncio.run(probe(target, options))))

    def who(self, seen: Observation) -> str:
        if seen.handshake is None or not seen.handshake.completed:
            return "refused"
        return self.whose(seen.chain[0])

    def whose(self, leaf: bytes) -> str:
        if leaf in self.leaves:
            return self.leaves[leaf]
        return "inspected" if "mitmproxy" in read_certificate(leaf).issuer_text else "somebody"

    def refuse(self, sni: str, at: str, source: str, gateway: str = GATEWAY) -> None:
        """A client at that address that trusts its own CA alone, as an app that pins does."""
        pinning = ssl.create_default_context(cadata=self.pki.root.pem)
        self.inside(self.clients, lambda: _pinning(sni, at, source, gateway, pinning))

    def accept(self, sni: str, at: str, source: str, gateway: str = GATEWAY) -> None:
        """The same client where it trusts the gateway."""
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        self.inside(self.clients, lambda: _pinning(sni, at, source, gateway, trusting))

    def run(self, namespace: str, *words: str) -> str:
        """A program in a namespace. Raises with what it said."""
        done = subprocess.run(
            ["ip", "netns", "exec", namespace, *words], capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    @staticmethod
    def inside[T](namespace: str, work: Callable[[], T]) -> T:
        """The work's result, done in a thread that lives in the namespace."""

        def enter() -> T:
            with Path(f"/run/netns/{namespace}").open() as file:
                os.setns(file.fileno(), os.CLONE_NEWNET)
            return work()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(enter).result(120)

    def _lay(self) -> None:
        """Wires, addresses, ways, and the gateway's resolver."""
        for program in ("ip", "nft"):
            find(program)
        for namespace in (self.clients, self.gateway, self.servers):
            _ip("netns", "add", namespace)
            self._stack.callback(_ip, "netns", "del", namespace)
            _ip("-n", namespace, "link", "set", "lo", "up")
        for number, other in enumerate((self.clients, self.servers), 1):
            _ip(
                "-n", self.gateway, "link", "add", f"side{number}", "type", "veth",
                "peer", "name", "side0", "netns", other,
            )  # fmt: skip
            for where, link in ((self.gateway, f"side{number}"), (other, "side0")):
                _ip("-n", where, "link", "set", link, "up")
            _ip("-n", self.gateway, "addr", "add", f"10.77.{number}.1/24", "dev", f"side{number}")
        for address in (f"{CLIENT}/24", f"{SECOND_CLIENT}/24", *(f"{one}/64" for one in PHONE)):
            _ip("-n", self.clients, "addr", "add", address, "dev", "side0", *_nodad(address))
        for address in (f"{GATEWAY6}/64", "10.78.1.1/24"):
            _ip("-n", self.gateway, "addr", "add", address, "dev", "side1", *_nodad(address))
        for address in (*HOSTS.values(), DNS, PARENT, ALERTS, SELF_SIGNED, RELAY):
            _ip("-n", self.servers, "addr", "replace", f"{address}/24", "dev", "side0")
        _ip("-n", self.clients, "route", "add", "default", "via", "10.77.1.1")
        _ip("-n", self.servers, "route", "add", "default", "via", "10.77.2.1")
        self.run(self.gateway, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        settings = Path("/etc/netns") / self.gateway
        settings.mkdir(parents=True)
        self._stack.callback(shutil.rmtree, settings)
        (settings / "resolv.conf").write_text(f"nameserver {DNS}\noptions timeout:1 attempts:2\n")

    def redirect(self) -> None:
        """What clients send to port 443 goes to the gateway's own port, as a transparent proxy has it."""
        for words in (
            "add table ip nat",
            "add chain ip nat pre { type nat hook prerouting priority -100; }",
            f'add rule ip nat pre iifname "side1" tcp dport 443 redirect to :{PORT}',
        ):
            self.run(self.gateway, "nft", words)

    @asynccontextmanager
    async def _servers(self) -> AsyncGenerator[None]:
        """Everything that listens beyond the gateway."""
        async with AsyncExitStack() as stack:
            records = {name: [address] for name, address in HOSTS.items()}
            self.names = NameServer(records, life=1, address=DNS, port=53)
            await stack.enter_async_context(self.names)
            shown = {
                BANK: ("bank", self.bank),
                SHOP: ("shop", self.pki.issue("shop.example")),
                MTLS: ("mtls", self.pki.issue("mtls.example")),
                APP: ("app", self.pki.issue("app.example")),
                MAIL: ("mail", self.pki.issue("mail.example")),
                PINNED: ("pinned", self.pki.issue("pinned.example")),
                VICTIM: ("victim", self.pki.issue("victim.example")),
                ATTACKER: ("attacker", self.evil.issue("bank.example", "evil.example")),
                SELF_SIGNED: ("attacker", self.evil.issue("victim.example")),
            }
            for address, (name, credential) in shown.items():
                self.leaves[credential.der] = name
                asks = _wants_certificate if address == MTLS else None
                server = Origin({name: credential}, address, prepare=asks)
                server.port = 443
                await stack.enter_async_context(server)
            for other in (
                Turning(ALERTS, bytes.fromhex("15 0303 0002 0228")),
                Relay(RELAY, BANK, ATTACKER),
                Parent(PARENT, HOSTS),
            ):
                await stack.enter_async_context(other)
            await stack.enter_async_context(_quic(ATTACKER, shown[ATTACKER][1], self.folder))
            await stack.enter_async_context(_quic(BANK, self.bank, self.folder))
            yield

    @contextmanager
    def _serving[T](
        self, namespace: str | None, server: contextlib.AbstractAsyncContextManager[T]
    ) -> Generator[T]:
        """A server in a thread of its own, there."""
        loop = asyncio.new_event_loop()

        def live() -> None:
            if namespace is not None:
                with Path(f"/run/netns/{namespace}").open() as file:
                    os.setns(file.fileno(), os.CLONE_NEWNET)
            loop.run_forever()

        def done[A](work: Awaitable[A]) -> A:
            async def wait() -> A:
                return await work

            return asyncio.run_coroutine_threadsafe(wait(), loop).result(60)

        thread = threading.Thread(target=live)
        thread.start()
        try:
            started = done(server.__aenter__())
            try:
                yield started
            finally:
                done(server.__aexit__(None, None, None))
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


class Turning(Loopback):
    """Answers every hello with these bytes."""

    def __init__(self, host: str, answer: bytes) -> None:
        super().__init__(None, host)
        self.port = 443
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read(1 << 16)
            writer.write(self._answer)
            await writer.drain()
        writer.close()


class Relay(Loopback):
    """The attacker's: who asks for the secret word is answered there, everybody else by the real host."""

    def __init__(self, host: str, real: str, own: str) -> None:
        super().__init__(None, host)
        self.port = 443
        self._real, self._own = real, own

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(1 << 14)
        to = self._own if SECRET_WORD.encode() in hello else self._real
        await _joined(reader, writer, to, 443, hello)


class Parent(Loopback):
    """A proxy of somebody else's, which resolves by the world's names."""

    def __init__(self, host: str, hosts: dict[str, str]) -> None:
        super().__init__(None, host)
        self.port = 3128
        self._hosts = hosts

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            name, _, port = head.split()[1].decode().rpartition(":")
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _joined(reader, writer, self._hosts.get(name, name), int(port))
        except (OSError, ValueError, asyncio.IncompleteReadError):
            writer.close()


async def _joined(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    address: str,
    port: int,
    first: bytes = b"",
) -> None:
    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(1 << 16):
                sink.write(data)
                await sink.drain()
        sink.close()

    try:
        inward, outward = await asyncio.open_connection(address, port)
    except OSError:
        writer.close()
        return
    outward.write(first)
    await asyncio.gather(copy(reader, outward), copy(inward, writer))


def _pinning(sni: str, at: str, source: str, gateway: str, context: ssl.SSLContext) -> None:
    """CONNECT to an address, from an address, and one request where the certificate pleases; else its alert."""
    with socket.create_connection((gateway, PORT), 60, (source, 0)) as raw:
        raw.sendall(f"CONNECT {at}:443 HTTP/1.1\r\nHost: {at}:443\r\n\r\n".encode())
        assert b" 200 " in raw.recv(4096)
        with (
            contextlib.suppress(OSError),  # an ssl.SSLError is one
            context.wrap_socket(raw, server_hostname=sni) as tls,
        ):
            tls.sendall(f"GET / HTTP/1.1\r\nHost: {sni}\r\nConnection: close\r\n\r\n".encode())
            tls.recv(4096)


@asynccontextmanager
async def _quic(address: str, credential: Credential, folder: Path) -> AsyncGenerator[None]:
    from aioquic.asyncio import serve
    from aioquic.quic.configuration import QuicConfiguration

    path = credential.write(folder / f"quic{address}.pem")
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    configuration.load_cert_chain(path, path)
    server = await serve(address, 443, configuration=configuration)
    try:
        yield
    finally:
        server.close()  # type: ignore[no-untyped-call]


def _wants_certificate(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=LabPki().root.pem)


def _ip(*words: str) -> None:
    done = subprocess.run([find("ip"), *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


def _nodad(address: str) -> tuple[str, ...]:
    return ("nodad",) if ":" in address else ()
