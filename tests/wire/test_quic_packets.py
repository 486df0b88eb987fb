"""Packets of QUIC opened, by the examples of RFC 9000 and RFC 9001, and frames read."""

from __future__ import annotations

import pytest

from detector.wire.quic_packets import VERSION_1, Frames, PacketKeys, whole_number

# RFC 9001 appendix A.5.
SECRET = bytes.fromhex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b")
PACKET = bytes.fromhex("4cfe4189655e5cd55c41f69080575d7999c25a5bfb")
NUMBER = 654_360_564


def test_the_short_packet_of_the_rfc_is_opened() -> None:
    assert PacketKeys(0x1303, SECRET, VERSION_1, NUMBER - 1).open(PACKET, 1) == b"\x01"


def test_other_keys_and_other_bytes_open_nothing() -> None:
    assert PacketKeys(0x1301, SECRET, VERSION_1, NUMBER - 1).open(PACKET, 1) is None
    for at in range(len(PACKET)):
        bent = bytearray(PACKET)
        bent[at] ^= 0x20
        assert PacketKeys(0x1303, SECRET, VERSION_1, NUMBER - 1).open(bytes(bent), 1) is None
        assert PacketKeys(0x1303, SECRET, VERSION_1, NUMBER - 1).open(PACKET[:at], 1) is None


@pytest.mark.parametrize(
    ("cut", "size", "largest", "whole"),
    [
        (0x9B32, 2, 0xA82F30EA, 0xA82F9B32),  # RFC 9000 appendix A.3
        (0, 1, -1, 0),
        (0xFF, 1, -1, 0xFF),
        (0, 1, 255, 256),
        (0xFF, 1, 256, 255),
        (0xFFFFFFFF, 4, -1, 0xFFFFFFFF),
    ],
)
def test_a_cut_number_is_the_nearest_to_the_next(
    cut: int, size: int, largest: int, whole: int
) -> None:
    assert whole_number(cut, size, largest) == whole


@pytest.mark.parametrize(
    "before",
    [
        b"\0\0\0", b"\x01", b"\x02\x05\x00\x01\x01\x01\x01", b"\x03\x05\x00\x00\x01\x01\x02\x03",
        b"\x0e\x04\x00\x02hi", b"\x0a\x04\x02hi", b"\x07\x02ab", b"\x18\x01\x00\x04" + bytes(20),
        b"\x1a" + bytes(8), b"\x1e", b"\x10\x40\x40", b"\x04\x01\x02\x03",
    ],
)  # fmt: skip
def test_a_close_is_found_behind_every_frame(before: bytes) -> None:
    frames = Frames()
    frames.add(before + b"\x1c\x41\x2a\x06\x00")
    assert frames.closes == [0x12A]


def test_an_applications_close_is_no_alert() -> None:
    frames = Frames()
    frames.add(b"\x1d\x41\x00\x00")
    assert frames.closes == []


def test_the_crypto_stream_ends_at_its_first_hole() -> None:
    frames = Frames()
    frames.add(b"\x06\x04\x02ef" + b"\x06\x00\x02ab")
    assert frames.crypto == b"ab"
    frames.add(b"\x06\x01\x03bcd")
    assert frames.crypto == b"abcdef"
