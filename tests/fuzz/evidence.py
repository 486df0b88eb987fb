"""Targets of captures, logs and messages: real captures and real lines, damaged."""

from __future__ import annotations

import ssl
import tempfile
from io import BytesIO
from pathlib import Path

import msgspec

from bench.captures import HEADER, Writer, conversation
from detector.capture.blocks import blocks
from detector.capture.connection import Connection
from detector.capture.cutting import Wanted, cut
from detector.capture.dtls import DtlsReader
from detector.capture.keylog import KeyLog
from detector.capture.one_section import OneSection
from detector.capture.packet_file import PacketFile
from detector.capture.preamble import read_preamble
from detector.capture.quic import QuicReader
from detector.chain.certificate import split_pem
from detector.forensics.anonymous import Anonymizer
from detector.forensics.judged import ConnectionJudge, JudgedConnection
from detector.forensics.servers import Servers
from detector.judging.diagnose import diagnose
from detector.knowledge.browser_hellos import browser_hellos
from detector.knowledge.explanations import error_table
from detector.knowledge.fixes import config_lines
from detector.logs import access, journal
from detector.logs.ledger import Ledger
from detector.messages.explaining import explain
from detector.report import pcap_chains, pcap_csv, pcap_zeek, pcap_zeek_x509
from detector.report.pcap_comment import comment
from detector.report.pcap_json import pcap_record
from tests.capture import packets as p
from tests.capture.test_preamble import BEFORE
from tests.capture.test_quic import talk
from tests.fuzz.lab import KNOWN
from tests.fuzz.target import Target
from tests.logs.reader import read
from tests.logs.test_programs import TRANSCRIPTS
from tests.logs.test_reading import EXPORT, XML

_MESSAGES = (
    b"curl: (60) SSL certificate problem: unable to get local issuer certificate",
    b"javax.net.ssl.SSLHandshakeException: PKIX path building failed",
    b"SSL_ERROR_UNKNOWN_CA_ALERT at https://a.example/",
    b"remote error: tls: bad certificate",
    b"(IN), TLS alert, unknown CA (560):",
    b"error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48",
    b"ssl.SSLError: [SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:1000)",
    b"received fatal alert: handshake_failure",
)


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


def _capture(data: bytes) -> None:
    """Everything that the command does with a file."""
    teller = ConnectionJudge(KNOWN, browser_hellos(), default_agent="Mozilla/5.0 Chrome/140.0")
    servers = Servers()
    hide = Anonymizer(b"k")
    for told in teller.tell(_bounded(p.read(data, limit=64))):
        hide.value(msgspec.to_builtins(pcap_record(told)))
        servers.note(told)
    for server, others in servers.inquired():
        if server.shows_something:
            diagnose(server.inquiry(KNOWN.causes, others), KNOWN, config_lines())


def _exported(data: bytes) -> None:
    """What is cut out is a whole capture in which every connection is found, and each has its lines in tables."""
    wanted = Wanted()
    for c in _bounded(p.read(data, limit=64)):
        one = JudgedConnection(c, None, ())
        wanted.add(c, comment(one), "x")
        assert pcap_csv.row(one).count("\n") == 1
        assert pcap_zeek.line(pcap_zeek.SSL_COLUMNS, pcap_zeek.ssl_values(c)).count("\n") == 1
        for der in c.chain:
            values = pcap_zeek_x509.x509_values(der, c.first, leaf=True, client=False)
            assert pcap_zeek.line(pcap_zeek_x509.X509_COLUMNS, values).count("\n") == 1
            assert len(split_pem(pcap_chains.pem((der,)))) == 1
    out = b"".join(cut(blocks(BytesIO(data).read), wanted, OneSection()))
    assert wanted.missed == 0
    if out:
        again = PacketFile(BytesIO(out).read)
        assert len(list(again)) >= len(wanted)
        assert not again.skipped
        assert not again.cut


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
    """What both sides said before TLS."""
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


def _message(data: bytes) -> None:
    """A pasted message: causes, each with the text or the circumstance that led to it."""
    for found in explain(data.decode("utf-8", "replace"), error_table()):
        assert found.identifiers or found.signals


def _hidden(data: bytes) -> None:
    """A name and an address between spaces are hidden, whatever stands around them."""
    around = data.decode("utf-8", "replace")
    hidden = Anonymizer(b"k").text(f"{around} www.bank.example 203.0.113.7 {around}")
    for secret in ("www.bank.example", "203.0.113.7"):
        assert secret in around or secret not in hidden


def targets() -> dict[str, Target]:
    """By name."""
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
        "capture": Target(_capture, _captures()),
        "capture-exported": Target(_exported, _captures()),
        "quic-and-dtls": Target(_udp, (*datagrams, b"\x16\xfe\xfd" + bytes(60))),
        "preamble": Target(_preamble, preambles),
        "log": Target(_log, (*lines, b"".join(lines))),
        "journal-and-friends": Target(_others, agents),
        "explain": Target(_message, (*_MESSAGES, *(line[:400] for line in lines))),
        "anonymous": Target(_hidden, (b"a.example.com at [2001:db8::1] and 192.0.2.1, O=Corp, CN=x",)),
    }  # fmt: skip
