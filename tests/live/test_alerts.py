"""One alert, one meaning: every verb that sees a server's alert names the cause of the one table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addons.bypass.attempt import Attempt, classify
from detector.lab.loopback import Loopback
from detector.model.alerts import NAMES, AlertContext, Side, meanings
from detector.wire.alerts import FATAL
from detector.wire.records import ALERT, encode_record
from tests.cli.conftest import Run, running
from tests.live import captured
from tests.live.conftest import TABLES

pytestmark = pytest.mark.live

CODES = (40, 42, 43, 44, 45, 46, 48, 49, 70, 71, 80, 86, 90, 109, 112, 116, 120)
SEEN = TABLES.setdefault(
    "alerts: a server's alert after the ClientHello, and its cause by verb", {}
)
# What all of them know of the connection: today's hello was sent, with a name and protocols, and not answered.
KNOWN = AlertContext(
    offered=0x0304, named=True, protocols=True, asked=False, shown=False, answered=False
)
NGINX = (
    "2026/11/24 00:23:21 [{level}] 12#12: *6 SSL_do_handshake() failed (SSL: error:0A000{reason:03X}:SSL"
    " routines::tls alert:SSL alert number {code}) while SSL handshaking{where}, client: 192.0.2.7,"
    " server: {server}{upstream}\n"
)  # fmt: skip
VERSIONS = frozenset(("version-mismatch", "no-shared-cipher", "weak-cipher-only"))


class Complaining(Loopback):
    """Answers every ClientHello with one fatal alert."""

    def __init__(self, code: int) -> None:
        super().__init__(None)
        self._alert = encode_record(ALERT, bytes((FATAL, code)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readexactly(5)
            await reader.readexactly(int.from_bytes(head[3:]))
            writer.write(self._alert)
            await writer.drain()
            writer.write_eof()
            await reader.read(1 << 16)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has left
        finally:
            writer.close()


def logged(code: int, writer: Side) -> str:
    """What nginx writes when it receives the alert: from its own client, or from its upstream."""
    upstream = writer == "client"
    return NGINX.format(
        level="error" if upstream else "info",
        reason=1000 + code,
        code=code,
        where=" to upstream" if upstream else "",
        server="a.example",
        upstream=', request: "GET / HTTP/1.1", upstream: "https://192.0.2.9:443/"'
        if upstream
        else "",
    )


@contextmanager
def complaining() -> Generator[dict[int, int]]:
    """A server for each alert: ports by code."""
    with ExitStack() as stack:
        yield {code: stack.enter_context(running(Complaining(code))).port for code in CODES}


@pytest.mark.timeout(300)
def test_every_verb_gives_a_servers_alert_the_same_first_cause(
    tmp_path: Path, tlsight: Run
) -> None:
    path = tmp_path / "alerts.pcap"
    with captured.tcpdump(path, "tcp"), complaining() as ports:
        targets = [f"localhost:{port}" for port in ports.values()]
        way = ("--json", "--timeout", "2", "--no-history", "--no-store", "--no-local-roots")
        found = {
            verb: {
                record["target"]["port"]: record["causes"][0]["id"]
                for record in map(json.loads, tlsight(verb, *way, *targets).stdout.splitlines())
            }
            for verb in ("check", "diagnose")
        }
    read = tlsight("pcap", "--summary", *way[:1], "--no-history", "--no-store", path)
    by_server = {}
    for line in read.stdout.splitlines():
        record = json.loads(line)
        port = int(record["key"].rpartition(":")[2]) if record["by"] == "server" else None
        if port in ports.values():  # others use this machine's loopback too
            by_server[port] = record["diagnosis"][0]
    wrong = {}
    for code, port in ports.items():
        cause = meanings(code, "client", KNOWN)[0].cause
        row = {verb: found[verb][port] for verb in found} | {"pcap": by_server.get(port, "nothing")}
        SEEN.setdefault(f"{code} {NAMES[code]}", {}).update({"the table": cause} | row)
        if set(row.values()) != {cause}:
            wrong[code] = row
    assert wrong == {}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("writer", ["client", "server"])
def test_texts_know_no_connection_and_list_what_the_verbs_name(
    code: int, writer: Side, tmp_path: Path, tlsight: Run
) -> None:
    line = logged(code, writer)
    anybody = [meaning.cause for meaning in meanings(code, writer)]
    explained = json.loads(tlsight("explain", "--json", line).stdout)
    causes = [one["id"] for one in explained["causes"]]
    assert set(anybody) == set(causes)
    assert causes[0] == anybody[0]
    log = tmp_path / "error.log"
    log.write_text(line)
    said = tlsight("logs", "--json", "--timezone", "UTC", log).stdout
    (group,) = (
        one for one in map(json.loads, said.splitlines()) if one["schema"] == "tlsight.logs/1"
    )
    assert group["cause"] in anybody
    assert group["alert"] == code
    row = SEEN.setdefault(f"{code} {NAMES[code]}", {})
    row[f"logs, nginx as {writer}"] = group["cause"]
    if writer == "client":
        row["explain"] = causes[0]
        assert meanings(code, writer, KNOWN)[0].cause in causes


@pytest.mark.parametrize("code", CODES)
def test_the_addon_asks_the_same_table(code: int) -> None:
    """It asks the host for a version, its owner for a certificate, or nothing, as the cause has it."""
    attempt = Attempt(
        datetime.now(UTC), "server", "a.example", 443, "192.0.2.7", "failed", alert=code,
        alert_by="server",
    )  # fmt: skip
    cause = meanings(code, "client", AlertContext())[0].cause
    wanted = "upstream-version" if cause in VERSIONS else "glitch"
    wanted = "upstream-mtls" if cause == "client-certificate-required" else wanted
    SEEN.setdefault(f"{code} {NAMES[code]}", {})["addon"] = classify(attempt)
    assert classify(attempt) == wanted
