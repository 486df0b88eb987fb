"""The packets of some connections, all of them and no others."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
from msgspec.structs import replace

from detector.capture.blocks import PACKET, SECRETS, SIMPLE, blocks, key_log_lines
from detector.capture.connection import Connection
from detector.capture.cutting import Wanted, cut
from detector.capture.keylog import KeyLog
from detector.capture.one_section import OneSection
from detector.capture.tally import Tally
from detector.runs.files import opened
from detector.runs.packets import Capture
from tests.capture import packets as p
from tests.capture.test_keylog import conversation
from tests.capture.zeek_traces import zeek_traces

Said = list[tuple[bool, bytes]]


def cut_out(data: bytes, wanted: Sequence[Connection]) -> bytes:
    chosen = Wanted()
    for c in wanted:
        chosen.add(c, f"about {c.sni}", "short")
    out = b"".join(cut(blocks(BytesIO(data).read), chosen, OneSection()))
    assert chosen.missed == 0
    return out


def connections(data: bytes) -> list[Connection]:
    return list(Capture(KeyLog()).of(BytesIO(data).read, "capture", Tally()))


def same(found: Sequence[Connection]) -> list[str]:
    """What is said of connections, apart from their places, and from times, which are floats here."""
    return sorted(repr(replace(c, number=0, first=0, last=0, ms={})) for c in found)


def count(data: bytes) -> int:
    return sum(block.kind in (PACKET, SIMPLE) for block in blocks(BytesIO(data).read))


def comments(data: bytes) -> list[list[str]]:
    """Of each packet."""
    found = []
    for block in blocks(BytesIO(data).read):
        if block.kind != PACKET:
            continue
        captured = struct.unpack_from("<I", block.body, 12)[0]
        rest = block.body[20 + captured + -captured % 4 :]
        texts = []
        while len(rest) >= 4:
            code, size = struct.unpack_from("<HH", rest)
            if code == 1:
                texts.append(rest[4 : 4 + size].decode())
            rest = rest[4 + size + -size % 4 :]
        found.append(texts)
    return found


def test_what_is_cut_out_of_any_capture_is_read_as_before() -> None:
    """All connections of a capture, and every other one: all of their packets, and nobody else's."""
    compared = 0
    for path in zeek_traces():
        with opened(str(path)) as file:
            data = file.read()
        found = connections(data)
        for wanted in (found, found[::2], found[1::3]):
            if not wanted:
                continue
            out = cut_out(data, wanted)
            assert same(connections(out)) == same(wanted), path.name
            assert count(out) == sum(c.packets for c in wanted), path.name
            compared += 1
    assert compared > 200


def talk(said: Said, own: int = 50000, start: int = 1000) -> list[bytes]:
    made = p.Talk(own=own, start=(start, 9 * start)).open()
    for from_client, data in said:
        made.send(from_client, data)
    return made.close().packets


def test_the_same_addresses_used_again_are_another_connection(tls12: Said, tls13: Said) -> None:
    data = p.pcap([*talk(tls12), *talk(tls13, start=500_000), *talk(tls12, start=900_000)], 101)
    found = connections(data)
    assert [c.answer.version for c in found if c.answer] == [0x0303, 0x0304, 0x0303]
    out = cut_out(data, [found[1]])
    assert same(connections(out)) == same([found[1]])
    assert count(out) == found[1].packets


def test_interleaved_connections_are_told_apart(tls12: Said) -> None:
    pairs = zip(talk(tls12), talk(tls12, own=50001), strict=True)
    data = p.pcap([frame for pair in pairs for frame in pair], 101)
    first, second = connections(data)
    for one in (first, second):
        assert same(connections(cut_out(data, [one]))) == same([one])


def test_a_clock_that_is_set_meanwhile_changes_nothing(tls12: Said) -> None:
    made = [*talk(tls12), *talk(tls12, own=50001)]
    data = p.pcap(made, 101, leaps={7: 1e8, 20: -2e8})
    found = connections(data)
    assert count(cut_out(data, found[:1])) == found[0].packets


def test_fragments_go_along_with_their_datagram(tls12: Said) -> None:
    made: list[bytes] = []
    for frame in talk(tls12):
        made += fragments(frame) if len(frame) > 700 else [frame]
    assert len(made) > len(talk(tls12))
    data = p.pcap([*talk(tls12, own=50001)[:9], *made], 101)
    mine = next(c for c in connections(data) if c.client_port == 50000)
    out = cut_out(data, [mine])
    assert same(connections(out)) == same([mine])
    assert count(out) == len(made)


def fragments(frame: bytes) -> list[bytes]:
    """An IPv4 packet in three."""
    body, out = frame[20:], []
    for at, end in ((0, 256), (256, 512), (512, len(body))):
        place = at // 8 | (0x2000 if end < len(body) else 0)
        part = body[at:end]
        head = frame[:2] + struct.pack(">HHH", 20 + len(part), 77, place) + frame[8:20]
        out.append(head + part)
    return out


def test_the_first_packet_says_what_and_the_alert_and_the_reset_where(refused: Said) -> None:
    made = p.Talk().open()
    for from_client, data in refused:
        made.send(from_client, data)
    made.send(False, flags=p.RST)
    data = p.pcap(made.packets, 101)
    (c,) = connections(data)
    assert c.fatal is not None
    told = comments(cut_out(data, [c]))
    assert told[0] == ["tlsight: connection 1: about www.example.org"]
    (alert,) = [at for at, texts in enumerate(told) if "tlsight: connection 1: this is the alert that ended it" in texts]  # fmt: skip
    assert b"\x15\x03\x03\x00\x02\x02\x30" in made.packets[alert]
    assert told[-1] == ["tlsight: connection 1: this reset cut it"]
    assert sum(map(len, told)) == 3


def test_a_packet_that_was_cut_keeps_its_length_on_the_wire(tls12: Said) -> None:
    whole = talk(tls12)
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 400, 101)]
    for at, frame in enumerate(whole):
        stored = frame[:400]
        parts.append(struct.pack("<IIII", p.START, at, len(stored), len(frame)) + stored)
    data = b"".join(parts)
    out = cut_out(data, connections(data))
    lengths = [struct.unpack_from("<2I", b.body, 12) for b in blocks(BytesIO(out).read) if b.kind == PACKET]  # fmt: skip
    assert any(len(frame) > 400 for frame in whole)
    assert lengths == [(min(400, len(frame)), len(frame)) for frame in whole]


def test_secrets_of_others_do_not_go_along(tmp_path: Path) -> None:
    secrets, made = b"", []
    for number in (0, 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        said = conversation(folder)
        secrets += (folder / "keys.txt").read_bytes()
        made += talk(said, own=50000 + number)
    data = p.pcapng(made, 101, secrets + b"CLIENT_RANDOM " + b"00" * 32 + b" 00\n")
    mine = [c for c in connections(data) if c.client_port == 50001]
    assert len(mine[0].chain) == 2
    out = cut_out(data, mine)
    (block,) = [b for b in blocks(BytesIO(out).read) if b.kind == SECRETS]
    lines = key_log_lines(block)
    assert len(lines) >= 4
    assert {line.split()[1] for line in lines} == {mine[0].random.hex().encode()}
    assert same(connections(out)) == same(mine)  # opened again


def test_another_capture_than_was_read_is_told(tls12: Said) -> None:
    data = p.pcap(talk(tls12), 101)
    (c,) = connections(data)
    chosen = Wanted()
    chosen.add(c, "x", "x")
    out = b"".join(cut(blocks(BytesIO(data[:3000]).read), chosen, OneSection()))
    assert chosen.missed == 1
    assert count(out) < c.packets


def test_of_very_many_comments_only_the_short_ones_are_kept(tls12: Said) -> None:
    chosen = Wanted(most_comments=2)
    (c,) = connections(p.pcap(talk(tls12), 101))
    for number in range(5):
        chosen.add(replace(c, number=5 - number), f"long {number}", "short")
    assert [one.comment for one in chosen.in_order()] == ["short"] * 3 + ["long 1", "long 0"]


def test_many_connections_are_found_in_order_of_their_places(tls12: Said) -> None:
    chosen = Wanted(piece=7)
    (c,) = connections(p.pcap(talk(tls12), 101))
    numbers = [n * 37 % 101 + 1 for n in range(100)]
    for number in numbers:
        chosen.add(replace(c, number=number), "x", "x")
    assert [one.number for one in chosen.in_order()] == sorted(numbers)


@pytest.mark.parametrize("place", [0, 5])
def test_a_packet_with_a_nonsensical_length_goes_along(place: int, tls12: Said) -> None:
    """It was counted to its connection, so it has to be found there: the flow table looks at no such length."""
    made = [bytearray(p.ethernet(frame).ljust(60, b"\0")) for frame in talk(tls12)]
    made[place][16:18] = b"\x00\x15"
    data = p.pcap(map(bytes, made))
    found = connections(data)
    assert count(cut_out(data, found[:1])) == found[0].packets
