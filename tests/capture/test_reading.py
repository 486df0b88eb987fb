"""Connections out of packets: what is said is read, whatever the packets look like."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from detector.capture.connection import Connection, SeenAlert
from detector.wire import hello as h
from tests.capture import packets as p
from tests.capture.packets import Talk

Said = list[tuple[bool, bytes]]
CAPTURES = Path(__file__).parents[1] / "data/captures"


def spoken(said: Said, talk: Talk | None = None) -> Talk:
    talk = (talk or Talk()).open()
    for from_client, data in said:
        talk.send(from_client, data, p.PSH | p.ACK).send(not from_client)
    return talk


def same(c: Connection) -> tuple[object, ...]:
    return c.sni, c.hello, c.answer, c.chain, c.alpn, c.completed, [a.code for a in c.alerts]


def test_a_handshake_of_tls_1_2_shows_everything(tls12: Said) -> None:
    c = p.one(spoken(tls12).close().packets)
    assert (c.client, c.client_port, c.server, c.server_port) == (p.CLIENT, 50000, p.SERVER, 443)
    assert c.sni == "www.example.org"
    assert c.answer is not None
    assert c.answer.version == 0x0303
    assert len(c.chain) == 2
    assert c.completed
    assert (c.opened, c.closed_by, c.how) == ("syn-ack", "client", "fin")
    assert c.notes == ()
    assert set(c.ms) == {"connect", "server-hello"}


def test_of_tls_1_3_the_certificates_are_hidden(tls13: Said) -> None:
    c = p.one(spoken(tls13).close(by_client=False).packets)
    assert c.answer is not None
    assert c.answer.version == 0x0304
    assert c.chain == ()
    assert c.completed
    assert c.closed_by == "server"


def test_the_alert_of_a_client_that_does_not_trust_is_read(refused: Said) -> None:
    c = p.one(spoken(refused).close().packets)
    assert [(a.sender, a.code, a.fatal) for a in c.alerts] == [("client", 48, True)]
    assert not c.completed
    assert c.closed_by == "client"


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, p.ethernet),
        (1, lambda ip: p.ethernet(ip, (5,))),
        (1, lambda ip: p.ethernet(ip, (5, 6))),
        (1, lambda ip: bytes(12) + b"\x88\x64" + b"\x11\0\0\1\0\0\0\x21" + ip),
        (101, lambda ip: ip),
        (0, lambda ip: b"\x02\0\0\0" + ip),
        (108, lambda ip: b"\0\0\0\x02" + ip),
        (113, lambda ip: bytes(14) + b"\x08\x00" + ip),
        (276, lambda ip: b"\x08\x00" + bytes(18) + ip),
        (9, lambda ip: b"\xff\x03\x00\x21" + ip),
        (101, lambda ip: p.ip("203.0.113.1", "203.0.113.2", 4, ip)),
        (101, lambda ip: p.ip("203.0.113.1", "203.0.113.2", 47, b"\0\0\x08\0" + ip)),
        (101, lambda ip: p.ip("203.0.113.1", "203.0.113.2", 47, b"\x20\0\x65\x58\0\0\0\1" + p.ethernet(ip))),
        (101, lambda ip: p.udp("203.0.113.1", "203.0.113.2", (9, 4789), b"\x08" + bytes(7) + p.ethernet(ip))),
    ],
    ids=["ethernet", "vlan", "vlan-in-vlan", "pppoe", "raw", "null", "loop", "cooked", "cooked-2",
         "ppp", "ipip", "gre", "gre-ethernet", "vxlan"],
)  # fmt: skip
def test_every_link_and_tunnel_gives_the_same(link: int, frame: object, tls12: Said) -> None:
    packets = spoken(tls12).close().packets
    wanted = p.one(packets)
    (c,) = p.read(p.pcap([frame(packet) for packet in packets], link))  # type: ignore[operator]
    assert same(c) == same(wanted)


def test_ipv6_with_extension_headers(tls12: Said) -> None:
    talk = spoken(tls12, Talk("2001:db8::1", "2001:db8::2")).close()
    wanted = p.one(talk.packets)
    assert wanted.server == "2001:db8::2"
    extended = [
        packet[:4] + (len(packet) - 40 + 8).to_bytes(2, "big") + b"\0" + packet[7:40]
        + b"\x06\0\1\4\0\0\0\0" + packet[40:]
        for packet in talk.packets
    ]  # fmt: skip
    assert same(p.one(extended)) == same(wanted)


def test_ipv4_fragments_are_joined_in_any_order(tls12: Said) -> None:
    packets = spoken(tls12).close().packets
    cut: list[bytes] = []
    for number, packet in enumerate(packets):
        body = packet[20:]
        if len(body) < 200:
            cut.append(packet)
            continue
        parts = [(0, body[:80], 0x2000), (80, body[80:160], 0x2000), (160, body[160:], 0)]
        made = [
            packet[:2] + struct.pack(">HHH", 20 + len(data), number + 9, flag | place // 8)
            + packet[8:20] + data
            for place, data, flag in parts
        ]  # fmt: skip
        cut += [made[1], made[2], made[0]]
    assert same(p.one(cut)) == same(p.one(packets))


def test_segments_out_of_order_twice_and_overlapping_give_the_same(tls12: Said) -> None:
    wanted = p.one(spoken(tls12).close().packets)
    rng = random.Random(5)
    for _ in range(20):
        talk = Talk(start=(0xFFFFFF00, 0xFFFFFFF0)).open()  # the numbers wrap around
        seq = {True: 0xFFFFFF01, False: 0xFFFFFFF1}
        for from_client, data in tls12:
            pieces = []
            at = 0
            while at < len(data):
                size = rng.randint(1, 700)
                back = rng.randint(0, min(at, 40))
                pieces.append((seq[from_client] + at - back, data[at - back : at + size]))
                at += size
            pieces += rng.sample(pieces, len(pieces) // 3)
            rng.shuffle(pieces)
            for place, piece in pieces:
                talk.send(from_client, piece, p.ACK, at=place)
            seq[from_client] += len(data)
            talk.send(not from_client, at=seq[not from_client])
        talk.send(True, flags=p.FIN | p.ACK, at=seq[True])
        c = p.one(talk.packets)
        assert same(c)[:5] == same(wanted)[:5]


def test_one_byte_a_segment(tls12: Said) -> None:
    talk = Talk().open()
    for from_client, data in tls12[:6]:
        for place in range(len(data)):
            talk.send(from_client, data[place : place + 1])
    c = p.one(talk.packets)
    assert len(c.chain) == 2
    assert c.hello_segments > 100


def test_only_one_side_was_captured(tls12: Said) -> None:
    packets = spoken(tls12).close().packets
    ours = [packet for packet in packets if packet[12:16] == bytes((10, 0, 0, 9))]
    theirs = [packet for packet in packets if packet[12:16] != bytes((10, 0, 0, 9))]
    c = p.one(ours)
    assert c.sni == "www.example.org"
    assert "only the client's packets were captured" in c.notes
    c = p.one(theirs)
    assert len(c.chain) == 2
    assert (c.server, c.server_port) == (p.SERVER, 443)


def test_a_missing_segment_costs_its_direction_and_is_told(tls12: Said) -> None:
    talk = spoken(tls12).close()
    largest = max(talk.packets, key=len)
    rest = [packet for packet in talk.packets if packet is not largest]
    c = p.one(rest)
    assert c.sni == "www.example.org"
    assert "bytes of the server are missing" in c.notes
    assert c.chain == ()


def test_a_snaplen_that_cuts_packets_is_told(tls12: Said) -> None:
    packets = spoken(tls12).close().packets
    out = [p.pcap([], 101)]
    for packet in packets:
        kept = packet[:300]
        out.append(struct.pack("<IIII", p.START, 0, len(kept), len(packet)) + kept)
    (c,) = p.read(b"".join(out))
    assert "bytes of the server are missing" in c.notes
    assert c.sni == "www.example.org"


def test_a_capture_that_begins_in_the_middle_tells_the_sides_by_the_hellos(tls12: Said) -> None:
    talk = Talk()
    for from_client, data in tls12:
        talk.send(from_client, data)
    c = p.one(talk.packets)
    assert c.client == p.CLIENT
    assert "it began before the capture" in c.notes
    swapped = Talk()
    for from_client, data in tls12[1:]:  # the server's words first
        swapped.send(from_client, data)
    c = p.one(swapped.packets)
    assert (c.client, c.server) == (p.CLIENT, p.SERVER)


def test_a_new_connection_from_the_same_port_is_another_one(tls12: Said, refused: Said) -> None:
    first = spoken(tls12).close().packets
    again = spoken(refused, Talk(start=(5, 6))).close().packets
    found = p.read(p.pcap([*first, *again], 101))
    assert [c.completed for c in found] == [True, False]


def test_what_is_no_tls_is_no_connection() -> None:
    talk = (
        Talk(port=80)
        .open()
        .client(b"GET / HTTP/1.1\r\n\r\n")
        .server(b"HTTP/1.1 200 OK\r\n\r\n")
        .close()
    )
    assert p.read(p.pcap(talk.packets, 101)) == []


@pytest.mark.parametrize("limit", [16, 40])
def test_more_connections_than_there_is_room_for_are_told_early(limit: int, tls12: Said) -> None:
    packets = []
    for number in range(100):
        packets += spoken(tls12[:1], Talk(own=20000 + number)).packets
    found = p.read(p.pcap(packets, 101), limit=limit)
    assert len(found) == 100
    assert sum("given up early: too many connections at once" in c.notes for c in found) >= 50


def test_of_two_that_took_the_connection_the_one_who_goes_on_is_read(tls12: Said) -> None:
    (c,) = p.read((CAPTURES / "two_synacks.pcap").read_bytes())
    assert [(a.sender, a.code) for a in c.alerts] == [("server", 40)]
    assert c.notes == ("two SYN-ACKs with different sequence numbers came",)
    for first in (True, False):
        talk = Talk().send(True, flags=p.SYN)
        for number in (9000, 77_000) if first else (77_000, 9000):
            talk.send(False, flags=p.SYN | p.ACK, at=number, move=False)
        talk.send(False, flags=p.ACK, move=False)
        talk.move(False, 1)
        for from_client, data in tls12:
            talk.send(from_client, data, p.PSH | p.ACK)
        c = p.one(talk.close().packets)
        assert c.completed
        assert same(c) == same(p.one(spoken(tls12).close().packets))


def test_silence_is_told_only_where_the_capture_would_show_an_answer(tls12: Said) -> None:
    hello = tls12[0][1]
    silent = p.one(Talk().open().send(True, hello).close().packets)
    assert silent.reached == "nothing"
    two = Talk().open().send(False, flags=p.SYN | p.ACK, at=77_000, move=False)
    assert p.one(two.send(True, hello).close().packets).reached == "unseen"
    half = [
        packet for packet in spoken(tls12).close().packets if packet[12:16] == bytes((10, 0, 0, 9))
    ]
    only = p.one(half)
    assert only.reached == "unseen"
    assert "only the client's packets were captured" in only.notes


def test_a_clock_that_begins_at_nought_is_a_time(tls12: Said) -> None:
    talk = Talk().open()
    for from_client, data in tls12:
        talk.send(from_client, data)
    c = p.read(p.pcap(talk.close().packets, 101, step=0.0, leaps={0: -p.START}))[0]
    assert c.completed
    assert c.reached == "data"


WARNING = b"\x15\x03\x03\x00\x02\x01\x70"


def test_a_warning_after_which_the_handshake_goes_on_ends_nothing(
    tls12: list[tuple[bool, bytes]],
) -> None:
    talk = p.Talk().open()
    warned = False
    for from_client, data in tls12:
        talk.send(from_client, data if from_client or warned else WARNING + data)
        warned = warned or not from_client
    c = p.one(talk.close().packets)
    assert c.alerts == (SeenAlert("server", 112, fatal=False),)
    assert c.completed


def test_a_warning_after_which_nothing_comes_is_the_end(tls12: list[tuple[bool, bytes]]) -> None:
    talk = p.Talk().open().client(tls12[0][1]).server(WARNING).close(by_client=False)
    c = p.one(talk.packets)
    assert c.alerts == (SeenAlert("server", 112, fatal=True),)
    assert not c.completed


@pytest.mark.parametrize(
    "spoiled", [(51, b"\0\xff\0\x1d"), (16, b"\0\x09\xff"), (10, b"\0\x03\0\x1d\0")]
)
def test_a_hello_with_a_spoiled_extension_keeps_its_name(spoiled: tuple[int, bytes]) -> None:
    extensions = (h.server_name("odd.example"), spoiled)
    made = h.ClientHello(0x0303, bytes(32), b"", (0x1301, 0xC02F), b"\0", extensions)
    talk = p.Talk().open().client(h.client_hello_record(made)).send(False, flags=p.RST | p.ACK)
    c = p.one(talk.packets)
    assert c.sni == "odd.example"
    assert c.hello is not None
    assert (c.hello.ciphers, c.hello.ja4) == ((0x1301, 0xC02F), "")
    assert c.notes[-1].startswith("the ClientHello makes no sense: ")


def test_a_hello_in_single_bytes_is_found_behind_what_came_before(
    tls12: list[tuple[bool, bytes]],
) -> None:
    talk = p.Talk().open()
    before = b"CONNECT www.example.org:443 HTTP/1.1\r\n\r\n"
    for byte in before + tls12[0][1]:
        talk.send(True, bytes((byte,)))
    c = p.one(talk.packets)
    assert c.sni == "www.example.org"
    assert c.preamble is not None
    assert c.preamble.kind == "http-connect"
