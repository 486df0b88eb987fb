"""Real servers, real clients that fail in one known way each, and what `tlsight logs` makes of the lines."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from detector import clock
from detector.knowledge.explanations import error_table
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from detector.lab.squid import BUMP_ALL
from detector.logs.event import Event
from detector.logs.reading import LogReader
from detector.logs.reasons import Reasons
from detector.logs.stamp import Stamps
from tests.live import broken_clients as broken
from tests.live import clients as whole
from tests.live import logging_programs as programs
from tests.live.conftest import TABLES
from tests.live.programs import Squid, corporate_ca, find
from tests.live.waiting import PATIENCE, until, until_it_holds

pytestmark = pytest.mark.live

SEEN = TABLES.setdefault("logs: program by case, the cause that was read", {})
REASONS = Reasons(error_table())

GOOD = {
    "untrusting": "untrusted-root",
    "untrusting_in_tls12": "untrusted-root",
    "old": "version-mismatch",
    "other_suites": "no-shared-cipher",
    "clear_text": "not-tls",
    "garbage": "not-tls",
    "hanging_up": "closed-during-handshake",
    "resetting": "connection-reset",
}
VERIFYING = {
    "without_certificate": "client-certificate-required",
    "stranger": "client-certificate-rejected",
}
EXPIRED = {"trusting": "certificate-expired"}
ASKS_FOR_CERTIFICATES = {
    "Apache": "SSLVerifyClient require\nSSLCACertificateFile {f}/clients.pem",
    "Haproxy": "bind x verify required ca-file {f}/clients.pem",
    "Stunnel": "verifyChain = yes\nCAfile = {f}/clients.pem",
    "Postfix": "smtpd_tls_req_ccert = yes\nsmtpd_tls_security_level = encrypt\n"
    "smtpd_tls_CAfile = {f}/clients.pem",
    "Caddy": "client_auth {{\nmode require_and_verify\ntrusted_ca_cert_file {f}/clients.pem\n}}",
    "Java": "need x",
}
# What a program writes otherwise than the rest, "" for what it does not write at all.
OTHERWISE: dict[str, dict[str, str]] = {
    "Apache": {"resetting": ""},
    "Haproxy": {"resetting": "closed-during-handshake"},
    "HaproxyTerse": dict.fromkeys((*GOOD, *VERIFYING, *EXPIRED), "reason-not-logged"),
    "Caddy": {"clear_text": ""},
    "Java": {"old": "", "hanging_up": "", "resetting": ""},
    "Exim": {"old": ""},  # Debian's has GnuTLS, which takes TLS 1.0
    "MariaDb": dict.fromkeys((*GOOD, *EXPIRED), "reason-not-logged"),
}
NAMES = ("Nginx", "Apache", "Haproxy", "HaproxyTerse", "Stunnel", "Postfix", "Dovecot", "Exim", "Postgres",
         "MariaDb", "Caddy", "Java")  # fmt: skip
AFTER_STARTTLS = ("clear_text", "garbage", "hanging_up", "resetting")
# What a look at the port leaves in the log, where it is no event.
LOOK = {
    "Postfix": "disconnect from",
    "Dovecot": "Disconnected",
    "Postgres": "connection received",
    "Exim": "",
}
# Long enough for a line that may be there or not.
A_WHILE = 2.5
FORMATS = {"HaproxyTerse": "haproxy", "Postgres": "postgresql", "MariaDb": "mysql"}


@pytest.fixture(scope="module")
def world() -> LabPki:
    return LabPki()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, world: LabPki) -> Path:
    """Roots and a client certificate for the broken clients."""
    found = tmp_path_factory.mktemp("clients")
    (found / "root.pem").write_text(world.root.pem)
    (found / "other.pem").write_text(LabPki().root.pem)
    stranger = Authority("Somebody's Client CA", profile=False)
    usage = ExtendedKeyUsageOID.CLIENT_AUTH
    stranger.issue("stranger.lab.test", usage=usage).write(found / "stranger.pem")
    return found


def read(data: bytes, form: str | None) -> list[Event]:
    reader = LogReader(REASONS, lambda: Stamps(UTC, clock.now()), form, "log")
    return list(reader.events(io.BytesIO(data).read))


def logged(
    log: Path, before: int, form: str, holds: Callable[[list[Event]], object] = bool,
    seconds: float = PATIENCE,
) -> list[Event]:  # fmt: skip
    """The events written since, once they are as they should be and stay so; where they never are, those there are."""
    deadline = time.monotonic() + seconds
    data = b""
    while True:
        now = log.read_bytes()[before:] if log.exists() else b""
        found = read(now, form)
        if (now == data and holds(found)) or time.monotonic() > deadline:
            return found
        data = now
        time.sleep(0.2)


def looked_at(name: str, log: Path) -> None:
    """Wait for what the look at the open port leaves in the log: it is none of the first case's."""
    text = LOOK.get(name)
    if text is None:
        assert logged(log, 0, FORMATS.get(name, name.lower()))
    else:
        until(
            lambda: log.exists() and text in log.read_text(errors="replace"), f"{text!r} of {name}"
        )


def cases(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    yield "good", GOOD
    if name in ASKS_FOR_CERTIFICATES:
        yield "verifying", VERIFYING
    yield "expired", EXPIRED


@pytest.mark.parametrize("name", NAMES)
def test_the_cause_of_each_failure_is_read_from_the_log(
    name: str, world: LabPki, folder: Path, tmp_path: Path
) -> None:
    wrong: dict[str, str] = {}
    for mode, wanted in cases(name):
        own = tmp_path / mode
        settings = ASKS_FOR_CERTIFICATES[name].format(f=own) if mode == "verifying" else ""
        shown = None
        if mode == "expired":
            shown = world.issue("localhost", days=3, start=datetime.now(UTC) - timedelta(days=9))
        with getattr(programs, name)(own, world, shown, settings) as server:
            looked_at(name, server.log)
            there = broken.Server(server.port, folder, starttls=server.starttls)
            for case, cause in wanted.items():
                if server.starttls and case in AFTER_STARTTLS:
                    continue
                before = server.log.stat().st_size if server.log.exists() else 0
                getattr(broken, case)(there)
                # A client that hangs up may leave one line or none: the true cause is always right.
                right = {cause, OTHERWISE.get(name, {}).get(case, cause)}
                found = logged(
                    server.log, before, FORMATS.get(name, name.lower()),
                    lambda events, right=right: events and events[-1].cause in right,
                    A_WHILE if "" in right else PATIENCE,
                )  # fmt: skip
                told = found[-1].cause if found else ""
                SEEN.setdefault(name, {})[case] = told or "-"
                if told not in right:
                    wrong[case] = told
                elif found and found[-1].peer is not None:
                    assert found[-1].peer in ("127.0.0.1", "localhost")
    assert wrong == {}


def test_nginx_says_what_real_clients_say(world: LabPki, folder: Path, tmp_path: Path) -> None:
    """curl, Java, GnuTLS, Go and Chromium that do not trust the server; curl with client certificates."""
    other = folder / "other.pem"
    callers: dict[str, whole.Client] = {
        "curl": whole.curl, "Java": whole.java(), "gnutls-cli": whole.gnutls_cli,
        "Go": whole.go(tmp_path), "Chromium": whole.chromium(tmp_path),
    }  # fmt: skip
    row = SEEN.setdefault("Nginx", {})
    with programs.Nginx(tmp_path / "good", world) as server:
        for name, call in callers.items():
            before = server.log.stat().st_size
            call("localhost", server.port, other)
            events = logged(
                server.log, before, "nginx", lambda found: any(not e.noise for e in found)
            )
            told = {event.cause for event in events if not event.noise}
            row[f"{name}, untrusting"] = ", ".join(sorted(told)) or "-"
            assert "untrusted-root" in told or name == "gnutls-cli", (name, events)
    ask = f"ssl_verify_client on;\nssl_client_certificate {tmp_path}/asks/clients.pem;"
    with programs.Nginx(tmp_path / "asks", world, settings=ask) as server:
        for case, pem in (("without_certificate", ""), ("stranger", str(folder / "stranger.pem"))):
            before = server.log.stat().st_size
            words = ("--cert", pem) if pem else ()
            whole.said(
                find("curl"), "-sS", "-m", "60", "--cacert", str(folder / "root.pem"),
                *words, f"https://localhost:{server.port}/",
            )  # fmt: skip
            events = logged(
                server.log, before, "nginx", lambda found: any(not e.noise for e in found)
            )
            (event,) = [e for e in events if not e.noise]
            row[case] = event.cause
            assert event.cause == VERIFYING[case]


def test_nginx_as_the_client_of_a_broken_server(world: LabPki, tmp_path: Path) -> None:
    expired = world.issue("app.lab.test", days=3, start=datetime.now(UTC) - timedelta(days=9))
    (tmp_path / "root.pem").write_text(world.root.pem)

    async def run() -> list[Event]:
        async with Origin({"app.lab.test": expired}) as origin:
            settings = (
                f"location /up {{ proxy_pass https://127.0.0.1:{origin.port}; proxy_ssl_verify on;"
                f" proxy_ssl_trusted_certificate {tmp_path}/root.pem; proxy_ssl_name app.lab.test;"
                " proxy_ssl_verify_depth 3; }"
            )
            with programs.Nginx(tmp_path / "nginx", world, settings=settings) as server:
                command = [find("curl"), "-sk", "-m", "60", f"https://localhost:{server.port}/up"]
                await asyncio.to_thread(whole.said, *command)
                return logged(
                    server.log, 0, "nginx", lambda found: any(event.upstream for event in found)
                )

    found = [event for event in asyncio.run(run()) if event.upstream]
    SEEN.setdefault("Nginx", {})["expired upstream"] = found[0].cause
    assert {event.cause for event in found} == {"certificate-expired"}
    assert {event.complainant for event in found} == {"client"}


def test_interceptors_log_the_clients_that_refuse_them_and_the_servers_they_refuse(
    world: LabPki, folder: Path, tmp_path: Path
) -> None:
    """Squid says why in an access log with err_detail only; mitmproxy says it best."""
    root, ca = folder / "root.pem", corporate_ca()
    (tmp_path / "ca.pem").write_text(ca.pem)
    tmp_path.chmod(0o755)
    start = datetime.now(UTC) - timedelta(days=9)
    leaves = {
        "good.test": world.issue("good.test"),
        "expired.test": world.issue("expired.test", days=3, start=start),
    }
    own = tmp_path / "squid"
    lines = (
        f"{BUMP_ALL}\nlogformat why %ts.%03tu %>a:%>p %Ss/%03>Hs %ru %ssl::>sni"
        f" %err_code/%err_detail\naccess_log stdio:{own}/access.log why"
    )

    async def fetch(proxy: str, host: str, port: int, trust: Path) -> None:
        command = [find("curl"), "-sS", "-m", "60", "-x", proxy, "--cacert", str(trust),
                   "--connect-to", f"{host}:{port}:127.0.0.1:{port}", f"https://{host}:{port}/"]  # fmt: skip
        if "squid" in proxy:
            command = [
                word for word in command if not word.startswith((f"{host}:{port}:", "--conn"))
            ]
        await asyncio.to_thread(whole.said, *[w.replace("squid.", "") for w in command])

    def both(found: list[Event]) -> bool:
        """Whether there is a client that was refused, and a server."""
        return {e.upstream for e in found if e.upstream or not e.noise} == {True, False}

    async def run() -> tuple[list[Event], list[Event], list[Event]]:
        async with Origin(leaves) as origin:
            hosts = dict.fromkeys(leaves, "127.0.0.1")
            with Squid(own, ca, root, hosts, lines) as squid:
                proxy = f"http://squid.127.0.0.1:{squid.port}"
                await fetch(proxy, "good.test", origin.port, folder / "other.pem")
                await fetch(proxy, "expired.test", origin.port, tmp_path / "ca.pem")
                access = logged(own / "access.log", 0, "squid", both)
                cache = logged(own / "cache.log", 0, "squid")
            async with Mitmdump(tmp_path / "mitm", trust=root) as mitm:
                await fetch(mitm.url, "good.test", origin.port, folder / "other.pem")
                own_ca = tmp_path / "mitm" / "mitmproxy-ca-cert.pem"
                await fetch(mitm.url, "expired.test", origin.port, own_ca)

                def told() -> list[Event]:
                    return read("\n".join(mitm.lines).encode(), "mitmproxy")

                await until_it_holds(lambda: both(told()), "both", lambda: mitm.lines)
                return access, cache, told()

    access, cache, mitm = asyncio.run(run())
    for name, found in (("Squid, access.log", access), ("mitmproxy", mitm)):
        client = [e for e in found if not e.upstream and not e.noise]
        server = [e for e in found if e.upstream]
        row = SEEN.setdefault(name, {})
        row["untrusting"] = client[0].cause
        row["expired upstream"] = server[0].cause
        assert client[0].cause in ("untrusted-root", "client-lacks-ca"), name
        assert client[0].name == "good.test"
        assert {e.cause for e in server} == {"certificate-expired"}
    silent = [e.cause for e in cache]
    SEEN.setdefault("Squid, cache.log", {})["untrusting"] = silent[0]
    assert silent == ["reason-not-logged"]


def test_the_command_reads_what_nginx_wrote_and_says_what_its_default_hides(
    world: LabPki, folder: Path, tmp_path: Path, tlsight: object
) -> None:
    with programs.Nginx(tmp_path / "nginx", world) as server:
        there = broken.Server(server.port, folder)
        broken.untrusting(there)
        broken.clear_text(there)
        logged(server.log, 0, "nginx", lambda found: any(e.cause == "not-tls" for e in found))
        config = tmp_path / "nginx" / "nginx.conf"
        done = tlsight("logs", "--json", "--config", str(config), str(server.log))  # type: ignore[operator]
        assert done.returncode == 1, done.stderr
        records = [json.loads(line) for line in done.stdout.splitlines()]
        causes = {(r["cause"], r["noise"]) for r in records if r["schema"] == "tlsight.logs/1"}
        assert ("untrusted-root", False) in causes
        assert ("not-tls", True) in causes
        assert not [r for r in records if r["schema"] == "tlsight.logs-blind/1"]
    quiet = tmp_path / "quiet.conf"
    quiet.write_text(config.read_text().replace(" info;", ";"))
    done = tlsight("logs", "--config", str(quiet), str(server.log))  # type: ignore[operator]
    assert "hidden (nginx)" in done.stdout
    assert "error_log /var/log/nginx/error.log info;" in done.stdout
