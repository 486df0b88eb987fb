"""One followed connection against Wireshark: the same packets, messages, round trips, and ends.

Where both differ one of the reasons of `REASONS` holds, by the trace; anything else is a defect.
"""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from detector.capture.connection import Connection
from detector.capture.following import Followed, packets_of
from detector.capture.keylog import KeyLog
from detector.capture.packet_file import PacketFile
from detector.capture.tally import Tally
from detector.errors import ConfigError
from detector.lab.pki import LabPki
from detector.runs.files import opened
from detector.runs.following import followed
from detector.runs.packets import Capture
from tests.capture.zeek_traces import zeek_traces
from tests.live import captured
from tests.live.programs import find

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

NAMES = {
    "1": "ClientHello", "2": "ServerHello", "11": "Certificate", "12": "ServerKeyExchange",
    "13": "CertificateRequest", "14": "ServerHelloDone", "16": "ClientKeyExchange",
    "22": "CertificateStatus",
}  # fmt: skip
FIELDS = (
    "frame.number", "tls.handshake.type", "tcp.flags.fin", "tcp.flags.reset",
    "tcp.analysis.initial_rtt", "tls.alert_message.desc", "ip.src", "ipv6.src",
)  # fmt: skip
# Whose messages tshark does not name, or names elsewhere, when it is given no ports and no preferences.
REASONS = {
    "rdp-no-cookie-mstshash.pcap": "tshark does not look for TLS behind RDP's negotiation",
    "rdp-to-ssl.pcap": "tshark does not look for TLS behind RDP's negotiation",
    "wstunnel-https.pcap": "port 8888 is none of TLS to tshark",
    "https-to-http.pcap": "port 80 is HTTP to tshark",
    "ssl-to-http-server.pcap": "port 80 is HTTP to tshark",
    "irc-starttls.pcap": "tshark knows no STARTTLS of IRC",
    "psql-aws-ssl-preferred.pcap": "tshark does not look for TLS there",
    "psql-aws-ssl-require.pcap": "a packet overtook another: tshark names the one that came too soon",
    "psql-aws-ssl-require-15432.pcap": "the same",
    "tls1.2-protocol-violation.pcap": "a record of a wrong version ends the stream here",
    "ssl.v3.pcap": "a hello of SSL 2's form",
    "hrr.pcap": "out of order, as above",
    "chrome-1250-tls-x25519-kyber.pcap": "tshark takes a round trip of nothing for none",
    "ml-dsa-44-cert.pcap": "tshark takes a round trip of nothing for none",
}


def shark(path: Path, show: str) -> list[list[str]]:
    """Fields of the packets that a display filter shows."""
    asked = [word for field in FIELDS for word in ("-e", field)]
    command = [find("tshark"), "-n", "-r", str(path), "-Y", show, "-T", "fields", *asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return [line.split("\t") for line in done.stdout.splitlines()]


def compared(path: Path, c: Connection) -> dict[str, tuple[object, object]]:
    """What tshark and the follower say otherwise of one connection, by what it is about."""
    found = followed(str(path), c, KeyLog())
    with opened(str(path)) as file:
        ours = [number for number, *_ in packets_of(c, PacketFile(file.read))]
    rows = shark(path, found.display_filter)
    said: dict[str, tuple[object, object]] = {"packets": ([int(row[0]) for row in rows], ours)}
    if c.transport == "tcp":
        said |= _tcp(c, found, rows)
    return {about: (theirs, own) for about, (theirs, own) in said.items() if theirs != own}


def _tcp(c: Connection, found: Followed, rows: list[list[str]]) -> dict[str, tuple[object, object]]:
    named = {*NAMES.values(), "HelloRetryRequest"}
    hellos = {"HelloRetryRequest": "ServerHello"}
    messages = sorted(
        (int(row[0]), NAMES[kind]) for row in rows for kind in row[1].split(",") if kind in NAMES
    )
    ends = [
        (int(row[0]), "RST" if row[3] == "1" else "FIN", (row[6] or row[7]).split(",")[-1])
        for row in rows if "1" in row[2:4]
    ]  # fmt: skip
    own_ends = [
        (step.packet, step.what, c.client if step.sender == "client" else c.server)
        for step in found.steps if step.what in ("FIN", "RST")
    ]  # fmt: skip
    trip = next((float(row[4]) * 1000 for row in rows if row[4]), None)
    own_trip = found.ms.get("rtt")
    if trip is not None and own_trip is not None and abs(trip - own_trip) < 0.02:
        own_trip = trip
    return {
        "messages": (
            messages,
            sorted((s.packet, hellos.get(s.what, s.what)) for s in found.steps if s.what in named),
        ),
        "the first end": (ends[:1], own_ends[:1]),
        "round trip": (trip, own_trip),
    }


def test_wireshark_finds_the_same_packets_and_sees_the_same_in_zeeks_traces() -> None:
    wrong: dict[str, object] = {}
    seen = 0
    for path in zeek_traces(every=6):
        if path.suffix == ".gz":
            continue
        with suppress(ConfigError):
            for c in list(Capture(KeyLog()).connections(str(path), Tally()))[:2]:
                seen += 1
                differs = compared(path, c)
                if (
                    "packets" in differs
                    or "the first end" in differs
                    or (differs and path.name not in REASONS)
                ):
                    wrong[f"{path.name} #{c.number}"] = differs
    assert wrong == {}
    assert seen > 15


def test_ports_that_are_used_again_are_two_connections_to_wireshark_too(tmp_path: Path) -> None:
    """One client port, closed by a reset and used again at once; the second one is refused with an alert."""
    pki = LabPki()
    credential = pki.issue("localhost")
    (tmp_path / "site.pem").write_text(credential.chain_pem + credential.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "site.pem")
    path = tmp_path / "reused.pcap"
    with socket.create_server(("127.0.0.1", 0)) as listening, captured.tcpdump(path, "tcp"):
        port = listening.getsockname()[1]
        server = threading.Thread(target=_serve, args=(listening, context, 2))
        server.start()
        own = _connect(port, 0, ssl.create_default_context(cadata=pki.root.pem))
        _connect(port, own, ssl.create_default_context(cadata=LabPki().root.pem))
        server.join(20)
    both = [
        c for c in Capture(KeyLog()).connections(str(path), Tally())
        if c.server_port == port
    ]  # fmt: skip
    assert {c.client_port for c in both} == {own}
    assert len(both) == 2
    for c in both:
        assert compared(path, c) == {}
    alerts = [shark(path, followed(str(path), c, KeyLog()).display_filter) for c in both]
    assert [[row[5] for row in rows if row[5]] for rows in alerts] == [[], ["48"]]


def _serve(listening: socket.socket, context: ssl.SSLContext, count: int) -> None:
    for _ in range(count):
        connection, _ = listening.accept()
        with connection, suppress(OSError, ssl.SSLError):
            with context.wrap_socket(connection, server_side=True) as tls:
                tls.sendall(b"hello")
                tls.recv(100)


def _connect(port: int, own: int, context: ssl.SSLContext) -> int:
    """Shake hands in TLS 1.2 from a port of one's own, and leave by a reset; gives the port."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        plain.bind(("127.0.0.1", own))
        plain.connect(("127.0.0.1", port))
        used = int(plain.getsockname()[1])
        with suppress(ssl.SSLError):
            tls = context.wrap_socket(plain, server_hostname="localhost")
            tls.recv(5)
            tls.close()
    return used
