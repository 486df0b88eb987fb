"""Events at real receivers: what arrives, what a crash of theirs costs, and who stands in between."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from detector.agent.sinks import Sink, SinkError, Surroundings, http, journald, syslog
from detector.lab.pki import Authority, Credential
from detector.report.event_facts import facts, line
from detector.report.event_json import EventRecord, decode_event
from tests.agent.sample_events import NOON, finding, heartbeat, notice
from tests.live.event_world import Journal, NginxReceiver, Rsyslog
from tests.live.waiting import PATIENCE, until
from tests.report.test_event_forms import NASTY, hostile

pytestmark = pytest.mark.live

EVENTS = (finding(1, padding=2000), hostile(NASTY, finding(2)), heartbeat(3), notice(4))


def around(path: Path) -> Surroundings:
    return Surroundings("d" * 32, path, lambda: NOON, print)


def send(sink: Sink, *events: EventRecord, seconds: float = PATIENCE) -> None:
    async def main() -> None:
        async with asyncio.timeout(seconds):
            await sink.send(events)

    asyncio.run(main())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("Collectors", profile=False)


def client(folder: Path, authority: Authority, name: str = "agent.example") -> dict[str, str]:
    made = authority.issue(name, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    ca, pair = folder / "client-ca.pem", folder / f"{name}.pem"
    ca.write_text(authority.pem)
    pair.write_text(made.key_pem + made.chain_pem)
    return {"ca": str(ca), "certificate": str(pair)}


def server(authority: Authority, *names: str) -> Credential:
    return authority.issue(*(names or ("localhost",)))


@pytest.mark.parametrize("driver", ["ossl", "gtls"])
def test_rsyslog_reads_every_event_over_tls_with_its_structured_data(
    tmp_path: Path, authority: Authority, driver: str
) -> None:
    with Rsyslog(tmp_path / "rsyslog", server(authority), authority, driver) as receiver:
        settings = syslog.Settings(
            host="localhost", port=receiver.port, **client(tmp_path, authority)
        )
        send(syslog.open_sink(settings, around(tmp_path)), *EVENTS)
        until(lambda: len(receiver.received()) == len(EVENTS))
        received = receiver.received()
    for event, got in zip(EVENTS, received, strict=True):
        assert got["msg"].removeprefix("\ufeff") == line(event)
        assert (got["app"], got["pri"]) == ("tlsight", {3: "38", 4: "37"}.get(int(event.id, 16), "34"))  # fmt: skip
        (data,) = json.loads(got["sd"]).values()
        assert data == facts(event)


@pytest.mark.parametrize("name", ["stranger.example", None])
def test_a_refused_client_certificate_is_an_error_and_nothing_counts_as_delivered(
    tmp_path: Path, authority: Authority, name: str | None
) -> None:
    """In TLS 1.3 the client has long spoken when the server refuses it."""
    with Rsyslog(tmp_path / "rsyslog", server(authority), authority, "gtls") as receiver:
        more = client(tmp_path, authority, name or "x")
        if name is None:
            del more["certificate"]
        settings = syslog.Settings(host="localhost", port=receiver.port, **more)
        with pytest.raises(SinkError, match=r"alert|before it has read everything"):
            send(syslog.open_sink(settings, around(tmp_path)), *EVENTS)
        assert receiver.received() == []


def test_what_a_crashed_server_had_not_read_comes_again(
    tmp_path: Path, authority: Authority
) -> None:
    folder = tmp_path / "rsyslog"
    with Rsyslog(folder, None, authority) as receiver:
        settings = syslog.Settings(host="127.0.0.1", port=receiver.port, transport="tcp")
        sink = syslog.open_sink(settings, around(tmp_path))
        send(sink, finding(1))
        until(lambda: len(receiver.received()) == 1)
        receiver.kill()
        with pytest.raises(SinkError, match="refuses the connection"):
            send(sink, finding(2))
        with receiver:
            send(sink, finding(2))
            until(lambda: len(receiver.received()) == 2)


def test_a_server_that_dies_with_events_unread_confirms_nothing(tmp_path: Path) -> None:
    """Its system has taken and acknowledged all; the program that should have read it is gone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def dies() -> None:
            accepted, _ = listening.accept()
            accepted.recv(10)
            time.sleep(0.1)
            accepted.close()

        dying = threading.Thread(target=dies)
        dying.start()
        port = listening.getsockname()[1]
        settings = syslog.Settings(host="127.0.0.1", port=port, transport="tcp")
        with pytest.raises(SinkError, match="before it has read everything"):
            send(syslog.open_sink(settings, around(tmp_path)), *EVENTS)
        dying.join()


def test_a_server_that_turns_away_at_once_confirms_nothing(tmp_path: Path) -> None:
    """Its end crosses our bytes, and looks like one that follows them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def turns_away() -> None:
            listening.accept()[0].close()

        turned = threading.Thread(target=turns_away)
        turned.start()
        port = listening.getsockname()[1]
        settings = syslog.Settings(host="127.0.0.1", port=port, transport="tcp")
        with pytest.raises(SinkError, match="before it has read everything"):
            send(syslog.open_sink(settings, around(tmp_path)), *EVENTS)
        turned.join()


def test_syslog_by_datagrams_is_cut_to_fit_one(tmp_path: Path, authority: Authority) -> None:
    with Rsyslog(tmp_path / "rsyslog", None, authority) as receiver:
        settings = syslog.Settings(
            host="127.0.0.1", port=receiver.port, transport="udp", form="ndjson"
        )
        send(syslog.open_sink(settings, around(tmp_path)), *EVENTS)
        until(lambda: len(receiver.received()) == len(EVENTS))
        assert [got["id"] for got in receiver.received()] == ["interception-opened"] * 2 + ["heartbeat", "notice-started"]  # fmt: skip


def test_rsyslog_takes_a_whole_event_as_json(tmp_path: Path, authority: Authority) -> None:
    with Rsyslog(tmp_path / "rsyslog", None, authority) as receiver:
        settings = syslog.Settings(
            host="127.0.0.1", port=receiver.port, transport="tcp", form="ndjson"
        )
        send(syslog.open_sink(settings, around(tmp_path)), *EVENTS)
        until(lambda: len(receiver.received()) == len(EVENTS))
        told = [decode_event(got["msg"].encode()).id for got in receiver.received()]
    assert told == [event.id for event in EVENTS]


def test_nginx_takes_batches_with_a_client_certificate_and_a_token(
    tmp_path: Path, authority: Authority
) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with NginxReceiver(tmp_path / "nginx", server(authority), authority) as receiver:
        url = f"https://localhost:{receiver.port}/in"
        more = client(tmp_path, authority)
        settings = http.Settings(url=url, token_file=str(token), **more)
        send(http.open_sink(settings, around(tmp_path)), *EVENTS)
        until(lambda: len(receiver.received()) == 1)
        (got,) = receiver.received()
        assert [decode_event(each.encode()) for each in got["body"].splitlines()] == list(EVENTS)
        assert (got["protocol"], got["token"]) == ("HTTP/1.1", "Bearer s3cret")
        assert "agent.example" in got["client"]
        busy = http.Settings(url=url.replace("/in", "/busy"), **more)
        with pytest.raises(SinkError, match="answers 503") as caught:
            send(http.open_sink(busy, around(tmp_path)), *EVENTS)
        assert caught.value.after == 30
        bare = http.Settings(url=url, ca=more["ca"])
        with pytest.raises(SinkError, match=r"answers 400|alert"):
            send(http.open_sink(bare, around(tmp_path)), *EVENTS)
        assert len(receiver.received()) == 1


def test_the_journal_has_each_event_under_its_fields_also_a_large_one(tmp_path: Path) -> None:
    large = finding(5, padding=400_000)
    with Journal(tmp_path / "journal") as journal:
        settings = journald.Settings(path=str(journal.socket), observation=True)
        sink = journald.open_sink(settings, around(tmp_path))
        send(sink, *EVENTS, large)
        until(lambda: len(journal.received("SYSLOG_IDENTIFIER=tlsight")) == len(EVENTS) + 1)
        received = journal.received("SYSLOG_IDENTIFIER=tlsight")
        assert len(journal.received("TLSIGHT_WHAT=interception")) == 3
    for event, got in zip((*EVENTS, large), received, strict=True):
        assert got["MESSAGE"] == line(event)
        for name, value in facts(event).items():
            assert got[f"TLSIGHT_{name.upper().replace('-', '_')}"] == value
        assert decode_event(got["TLSIGHT_EVENT"].encode()) == event
    assert received[0]["PRIORITY"] == "2"
    assert json.loads(received[-1]["TLSIGHT_EVENT"])["observation"]


def test_a_server_that_never_ends_a_connection_is_an_error_unless_that_is_not_asked(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        settings = syslog.Settings(host="127.0.0.1", port=port, transport="tcp")
        with pytest.raises(TimeoutError):
            send(syslog.open_sink(settings, around(tmp_path)), finding(1), seconds=0.3)
        settings = syslog.Settings(host="127.0.0.1", port=port, transport="tcp", confirm=False)
        send(syslog.open_sink(settings, around(tmp_path)), finding(1))
