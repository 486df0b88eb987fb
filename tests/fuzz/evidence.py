"""Fuzz targets of captures and logs: real captures and real lines, damaged."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.captures import HEADER, Writer, conversation
from detector.capture.connection import Connection
from detector.capture.dtls import DtlsReader
from detector.capture.keylog import KeyLog
from detector.capture.preamble import read_preamble
from detector.capture.quic import QuicReader
from detector.forensics.anonymous import Anonymizer
from detector.forensics.judged import ConnectionJudge
from detector.judging.diagnose import diagnose
from detector.knowledge.browser_hellos import browser_hellos
from detector.knowledge.fixes import config_lines
from detector.known.knowledge import Knowledge
from detector.logs import access, journal
from detector.logs.ledger import Ledger
from detector.report.pcap_json import pcap_record
from tests.capture import packets as p
from tests.capture.test_preamble import BEFORE
from tests.capture.test_quic import talk
from tests.logs.reader import read
from tests.logs.test_programs import TRANSCRIPTS
from tests.logs.test_reading import EXPORT, XML


def _captures() -> tuple[bytes, ...]:
    """Handshakes of both versions, a refusal, one after CONNECT, QUIC; as pcap and pcapng."""
    old, modern = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    made = [
        HEADER + Writer(conversation(version, 600, trusted=trusted)).connection(1, p.START)
        for version, trusted in ((old, True), (modern, True), (old, False))
    ]
    said = p.Talk(port=3128).open()
    for from_client, data in BEFORE["http-connect"]:
        said.send(from_client, data)
    for from_client, _, data in conversation(old, 100):
        if data:
            said.send(from_client, data)
    made.append(p.pcapng(said.close().packets, 101))
    with tempfile.TemporaryDirectory() as folder:
        made.append(p.pcap(talk(Path(folder)), 101))
    return tuple(made)


def _capture(known: Knowledge) -> Callable[[bytes], None]:
    """Everything that the command does with a file."""
    browsers = browser_hellos()

    def parse(data: bytes) -> None:
        teller = ConnectionJudge(known, browsers, default_agent="Mozilla/5.0 Chrome/140.0")
        hide = Anonymizer(b"k")
        for told in teller.tell(_bounded(p.read(data, limit=64))):
            hide.value(msgspec.to_builtins(pcap_record(told)))
        for server, others in teller.servers.inquired():
            if server.shows_something:
                diagnose(server.inquiry(known.causes, others), known, config_lines())

    return parse


def _bounded(found: list[Connection]) -> list[Connection]:
    return found[:50]


def _udp(data: bytes) -> None:
    """A datagram as QUIC and as DTLS."""
    reader = QuicReader()
    for side in ("client", "server"):
        reader.feed(side, data)
    dtls = DtlsReader()
    try:
        dtls.feed(data)
    finally:
        assert len(dtls.messages) <= 64


def _preamble(data: bytes) -> None:
    half = len(data) // 2
    read_preamble(data[:half], data[half:])
    read_preamble(data, b"")


def _log(data: bytes) -> None:
    """Lines of every program at once, counted."""
    ledger = Ledger()
    for event in read(data, "mixed"):
        ledger.add(event)
    ledger.onsets(0.0, [(1.0, "", "x")])
    ledger.hints()


def _others(data: bytes) -> None:
    """Access logs, journals, Schannel's events, key logs."""
    access.agents(data.splitlines())
    b"".join(journal.as_lines([data]))
    KeyLog().add(data.splitlines())
    read(data, "schannel")


def parsers(known: Knowledge) -> dict[str, tuple[Callable[[bytes], None], tuple[bytes, ...]]]:
    """By name: what reads, and what it starts from."""
    lines = tuple(lines.encode() + b"\n" for lines, _ in TRANSCRIPTS)
    with tempfile.TemporaryDirectory() as folder:
        datagrams = tuple(packet[28:] for packet in talk(Path(folder))[:4])
    agents = (
        b'192.0.2.7 - - [24/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Firefox/128.0"\n',
        b'{"request":{"remote_ip":"192.0.2.7","remote_port":"5","headers":{"User-Agent":["x"]}}}\n',
        EXPORT,
        XML.format(id=36887, alert=48).encode(),
        b"Level,Date and Time,Source,Event ID,Task Category\nError,11/24/2026,Schannel,36887,None,x\n",
        b"CLIENT_HANDSHAKE_TRAFFIC_SECRET " + b"ab" * 32 + b" " + b"cd" * 32 + b"\n",
    )
    preambles = tuple(b"".join(data for _, data in said) for said in BEFORE.values())
    return {
        "capture": (_capture(known), _captures()),
        "quic-and-dtls": (_udp, (*datagrams, b"\x16\xfe\xfd" + bytes(60))),
        "preamble": (_preamble, preambles),
        "log": (_log, (*lines, b"".join(lines))),
        "journal-and-friends": (_others, agents),
    }
