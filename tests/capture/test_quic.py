"""QUIC's Initial packets, made by aioquic."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import IO

import pytest
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.tls import CipherSuite

from detector.capture.connection import Connection, SeenAlert
from detector.capture.keylog import KeyLog
from detector.capture.tally import Tally
from detector.lab.pki import LabPki
from detector.runs.packets import Capture
from tests.capture import packets as p
from tests.capture.zeek_traces import zeek_trace

QUIC_V2 = 0x6B3343CF


def key_log(secrets: StringIO) -> KeyLog:
    found = KeyLog()
    found.add(secrets.getvalue().encode().splitlines())
    return found


def talk(
    folder: Path, *, trusted: bool = True, version: int | None = None, keys: IO[str] | None = None,
    suite: CipherSuite | None = None,
) -> list[bytes]:  # fmt: skip
    """IP packets of a client and a server that shake hands; their secrets go into `keys`."""
    pki = LabPki()
    (folder / "server.pem").write_text(pki.issue("quic.example").chain_pem)
    credential = pki.issue("quic.example")
    (folder / "server.pem").write_text(credential.chain_pem)
    (folder / "server.key").write_text(credential.key_pem)
    root = pki.root.pem if trusted else LabPki().root.pem
    ours = QuicConfiguration(is_client=True, server_name="quic.example", alpn_protocols=["h3"])
    ours.secrets_log_file = keys
    ours.cipher_suites = [suite] if suite is not None else None
    ours.load_verify_locations(cadata=root.encode())
    if version is not None:
        ours.original_version = version
        ours.supported_versions = [version]
    theirs = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    theirs.load_cert_chain(folder / "server.pem", folder / "server.key")
    if version is not None:
        theirs.supported_versions = [version]
    client = QuicConnection(configuration=ours)
    client.connect(("192.0.2.5", 443), now=0.0)
    server: QuicConnection | None = None
    sent: list[bytes] = []
    for step in range(6):
        now = step / 10
        for data, _ in client.datagrams_to_send(now):
            sent.append(p.udp(p.CLIENT, p.SERVER, (50000, 443), data))
            if server is None:
                server = QuicConnection(
                    configuration=theirs,
                    original_destination_connection_id=client.original_destination_connection_id,
                )
            server.receive_datagram(data, ("10.0.0.9", 50000), now)
        assert server is not None
        for data, _ in server.datagrams_to_send(now):
            sent.append(p.udp(p.SERVER, p.CLIENT, (443, 50000), data))
            client.receive_datagram(data, ("192.0.2.5", 443), now)
    return sent


@pytest.mark.parametrize("version", [None, QUIC_V2])
def test_both_hellos_are_read(version: int | None, tmp_path: Path) -> None:
    c = p.one(talk(tmp_path, version=version))
    assert (c.transport, c.protocol, c.sni) == ("udp", "quic", "quic.example")
    assert c.hello is not None
    assert c.hello.ja4.startswith("q13d")
    assert c.hello.alpn == ("h3",)
    assert c.answer is not None
    assert c.answer.version == 0x0304
    assert c.completed


def test_a_client_that_refuses_the_certificate_has_not_completed(tmp_path: Path) -> None:
    c = p.one(talk(tmp_path, trusted=False))
    assert c.sni == "quic.example"
    assert c.answer is not None
    assert not c.completed
    assert c.alerts == (
        SeenAlert("client", 42, fatal=True),
    )  # aioquic says it in an Initial packet, too


@pytest.mark.parametrize("suite", list(CipherSuite)[:3])
@pytest.mark.parametrize("version", [None, QUIC_V2])
def test_a_key_log_opens_the_certificates(
    version: int | None, suite: CipherSuite, tmp_path: Path
) -> None:
    keys = StringIO()
    packets = talk(tmp_path, version=version, keys=keys, suite=suite)
    (c,) = p.read(p.pcap(packets, 101), key_log(keys))
    assert len(c.chain) == 2
    assert c.alpn == "h3"
    assert c.completed
    (c,) = p.read(p.pcap(packets, 101))
    assert c.chain == ()


def test_a_key_log_tells_why_the_client_went_away(tmp_path: Path) -> None:
    keys = StringIO()
    packets = talk(tmp_path, trusted=False, keys=keys)
    (c,) = p.read(p.pcap(packets, 101), key_log(keys))
    assert not c.completed
    assert c.alerts == (SeenAlert("client", 42, fatal=True),)
    assert len(c.chain) == 2


def test_secrets_that_do_not_fit_open_nothing(tmp_path: Path) -> None:
    keys = StringIO()
    packets = talk(tmp_path, keys=keys)
    wrong = StringIO(re.sub(r"[0-9a-f]{8}\n", "00000000\n", keys.getvalue()))
    (c,) = p.read(p.pcap(packets, 101), key_log(wrong))
    assert c.chain == ()
    assert c.completed


def test_a_hello_over_several_datagrams_in_any_order(tmp_path: Path) -> None:
    packets = talk(tmp_path)
    wanted = p.one(packets)
    assert p.one([*packets[:1], *packets]).hello == wanted.hello


def test_a_server_whose_hello_is_not_in_the_capture_is_not_accused_of_another_protocol(
    tmp_path: Path,
) -> None:
    first = talk(tmp_path)[0]
    for answer in (b"\xc0\0\0\0\x01" + bytes(1200), b"\x80" + bytes(6) + b"\0\0\0\x02"):
        c = p.one([first, p.udp(p.SERVER, p.CLIENT, (443, 50000), answer)])
        assert c.reached == "unseen"
        assert not c.completed


def test_silence_says_nothing_where_only_one_direction_was_captured(tmp_path: Path) -> None:
    first = talk(tmp_path)[0]
    assert p.one([first]).reached == "unseen"
    answer = p.udp("192.0.2.53", p.CLIENT, (53, 40000), bytes(40))
    assert p.one([first, answer]).reached == "nothing"
    tcp = p.Talk(own=50001).open().packets
    assert next(c for c in p.read(p.pcap([*tcp, first], 101)) if c.sni).reached == "nothing"


def test_a_client_that_went_on_was_answered(tmp_path: Path) -> None:
    packets = [packet for packet in talk(tmp_path) if packet[12:16] == bytes((10, 0, 0, 9))]
    answer = p.udp("192.0.2.53", p.CLIENT, (53, 40000), bytes(40))
    assert p.one([answer, *packets]).reached == "unseen"


def test_a_server_that_speaks_other_versions_is_told(tmp_path: Path) -> None:
    first = talk(tmp_path)[0]
    negotiation = b"\x80\0\0\0\0\0\0" + b"\x6b\x33\x43\xcf"
    c = p.one([first, p.udp(p.SERVER, p.CLIENT, (443, 50000), negotiation)])
    assert c.notes == ("the server answered with the versions of QUIC that it speaks",)


def test_datagrams_that_only_look_like_it_are_no_connection() -> None:
    made: list[Connection] = p.read(
        p.pcap(
            [p.udp(p.CLIENT, p.SERVER, (5000, 53), bytes([0xC0, 0, 0, 0, 2]) + bytes(1300))], 101
        )
    )
    assert made == []


def test_a_server_that_only_acknowledges_is_not_said_to_speak_no_tls() -> None:
    """Zeek's trace of a hello over several packets, of which the answer is not in the capture."""
    path = zeek_trace("quic/quic-multiple-initial-fragmented-crypto.pcap")
    (c,) = Capture(KeyLog()).connections(str(path), Tally())
    assert c.received > 0
    assert (c.completed, c.answer, c.reached) == (False, None, "unseen")


def test_a_hello_whose_datagrams_segmentation_offload_put_together_is_read_past_the_padding() -> (
    None
):
    """As a capture on the client's own machine has it: Firefox fills each up with zeros."""
    many = [f"protocol-{number:03}" for number in range(120)]
    ours = QuicConfiguration(is_client=True, server_name="quic.example", alpn_protocols=many)
    client = QuicConnection(configuration=ours)
    client.connect(("192.0.2.5", 443), now=0.0)
    first, second, *_ = (data for data, _ in client.datagrams_to_send(0.0))
    c = p.one([p.udp(p.CLIENT, p.SERVER, (50000, 443), first + bytes(52) + second)])
    assert c.hello is not None
    assert c.hello.alpn == tuple(many)
    assert not c.completed
