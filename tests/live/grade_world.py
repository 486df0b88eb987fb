"""Every interceptor that the tests can start, in front of the servers that grade, each with a configuration of its own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from detector.judging.grade import grade
from detector.knowledge import shipped
from detector.knowledge.grade_tests import grade_tests
from detector.lab.ca_service import ca_service, connected, revocation_list
from detector.lab.graded.servers import Place, grade_servers
from detector.lab.mitmdump import Mitmdump
from detector.lab.pki import Authority, LabPki
from detector.lab.squid import BUMP_ALL
from detector.model.grades import Grade, GradeServers, Letter, Seen
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing, parse_proxy
from detector.runs.grade import GradeRun
from tests.live.gateways import Privoxy
from tests.live.programs import (
    Haproxy,
    HttpMitmProxy,
    Nginx,
    Program,
    ProxyPy,
    Squid,
    Sslsplit,
    at_hosts,
    corporate_ca,
    find,
    readable_by_all,
)

NAME = "grade.test"
TESTS = grade_tests()
# Seconds, as GradeRun has them: what is held is what an interceptor does, not how busy the machine is.
_UNHURRIED = (180.0, 90.0, 60.0)


@dataclass
class GradeWorld:
    """The servers, and what a program is started with.

    Attributes:
        folder: the program's own.
        servers: as a client knows them.
        trust: PEM file of the servers' root.
        lists: PEM file of the revocation lists of every CA that answers for one.
        hosts: a file of hosts in which the servers' names are.
        ca: what the program signs with, where it makes no CA of its own.

    """

    folder: Path
    servers: GradeServers
    trust: Path
    lists: Path
    hosts: Path
    ca: Authority

    @property
    def names(self) -> list[str]:
        return [self.servers.host(label) for label in self.servers.leaves]


# Gives where clients reach it: a proxy's URL, or the port of one that stands where the servers' address is.
Started = AbstractAsyncContextManager[str | int]


# Faults that every verification sees which follows RFC 5280 with keys and hashes of today.
OF_PATHS = frozenset((
    "self-signed", "unknown-ca", "broken-signature", "issuer-no-ca", "issuer-may-not-sign", "path-too-long", "expired",
    "not-yet-valid", "issuer-expired", "outside-name-constraints", "wrong-usage", "unknown-critical",
))  # fmt: skip
OF_KEYS = frozenset(("signed-with-md5", "signed-with-sha1", "rsa-512", "rsa-1024"))
VERIFIED = OF_PATHS | OF_KEYS | {"wrong-name"}
REVOKED = frozenset(("revoked-crl", "revoked-ocsp", "revocation-silent"))
# What no program looks at, however it is configured here; and no program by itself.
NEVER_SEEN = frozenset(("must-staple", "too-long-lived", "without-ct"))
OVERLOOKED = NEVER_SEEN | {"revoked-crl", "revoked-ocsp"}
OF_VERSIONS = frozenset(("server-ssl3", "server-tls10", "server-tls11"))


@dataclass(frozen=True)
class Setting:
    """An interceptor in one configuration, and what that says of it.

    Attributes:
        name: as the table of the docs has it.
        start: starts it.
        does: in words.
        letter: its grade.
        refuses: tests that it has to pass.
        accepts: tests that it has to fail.
        passes_on: tests of which the fault reaches the client.
        host: where the servers are, for one that does not go to 127.0.0.1.

    """

    name: str
    start: Callable[[GradeWorld], Started]
    does: str
    letter: Letter
    refuses: frozenset[str] = frozenset()
    accepts: frozenset[str] = frozenset()
    passes_on: frozenset[str] = frozenset()
    host: str = "127.0.0.1"


@asynccontextmanager
async def grade_world(host: str = "127.0.0.1") -> AsyncGenerator[GradeWorld]:
    """Run the servers; their names resolve for programs that are started with `hosts`.

    The folder is none of pytest's, which every other run of it closes to Squid.
    """
    with tempfile.TemporaryDirectory(prefix="tlsight-grade-") as folder:
        async with _world(Path(folder), host) as world:
            yield world


@asynccontextmanager
async def _world(folder: Path, host: str) -> AsyncGenerator[GradeWorld]:
    pki = LabPki()
    said: list[str] = []
    async with ca_service(pki) as service:
        connected(pki, service)
        async with grade_servers(pki, Place(NAME, host), said.append) as servers:
            assert said == []
            trust, lists, hosts = (folder / one for one in ("root.pem", "lists.pem", "hosts"))
            trust.write_text(pki.root.pem)
            lists.write_text(_lists(pki))
            names = " ".join(servers.host(label) for label in servers.leaves)
            hosts.write_text(f"127.0.0.1 localhost\n{host} {names}\n")
            readable_by_all(folder)
            for path in (trust, lists, hosts):
                path.chmod(0o644)
            yield GradeWorld(folder / "program", servers, trust, lists, hosts, corporate_ca())


def _lists(pki: LabPki) -> str:
    """As an operator has fetched them: of a CA that does not answer there is none."""
    made = (revocation_list(one) for one in (pki.root, *pki.authorities) if not one.silent)
    return "".join(x509.load_der_x509_crl(one).public_bytes(Encoding.PEM).decode() for one in made)


async def seen_behind(setting: Setting) -> Seen:
    """What is seen of an interceptor that is started for this."""
    async with grade_world(setting.host) as world, setting.start(world) as where:
        return await seen_by(where, world)


async def seen_by(where: str | int, world: GradeWorld, *, direct: bool = True) -> Seen:
    """What is seen of one that runs; `direct` as GradeRun has it."""
    run = GradeRun(world.servers, _way(where), direct=direct, within=_UNHURRIED)
    return await run.run()


def judged(seen: Seen) -> Grade:
    return grade(seen, TESTS, shipped.published_keys())


def _way(where: str | int) -> ProbeOptions:
    if isinstance(where, int):
        return ProbeOptions(connect_to=("127.0.0.1", where))
    return ProbeOptions(routing=Routing(parse_proxy(where)))


def mitmproxy(*settings: str) -> Callable[[GradeWorld], Started]:
    """With `--set` values."""

    @asynccontextmanager
    async def start(world: GradeWorld) -> AsyncGenerator[str | int]:
        prefix = at_hosts(world.hosts)
        async with Mitmdump(
            world.folder, trust=world.trust, settings=settings, prefix=prefix
        ) as mitm:
            yield mitm.url

    return start


def explicit(make: Callable[[GradeWorld], Program]) -> Callable[[GradeWorld], Started]:
    return _program(make, explicit=True)


def in_front(make: Callable[[GradeWorld], Program]) -> Callable[[GradeWorld], Started]:
    return _program(make, explicit=False)


def _program(
    make: Callable[[GradeWorld], Program], *, explicit: bool
) -> Callable[[GradeWorld], Started]:
    @asynccontextmanager
    async def start(world: GradeWorld) -> AsyncGenerator[str | int]:
        program = make(world)
        program.hosts_file = world.hosts
        await asyncio.to_thread(program.__enter__)
        try:
            yield f"http://127.0.0.1:{program.port}" if explicit else program.port
        finally:
            await asyncio.to_thread(program.__exit__, None, None, None)

    return start


def _squid(more: str = "") -> Callable[[GradeWorld], Program]:
    def make(world: GradeWorld) -> Program:
        hosts = dict.fromkeys(world.names, "127.0.0.1")
        return Squid(world.folder, world.ca, world.trust, hosts, f"{more}\n{BUMP_ALL}")

    return make


class NginxTerminator(Nginx):
    """One certificate for every name below the servers'; `upstream` are its lines for the way to them."""

    def __init__(self, world: GradeWorld, upstream: str = "") -> None:
        pattern = f"*.{world.servers.name}"
        super().__init__(world.folder, {"all": world.ca.issue(pattern)}, world.servers.port)
        self.upstream = upstream

    def command(self) -> list[str]:
        command = super().command()
        config = self.folder / "nginx.conf"
        text = config.read_text().replace("server_name all;", "server_name _;")
        passing = f"proxy_pass https://127.0.0.1:{self.origin};"
        asked = "proxy_ssl_server_name on; proxy_ssl_name $host;"
        config.write_text(text.replace(passing, f"{passing} {asked} {self.upstream}"))
        return command


def _nginx(upstream: str = "") -> Callable[[GradeWorld], Program]:
    return lambda world: NginxTerminator(
        world, upstream.format(trust=world.trust, lists=world.lists)
    )


def _haproxy(verifying: str) -> Callable[[GradeWorld], Program]:
    return lambda world: Haproxy(
        world.folder,
        world.ca,
        world.servers.port,
        verifying.format(trust=world.trust, lists=world.lists),
    )


class NodeProxy(HttpMitmProxy):
    """With the root of the servers among those that Node trusts."""

    def __init__(self, world: GradeWorld) -> None:
        super().__init__(world.folder)
        self.trust = world.trust

    def command(self) -> list[str]:
        return [find("env"), f"NODE_EXTRA_CA_CERTS={self.trust}", *super().command()]


_PATHS_PASSED_ON = frozenset(("expired", "not-yet-valid", "wrong-usage", "self-signed"))
_SQUID_PASSES_ON = _PATHS_PASSED_ON | {"wrong-name", "unknown-ca", "issuer-no-ca", "issuer-may-not-sign"}  # fmt: skip
_SSLSPLIT_PASSES_ON = frozenset(("wrong-usage", "signed-with-md5", "signed-with-sha1"))
_NGINX_VERIFIES = (
    "proxy_ssl_verify on; proxy_ssl_verify_depth 4; proxy_ssl_trusted_certificate {trust};"
)

SETTINGS = (
    Setting(
        "mitmproxy", mitmproxy(), "verifies", "C", refuses=VERIFIED | OF_VERSIONS | {"client-renegotiation"},
        accepts=OVERLOOKED | {"server-static-rsa", "leaf-key-of-ca", "leaf-key-shared"},
    ),
    Setting(
        "mitmproxy, ssl_insecure", mitmproxy("ssl_insecure=true"), "verifies nothing", "F",
        refuses=OF_VERSIONS, accepts=VERIFIED | OVERLOOKED,
    ),
    Setting(
        "mitmproxy, TLS 1.0 and all suites",
        mitmproxy(
            "tls_version_client_min=TLS1", "tls_version_server_min=TLS1",
            "ciphers_client=ALL:@SECLEVEL=0", "ciphers_server=ALL:@SECLEVEL=0",
        ),
        "verifies, but for keys and hashes; speaks what OpenSSL speaks", "F",
        refuses=OF_PATHS | {"wrong-name", "server-ssl3"},
        accepts=OF_KEYS | OVERLOOKED | {
            "server-tls10", "server-tls11", "server-anonymous", "server-static-rsa", "server-dh-1024", "client-tls10",
            "client-tls11", "client-broken-suites", "offers-export-suites", "version-raised",
        },
    ),
    Setting(
        "squid", explicit(_squid()), "verifies", "C", refuses=VERIFIED | OF_VERSIONS,
        accepts=OVERLOOKED | {"leaf-key-of-ca", "leaf-key-shared", "http2-lost"},
    ),
    Setting(
        "squid, sslproxy_cert_error allow all", explicit(_squid("sslproxy_cert_error allow all")),
        "verifies, and shows the client some of the faults", "F",
        accepts=OVERLOOKED | VERIFIED - _SQUID_PASSES_ON, passes_on=_SQUID_PASSES_ON,
    ),
    Setting(
        "squid, DONT_VERIFY_PEER", explicit(_squid("tls_outgoing_options flags=DONT_VERIFY_PEER")),
        "verifies the name alone, and copies dates and usage", "F", refuses=frozenset(("wrong-name",)),
        accepts=OVERLOOKED | VERIFIED - _PATHS_PASSED_ON - {"wrong-name"}, passes_on=_PATHS_PASSED_ON,
    ),
    Setting(
        "sslsplit", in_front(lambda at: Sslsplit(at.folder, at.ca, at.servers.port)),
        "verifies nothing, and copies usage and hash", "F", refuses=frozenset(("server-ssl3",)),
        accepts=OVERLOOKED | VERIFIED - _SSLSPLIT_PASSES_ON
        | {"server-tls10", "server-tls11", "client-tls10", "client-short-dh", "version-raised"},
        passes_on=_SSLSPLIT_PASSES_ON,
    ),
    Setting(
        "haproxy, verify none", in_front(_haproxy("verify none")), "verifies nothing", "F",
        refuses=OF_VERSIONS, accepts=VERIFIED | OVERLOOKED | {"serial-predictable"},
    ),
    Setting(
        "haproxy, verify required", in_front(_haproxy("verify required ca-file {trust}")),
        "verifies", "C", refuses=VERIFIED | OF_VERSIONS,
        accepts=OVERLOOKED | {"serial-predictable", "leaf-key-shared"},
    ),
    Setting(
        "haproxy, crl-file", in_front(_haproxy("verify required ca-file {trust} crl-file {lists}")),
        "verifies, and refuses whom a list names and who has no list", "B",
        refuses=VERIFIED | REVOKED | OF_VERSIONS, accepts=NEVER_SEEN | {"server-static-rsa"},
    ),
    Setting(
        "nginx", in_front(_nginx()), "verifies nothing", "F", refuses=OF_VERSIONS,
        accepts=VERIFIED | OVERLOOKED | {"no-tls13-upstream"},
    ),
    Setting(
        "nginx, proxy_ssl_verify on", in_front(_nginx(_NGINX_VERIFIES)), "verifies", "C",
        refuses=VERIFIED | OF_VERSIONS, accepts=OVERLOOKED | {"no-tls13-upstream"},
    ),
    Setting(
        "nginx, proxy_ssl_crl", in_front(_nginx(_NGINX_VERIFIES + " proxy_ssl_crl {lists};")),
        "verifies, and refuses whom a list names and who has no list", "B",
        refuses=VERIFIED | REVOKED | OF_VERSIONS, accepts=NEVER_SEEN | {"server-static-rsa"},
    ),
    Setting(
        "proxy.py", explicit(lambda at: ProxyPy(at.folder, at.ca, at.trust)), "verifies", "C",
        refuses=VERIFIED | OF_VERSIONS, accepts=OVERLOOKED | {"leaf-key-shared", "http2-lost"},
    ),
    Setting(
        "http-mitm-proxy", explicit(NodeProxy), "verifies, with short keys", "C",
        refuses=VERIFIED - {"rsa-1024"} | OF_VERSIONS,
        accepts=OVERLOOKED | {"rsa-1024", "serial-predictable", "http2-lost", "client-renegotiation"},
    ),
    Setting(
        "privoxy", explicit(lambda at: Privoxy(at.folder, "", at.ca, at.trust, None)), "verifies", "C",
        refuses=VERIFIED | {"server-ssl3"},
        accepts=OVERLOOKED | {"server-tls10", "server-tls11", "client-tls10", "client-no-tls13", "version-raised"},
    ),
)  # fmt: skip
