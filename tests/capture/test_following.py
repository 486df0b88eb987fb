"""One connection followed through packets of a whole file."""

from __future__ import annotations

import random
import struct
from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from detector.capture.following import Followed, follow, packets_of
from detector.capture.keylog import KeyLog
from detector.capture.packet_file import PacketFile
from tests.capture import packets as p
from tests.capture.conftest import refused, tls12, tls13
from tests.capture.test_keylog import conversation
from tests.capture.test_quic import talk as quic

__all__ = ["refused", "tls12", "tls13"]

Said = list[tuple[bool, bytes]]


def followed(packets: list[bytes], place: int = 0, keys: KeyLog | None = None) -> Followed:
    """The connection that comes at this place, followed."""
    data = p.pcap(packets, 101)
    c = sorted(p.read(data), key=lambda one: one.number)[place]
    found = follow(c, PacketFile(BytesIO(data).read), keys)
    assert found.packets == c.packets
    return found


def told(found: Followed) -> list[tuple[str, str]]:
    return [("→" if step.sender == "client" else "←", step.what) for step in found.steps]


def talked(said: Said, *, close: bool = True) -> p.Talk:
    talk = p.Talk().open()
    for from_client, data in said:
        talk.send(from_client, data)
    return talk.close() if close else talk


def test_every_message_comes_with_its_time_its_packet_and_its_size(refused: Said) -> None:
    found = followed(talked(refused).packets)
    assert told(found)[:7] == [
        ("→", "SYN"),
        ("←", "SYN, ACK"),
        ("→", "ClientHello"),
        ("←", "ServerHello"),
        ("←", "Certificate"),
        ("←", "ServerKeyExchange"),
        ("←", "ServerHelloDone"),
    ]
    hello = found.steps[2]
    assert hello.packet == 4
    assert hello.size == len(refused[0][1]) - 5  # without the record's header
    assert round(hello.at - p.START, 3) == 0.003
    assert ("→", "alert unknown_ca (48), fatal") in told(found)
    assert told(found)[-1][1] == "FIN"


def test_round_trips_and_the_first_byte_are_measured_where_it_was_captured(tls12: Said) -> None:
    found = followed(talked(tls12).packets)  # a packet a millisecond
    assert found.ms["rtt-server"] == pytest.approx(1.0, abs=0.01)
    assert found.ms["rtt-client"] == pytest.approx(1.0, abs=0.01)
    assert found.ms["rtt"] == pytest.approx(2.0, abs=0.01)
    assert found.ms["first-byte"] == pytest.approx(1.0, abs=0.01)
    assert found.ms["answer"] == pytest.approx(1.0, abs=0.01)


def test_ports_that_are_used_again_are_another_connection(tls12: Said, refused: Said) -> None:
    first, second = talked(tls12), talked(refused)
    data = [*first.packets, *second.packets]
    one, other = followed(data), followed(data, 1)
    assert (one.first_packet, one.last_packet) == (1, len(first.packets))
    assert (other.first_packet, other.last_packet) == (len(first.packets) + 1, len(data))
    assert f"frame.number >= {len(first.packets) + 1} &&" in other.display_filter
    assert ("→", "alert unknown_ca (48), fatal") not in told(one)


def test_packets_of_others_in_between_are_left_alone(tls12: Said) -> None:
    ours, theirs = talked(tls12).packets, p.Talk("10.0.0.8", own=50001).open()
    for from_client, data in tls12:
        theirs.send(from_client, data)
    mixed = [one for pair in zip(ours, theirs.close().packets, strict=True) for one in pair]
    data = p.pcap(mixed, 101)
    for c in p.read(data):
        places = [number for number, *_ in packets_of(c, PacketFile(BytesIO(data).read))]
        assert places == list(range(c.number, len(mixed) + 1, 2))


def test_what_is_sent_again_is_counted_and_changes_no_message(tls12: Said) -> None:
    talk = p.Talk().open()
    for from_client, data in tls12:
        talk.send(from_client, data)
        talk.send(from_client, data, at=talk._seq[from_client] - len(data))
    found = followed(talk.close().packets)
    once = followed(talked(tls12).packets)
    assert told(found) == told(once)
    assert sum(found.retransmitted.values()) == len(tls12)
    assert sum(once.retransmitted.values()) == 0


def test_a_packet_with_data_and_fin_that_comes_again_came_once_more(tls12: Said) -> None:
    talk = talked(tls12, close=False)
    at = talk._seq[True]
    for _ in range(2):
        talk.send(True, b"\x15\x03\x03\0\x02\x01\0", p.FIN | p.ACK, at=at)
    assert followed(talk.packets).retransmitted["client"] == 1


def test_one_byte_before_the_next_is_a_keep_alive(tls12: Said) -> None:
    talk = talked(tls12, close=False)
    talk.send(True, b"\0", at=talk._seq[True] - 1)
    assert followed(talk.packets).retransmitted == {"client": 0, "server": 0}


def test_segments_that_overtake_each_other_are_put_in_order(tls12: Said) -> None:
    talk = p.Talk().open()
    for from_client, data in tls12:
        talk.send(from_client, data[:100]).send(from_client, data[100:])
        if len(data) > 100:
            talk.packets[-2:] = talk.packets[:-3:-1]
    found = followed(talk.close().packets)
    assert [one for one in told(found) if "SYN" not in one[1]] == [
        one for one in told(followed(talked(tls12).packets)) if "SYN" not in one[1]
    ]
    assert sum(found.overtaken.values()) > 2


def test_a_long_transfer_is_told_by_its_beginning_and_its_end(tls12: Said) -> None:
    talk = talked(tls12, close=False)
    record = b"\x17\x03\x03\x04\x00" + bytes(1024)
    for _ in range(50):
        for _ in range(20):
            talk.send(False, record)
        talk.send(True, record)
    for _ in range(1000):
        talk.send(True, record).send(False, record)
    found = followed(talk.close().packets)
    assert len(found.steps) == 200
    assert found.left_out > 1800
    assert any(step.count == 20 and step.size == 20 * 1024 for step in found.steps)
    assert told(found)[-1][1] == "FIN"


def test_a_key_log_names_what_tls13_encrypts(tmp_path: Path) -> None:
    talk = talked(conversation(tmp_path))
    keys = KeyLog()
    with (tmp_path / "keys.txt").open("rb") as file:
        keys.add(file)
    closed, opened = followed(talk.packets), followed(talk.packets, keys=keys)
    assert ("←", "encrypted") in told(closed)
    names = ", ".join(what for _, what in told(opened))
    for name in ("EncryptedExtensions", "Certificate", "CertificateVerify", "Finished",
                 "NewSessionTicket"):  # fmt: skip
        assert name in names
    assert ("→", "Finished") in told(opened)


def test_what_was_said_before_tls_is_told_by_its_first_word(tls12: Said) -> None:
    talk = p.Talk(port=25).open()
    talk.send(False, b"220 mail.example ESMTP\r\n").send(True, b"PASS hunter2\r\n")
    for from_client, data in tls12:
        talk.send(from_client, data)
    found = told(followed(talk.close().packets))
    assert found[2:5] == [
        ("←", "before TLS: 220"),
        ("→", "before TLS: PASS"),
        ("→", "ClientHello"),
    ]
    assert "hunter2" not in str(found)


def test_packets_that_were_captured_in_part_are_told_as_far_as_they_go(tls12: Said) -> None:
    whole = talked(tls12).packets
    out = [p.pcap([], 101)]
    for number, packet in enumerate(whole):
        cut = packet[:200]
        out.append(struct.pack("<IIII", p.START, number, len(cut), len(packet)) + cut)
    data = b"".join(out)
    (c,) = p.read(data)
    found = follow(c, PacketFile(BytesIO(data).read))
    names = told(found)
    assert names[2:4] == [("→", "ClientHello, not captured whole"), ("←", "ServerHello")]
    assert ("←", "records whose beginning was not captured") in names
    assert ("→", "FIN") in names


def test_datagrams_of_quic_are_named_and_measured(tmp_path: Path) -> None:
    found = followed(quic(tmp_path))
    names = told(found)
    assert names[:2] == [("→", "QUIC Initial"), ("→", "ClientHello")]
    assert ("←", "ServerHello") in names
    assert ("←", "QUIC Handshake") in names
    assert any(what == "QUIC 1-RTT" for _, what in names)
    assert found.ms["first-byte"] > 0
    assert "udp.srcport == " in found.display_filter


def test_whatever_comes_is_followed_without_an_error(tls12: Said, tls13: Said) -> None:
    chance = random.Random(7)
    whole = [packet for said in (tls12, tls13) for packet in talked(said).packets]
    for _ in range(300):
        packets = []
        for packet in whole:
            broken = bytearray(packet)
            for _ in range(chance.choice((0, 0, 1, 5))):
                broken[chance.randrange(20, len(broken))] = chance.randrange(256)
            if chance.random() < 0.95:
                packets.append(bytes(broken))
        chance.shuffle(packets) if chance.random() < 0.2 else None
        data = p.pcap(packets, 101)
        for c in p.read(data):
            found = follow(c, PacketFile(BytesIO(data).read))
            assert found.packets == c.packets
            msgspec.json.encode(found)
