"""Captures of real traffic: the causes that the lab knows to be true, and that a live diagnosis names."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from detector.chain.certificate import read_certificate
from detector.forensics.story import ServerDiagnosis
from detector.known.knowledge import Knowledge
from detector.lab.cases import CASES, Case
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.lab.world import open_world
from detector.logs.access import agents
from tests.lab.test_cases import investigated
from tests.live import captured
from tests.live import clients as whole
from tests.live.conftest import TABLES
from tests.live.programs import Squid, Sslsplit, corporate_ca, find
from tests.live.servers import NginxServer
from tests.live.waiting import PATIENCE, until

pytestmark = pytest.mark.live

TRUTH = TABLES.setdefault("captures: lab case, cause by live diagnosis and by capture", {})
HELLOS = TABLES.setdefault("captures: browsers' hellos, alone and behind a proxy", {})
# What no packet shows: the name that was typed, a clock, what is said under encryption, what a CA would answer.
HIDDEN = frozenset(
    (
        "address",  # no SNI: the capture shows none that was asked for
        "default-site",
        "other-clock",
        "client-certificate-http",
        "no-name",
        "revoked-ocsp",
        "revoked-list",
    )
)


# Of these nothing comes, however long one waits.
SILENT = frozenset(("dropped", "silent"))


async def _curl(one: Case, port: int, folder: Path, keys: Path) -> None:
    """Curl of the same server, its secrets logged."""
    proxy = next((word for word in one.options if word.startswith("http://")), None)
    way = (
        ["-x", proxy.format(port=port)] if proxy else ["--resolve", f"{one.host}:{port}:127.0.0.1"]
    )
    certificate = ["--cert", str(folder / "stranger.pem")] if "--client-cert" in one.options else []
    where = f"https://{one.host}/" if proxy else f"https://{one.host}:{port}/"
    seconds = "2" if one.id in SILENT else "30"
    command = [find("curl"), "-sS", "-m", seconds, "--cacert", str(folder / "root.pem"), *way]
    await asyncio.to_thread(
        lambda: whole.said(*command, *certificate, where, SSLKEYLOGFILE=str(keys))
    )


@pytest.mark.timeout(400)
def test_a_capture_of_the_lab_has_the_causes_that_are_true(tmp_path: Path) -> None:
    ports: dict[str, int] = {}
    live: dict[str, list[str]] = {}
    keys = tmp_path / "keys.txt"

    async def run() -> Knowledge:
        async with open_world(tmp_path) as pki:
            known = pki.knowledge()
            for one in CASES:
                if one.id in HIDDEN:
                    continue
                while one.id not in ports:
                    async with one.make(pki) as server:
                        if server.port in ports.values():
                            continue  # the system gave a port again: two cases would be one server
                        ports[one.id] = server.port
                        await _curl(one, server.port, tmp_path, keys)
                        found = await investigated(one, server.port, tmp_path, known)
                        live[one.id] = [cause.id for cause in found.causes]
            return known

    path = tmp_path / "lab.pcap"
    with captured.tcpdump(path, "tcp and not port 53"):
        known = asyncio.run(run())
    _, story = captured.read(path, known, keys, ports=tuple(ports.values()))
    by_port: dict[int, list[ServerDiagnosis]] = {}
    for row in story.servers:
        by_port.setdefault(row.server.port, []).append(row)
    wrong: dict[str, list[str]] = {}
    for one in CASES:
        if one.id in HIDDEN:
            continue
        made = by_port[ports[one.id]][0].diagnosis
        found = [cause.id for cause in made.causes] if made is not None else []
        first = found[0] if found else "healthy"
        TRUTH[one.id] = {
            "truth": one.cause, "live": (live[one.id] or ["healthy"])[0], "capture": first,
        }  # fmt: skip
        if first != one.cause:
            wrong[one.id] = found
        elif one.cause == "tls-intercepted":
            assert made is not None
            assert made.judgement.verdict == "intercepted"
    assert wrong == {}


@pytest.mark.parametrize("engine", ["mitmproxy", "squid", "sslsplit"])
def test_a_capture_at_the_client_is_judged_intercepted(engine: str, tmp_path: Path) -> None:
    """The CA is trusted, curl is content; TLS 1.3 is opened with its key log."""
    tmp_path.chmod(0o755)
    pki = LabPki()
    (tmp_path / "root.pem").write_text(pki.root.pem)
    ca = corporate_ca()
    (tmp_path / "ca.pem").write_text(ca.pem)
    keys, path = tmp_path / "keys.txt", tmp_path / "client.pcap"
    root = tmp_path / "root.pem"

    def curl(trust: Path, *way: str) -> None:
        said = whole.said(
            find("curl"), "-sS", "-m", "60", "-o", "/dev/null", "-w", "%{http_code}",
            "--cacert", str(trust), *way, SSLKEYLOGFILE=str(keys),
        )  # fmt: skip
        assert said == "200", said

    async def run() -> int:
        async with Origin({"site.test": pki.issue("site.test")}) as origin:
            url = f"https://site.test:{origin.port}/"
            mapped = f"site.test:{origin.port}:127.0.0.1"
            if engine == "mitmproxy":
                async with Mitmdump(tmp_path / "mitm", trust=root) as proxy:
                    own = tmp_path / "mitm" / "mitmproxy-ca-cert.pem"
                    to = f"site.test:{origin.port}:127.0.0.1:{origin.port}"
                    await asyncio.to_thread(curl, own, "-x", proxy.url, "--connect-to", to, url)
                    return proxy.port
            if engine == "squid":
                with Squid(tmp_path / "squid", ca, root, {"site.test": "127.0.0.1"}) as squid:
                    way = ("-x", f"http://127.0.0.1:{squid.port}", url)
                    await asyncio.to_thread(curl, tmp_path / "ca.pem", *way)
                    return squid.port
            with Sslsplit(tmp_path / "split", ca, origin.port) as split:
                way = ("--resolve", mapped.replace(str(origin.port), str(split.port)),
                       url.replace(str(origin.port), str(split.port)))  # fmt: skip
                await asyncio.to_thread(curl, tmp_path / "ca.pem", *way)
                return split.port

    with captured.tcpdump(path, "tcp"):
        port = asyncio.run(run())
    told, _ = captured.read(path, pki.knowledge(), keys)
    ours = [t for t in told if t.connection.server_port == port and t.connection.chain]
    assert {t.verdict for t in ours} == {"intercepted"}
    assert {t.connection.sni for t in ours} == {"site.test"}
    # The same origin, seen on the other side of the proxy, is not intercepted.
    theirs = [t for t in told if t.connection.server_port != port and t.connection.chain]
    assert "intercepted" not in {t.verdict for t in theirs}


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
@pytest.mark.parametrize("engine", ["", "mitmproxy", "squid", "sslsplit"])
@pytest.mark.timeout(300)
def test_a_browsers_hello_is_its_own_alone_and_not_behind_a_proxy(
    browser: str, engine: str, tmp_path: Path
) -> None:
    """Seen from the server, whose access log has the User-Agent that the browser really sent."""
    pki, ca = LabPki(), corporate_ca()
    root, trust = tmp_path / "root.pem", tmp_path / "trust.pem"
    root.write_text(pki.root.pem)
    trust.write_text(ca.pem if engine else pki.root.pem)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(0o755)
    path, log = tmp_path / "server.pcap", tmp_path / "access.log"
    settings = f"access_log {log} combined;"

    async def run() -> int:
        with NginxServer(tmp_path / "origin", pki, settings=settings) as origin:
            call = getattr(whole, browser)
            if engine == "mitmproxy":
                async with Mitmdump(tmp_path / "mitm", trust=root, ca=ca.credential()) as proxy:
                    fetch = call(tmp_path, f"127.0.0.1:{proxy.port}")
                    await asyncio.to_thread(fetch, "localhost", origin.port, trust)
            elif engine == "squid":
                with Squid(tmp_path / "squid", ca, root, {"localhost": "127.0.0.1"}) as squid:
                    fetch = call(tmp_path, f"127.0.0.1:{squid.port}")
                    await asyncio.to_thread(fetch, "localhost", origin.port, trust)
            elif engine == "sslsplit":
                with Sslsplit(tmp_path / "split", ca, origin.port) as split:
                    await asyncio.to_thread(call(tmp_path), "localhost", split.port, trust)
            else:
                await asyncio.to_thread(call(tmp_path), "localhost", origin.port, trust)
            return origin.port

    with captured.tcpdump(path, "tcp"):
        port = asyncio.run(run())
    named = agents(log.read_bytes().splitlines())
    agent = named["127.0.0.1", 0]
    assert ("Chrome/" if browser == "chromium" else "Firefox/") in agent
    told, _ = captured.read(path, pki.knowledge(), agent=agent)
    opinions = [
        t.opinion
        for t in told
        if t.connection.server_port == port and t.opinion is not None and t.connection.completed
    ]
    row = HELLOS.setdefault(browser, {})
    row[f"behind {engine}" if engine else "alone"] = ", ".join(
        sorted({o.interception for o in opinions})
    )
    wanted = "likely" if engine else "unlikely"
    assert {o.interception for o in opinions} == {wanted}, [o.differs for o in opinions]
    assert {o.looks_like for o in opinions} == {engine or None}


TSHARK_FIELDS = (
    "tcp.srcport", "tls.handshake.type", "tls.handshake.extensions_server_name",
    "tls.handshake.ja3", "tls.handshake.ja3s", "tls.alert_message.desc", "tls.handshake.certificate",
)  # fmt: skip


def test_tshark_sees_the_same_hellos_names_fingerprints_certificates_and_alerts(
    tmp_path: Path,
) -> None:
    pki, keys = LabPki(), tmp_path / "keys.txt"
    (tmp_path / "root.pem").write_text(pki.root.pem)
    (tmp_path / "other.pem").write_text(LabPki().root.pem)
    path = tmp_path / "all.pcap"

    async def run() -> int:
        async with Origin({"localhost": pki.issue("localhost")}) as origin:
            for trust in ("root.pem", "other.pem"):
                for call in (whole.curl, whole.python, whole.gnutls_cli, whole.node):
                    await asyncio.to_thread(call, "localhost", origin.port, tmp_path / trust)
                for word in ("-tls1_2", "-tls1_3"):
                    await asyncio.to_thread(
                        whole.said, find("openssl"), "s_client", "-connect",
                        f"127.0.0.1:{origin.port}", word, "-brief", "-verify_return_error",
                        "-CAfile", str(tmp_path / trust), "-keylogfile", str(keys),
                    )  # fmt: skip
            return origin.port

    with captured.tcpdump(path, "tcp"):
        port = asyncio.run(run())
    told, _ = captured.read(path, pki.knowledge())
    ours = [t.connection for t in told if t.connection.server_port == port]
    command = [find("tshark"), "-r", str(path), "-d", f"tcp.port=={port},tls", "-Y",
               f"tcp.port=={port} && (tls.handshake || tls.alert_message)", "-T", "fields"]  # fmt: skip
    command += [word for field in TSHARK_FIELDS for word in ("-e", field)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    rows = [
        dict(zip(TSHARK_FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()
    ]
    assert len(ours) >= 12
    for c in ours:
        sent = [row for row in rows if row["tcp.srcport"] == str(c.client_port)]
        assert c.hello is not None
        hello = next(row for row in sent if row["tls.handshake.ja3"])
        assert hello["tls.handshake.ja3"] == c.hello.ja3
        assert (hello["tls.handshake.extensions_server_name"] or None) == c.sni
    theirs = [row for row in rows if row["tcp.srcport"] == str(port)]
    prints = sorted(p for row in theirs for p in row["tls.handshake.ja3s"].split(",") if p)
    assert prints == sorted(c.answer.ja3s for c in ours if c.answer is not None)
    shown = sorted(
        der
        for row in theirs
        for der in row["tls.handshake.certificate"].replace(":", "").split(",")
        if der
    )
    assert shown == sorted(der.hex() for c in ours for der in c.chain)
    assert all(read_certificate(bytes.fromhex(der)) for der in shown)
    alerts = sorted(int(d) for row in rows for d in row["tls.alert_message.desc"].split(",") if d)
    assert [code for code in alerts if code] == sorted(
        a.code for c in ours for a in c.alerts if a.code
    )


def test_the_command_reads_it_live_through_tcpdump(tmp_path: Path, tlsight: object) -> None:
    """--interface: a child of ours captures, and the connections are told as they end."""
    pki = LabPki()
    (tmp_path / "root.pem").write_text(pki.root.pem)

    async def run() -> list[str]:
        async with Origin({"localhost": pki.issue("localhost")}) as origin:
            program = await asyncio.create_subprocess_exec(
                ".venv/bin/tlsight" if Path(".venv/bin/tlsight").exists() else "tlsight",
                "pcap", "--interface", "lo", "--filter", f"port {origin.port}", "--json", "--no-store",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert program.stdout is not None
            try:
                async with asyncio.timeout(2 * PATIENCE):
                    while True:
                        await asyncio.to_thread(
                            whole.curl, "localhost", origin.port, tmp_path / "root.pem"
                        )
                        try:
                            async with asyncio.timeout(2):
                                return [(await program.stdout.readline()).decode()]
                        except TimeoutError:
                            continue
            finally:
                program.terminate()
                await program.wait()

    assert tlsight is not None
    (line,) = asyncio.run(run())
    assert json.loads(line)["sni"] == "localhost"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_capturing_program_outlives_the_command(ending: signal.Signals) -> None:
    """Whatever ends it, also where SIGINT is ignored; on an idle interface nothing else would tell."""
    command = [
        sys.executable, "-m", "detector", "pcap", "--interface", "lo", "--filter", "port 9", "--json",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509
    ) as program:  # fmt: skip
        children: list[str] = []

        def captures() -> bool:
            found = subprocess.run(
                ["pgrep", "-P", str(program.pid), "dumpcap|tcpdump"], capture_output=True, text=True
            )
            children[:] = found.stdout.split()
            return bool(children)

        try:
            until(captures, "the capturing program")
            program.send_signal(ending)
            program.wait(PATIENCE)
        finally:
            program.kill()
    until(
        lambda: not any(Path(f"/proc/{one}").exists() for one in children),
        "the end",
        lambda: children,
    )
