"""QUIC's Initial packets, made by aioquic."""

from __future__ import annotations

from pathlib import Path

import pytest
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from detector.capture.connection import Connection
from detector.lab.pki import LabPki
from tests.capture import packets as p

QUIC_V2 = 0x6B3343CF


def talk(folder: Path, *, trusted: bool = True, version: int | None = None) -> list[bytes]:
    """IP packets of a client and a server that shake hands."""
    pki = LabPki()
    (folder / "server.pem").write_text(pki.issue("quic.example").chain_pem)
    credential = pki.issue("quic.example")
    (folder / "server.pem").write_text(credential.chain_pem)
    (folder / "server.key").write_text(credential.key_pem)
    root = pki.root.pem if trusted else LabPki().root.pem
    ours = QuicConfiguration(is_client=True, server_name="quic.example", alpn_protocols=["h3"])
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


def test_a_client_that_refuses_the_certificate_does_so_where_nobody_reads(tmp_path: Path) -> None:
    c = p.one(talk(tmp_path, trusted=False))
    assert c.sni == "quic.example"
    assert c.answer is not None


def test_a_hello_over_several_datagrams_in_any_order(tmp_path: Path) -> None:
    packets = talk(tmp_path)
    wanted = p.one(packets)
    assert p.one([*packets[:1], *packets]).hello == wanted.hello


def test_datagrams_that_only_look_like_it_are_no_connection() -> None:
    made: list[Connection] = p.read(
        p.pcap(
            [p.udp(p.CLIENT, p.SERVER, (5000, 53), bytes([0xC0, 0, 0, 0, 2]) + bytes(1300))], 101
        )
    )
    assert made == []


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
