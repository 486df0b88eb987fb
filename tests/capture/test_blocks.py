"""pcapng taken apart and put together: nothing of a packet is lost, and packets are numbered as they are read."""

from __future__ import annotations

import random
import struct
from io import BytesIO

import pytest

from detector.capture.blocks import (
    INTERFACE,
    PACKET,
    SECRETS,
    SIMPLE,
    Block,
    blocks,
    encode,
    key_log_block,
    key_log_lines,
)
from detector.capture.packet_file import PacketFile
from detector.errors import CaptureError
from detector.runs.files import opened
from tests.capture import packets as p
from tests.capture.zeek_traces import zeek_traces

FRAMES = [bytes((n,)) * (20 + n) for n in range(5)]


def frames(data: bytes) -> list[tuple[int, bytes]] | None:
    """Link type and bytes of each packet, by way of blocks."""
    try:
        return [
            (block.link, block.body[slice(*block.frame)])
            for block in blocks(BytesIO(data).read)
            if block.kind in (PACKET, SIMPLE)
        ]
    except CaptureError:
        return None


def as_read(data: bytes) -> list[tuple[int, bytes]] | None:
    """The same by way of the reader that finds connections."""
    try:
        return [(link, buffer[start:end])
                for _, link, buffer, start, end, _ in PacketFile(BytesIO(data).read)]  # fmt: skip
    except CaptureError:
        return None


def test_packets_are_numbered_as_they_are_read_in_honest_and_in_damaged_files() -> None:
    """By its number a connection is found again."""
    chance = random.Random(20)
    compared = 0
    for path in zeek_traces():
        with opened(str(path)) as file:
            whole = file.read(200_000)
        for attempt in range(3):
            data = bytearray(whole)
            for _ in range(3 * attempt):
                data[chance.randrange(len(data))] = chance.randrange(256)
            if attempt == 2:
                del data[chance.randrange(24, len(data)) :]
            assert frames(bytes(data)) == as_read(bytes(data)), (path.name, attempt)
            compared += 1
    assert compared == 648


@pytest.mark.parametrize("big", [False, True])
def test_a_classic_pcap_becomes_a_section_with_one_interface(big: bool) -> None:
    found = list(blocks(BytesIO(p.pcap(FRAMES, 113, big=big)).read))
    assert [block.kind for block in found[1:]] == [INTERFACE, *[PACKET] * 5]
    again = b"".join(map(encode, found))
    assert as_read(again) == [(113, frame) for frame in FRAMES]
    times = [packet[0] for packet in PacketFile(BytesIO(again).read)]
    assert times == pytest.approx([p.START + n * 0.001 for n in range(5)], abs=1e-6)


def test_nanoseconds_stay_exact() -> None:
    """A float of seconds since 1970 holds no nanoseconds."""
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)
    record = struct.pack("<IIII", 1_790_000_000, 123_456_789, 3, 1514) + b"abc"
    _, interface, packet = blocks(BytesIO(head + record).read)
    assert interface.body[8:13] == b"\x09\x00\x01\x00\x09"
    high, low, captured, whole = struct.unpack_from("<4I", packet.body, 4)
    assert high << 32 | low == 1_790_000_000_123_456_789
    assert (captured, whole) == (3, 1514)


def test_a_frame_check_sequence_is_told_of_the_interface() -> None:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1 | 1 << 26 | 2 << 28)
    _, interface = blocks(BytesIO(head).read)
    assert struct.pack("<HHB3x", 13, 1, 32) in interface.body


def test_a_pcapng_comes_out_as_it_went_in() -> None:
    data = p.pcapng(FRAMES, 101, b"CLIENT_RANDOM a b\n", unit=9)
    again = b"".join(map(encode, blocks(BytesIO(data).read)))
    assert again[:16] == data[:16]
    assert again[24:] == data[24:]  # but for the section's size, which is another one after cutting


def test_a_comment_stands_before_the_other_options() -> None:
    flags = struct.pack("<HHI", 2, 4, 1) + struct.pack("<HH", 0, 0)
    body = struct.pack("<5I", 0, 0, 0, 5, 5) + b"hello\0\0\0" + flags
    out = encode(Block(PACKET, "<", body, 1, (20, 25)), ["why — so", "and"])
    (block,) = [b for b in blocks(BytesIO(p.pcapng([], 1) + out).read) if b.kind == PACKET]
    rest = block.body[28:]
    first = "why — so".encode()
    assert rest == (
        struct.pack("<HH", 1, len(first)) + first + bytes(-len(first) % 4)
        + struct.pack("<HH", 1, 3) + b"and\0" + flags
    )  # fmt: skip


def test_a_long_comment_is_cut_between_two_characters() -> None:
    body = struct.pack("<5I", 0, 0, 0, 0, 0)
    out = encode(Block(PACKET, "<", body, 1, (20, 20)), ["ü" * 3000])
    size = struct.unpack_from("<H", out, 30)[0]
    assert out[32 : 32 + size].decode() == "ü" * 1024


def test_old_packets_are_written_as_those_of_today() -> None:
    old = struct.pack("<HHIIII", 0, 7, 1, 2, 4, 9) + b"abcd"
    block = struct.pack("<II", 2, 12 + len(old)) + old + struct.pack("<I", 12 + len(old))
    found = [b for b in blocks(BytesIO(p.pcapng([], 1) + block).read) if b.kind == PACKET]
    assert [one.body for one in found] == [struct.pack("<5I", 0, 1, 2, 4, 9) + b"abcd"]


def test_a_key_log_goes_in_and_comes_out() -> None:
    lines = [b"CLIENT_RANDOM aa bb", b"x"]
    for order in "<>":
        assert key_log_lines(key_log_block(order, lines)) == lines
    assert key_log_lines(Block(SECRETS, "<", b"\0" * 12)) == []
    assert key_log_lines(Block(SECRETS, "<", b"")) == []
