"""Several captures in one section: every packet keeps its own interface."""

from __future__ import annotations

from io import BytesIO

from detector.capture.blocks import INTERFACE, PACKET, SECTION, SIMPLE, blocks
from detector.capture.one_section import OneSection
from detector.capture.packet_file import PacketFile
from tests.capture import packets as p
from tests.capture.test_blocks import as_read

FRAMES = [bytes((n,)) * 30 for n in range(3)]


def joined(*captures: bytes) -> bytes:
    section = OneSection()
    return b"".join(section.put(b) for data in captures for b in blocks(BytesIO(data).read))


def kinds(data: bytes) -> list[int]:
    return [block.kind for block in blocks(BytesIO(data).read)]


def test_other_link_types_and_units_are_other_interfaces() -> None:
    data = joined(p.pcap(FRAMES, 1), p.pcap(FRAMES, 101), p.pcapng(FRAMES, 101, unit=9))
    assert as_read(data) == [(link, f) for link in (1, 101, 101) for f in FRAMES]
    assert kinds(data).count(SECTION) == 1
    assert kinds(data).count(INTERFACE) == 3
    times = [round(packet[0] - p.START, 3) for packet in PacketFile(BytesIO(data).read)]
    assert times == [0.0, 0.001, 0.002] * 3


def test_an_interface_that_is_described_alike_is_the_same() -> None:
    data = joined(p.pcap(FRAMES, 1), p.pcap(FRAMES, 1), p.pcap(FRAMES, 113), p.pcap(FRAMES, 1))
    assert kinds(data).count(INTERFACE) == 2
    assert as_read(data) == [(link, f) for link in (1, 1, 113, 1) for f in FRAMES]


def test_two_alike_in_one_capture_are_two() -> None:
    one = p.pcapng([], 1)
    twice = one + one[28:]
    assert kinds(joined(twice)).count(INTERFACE) == 2
    assert kinds(joined(twice, twice)).count(INTERFACE) == 2


def test_another_byte_order_is_another_section() -> None:
    data = joined(p.pcap(FRAMES, 1), p.pcap(FRAMES, 1, big=True), p.pcap(FRAMES, 1, big=True))
    assert kinds(data).count(SECTION) == 2
    assert as_read(data) == [(1, f) for _ in range(3) for f in FRAMES]


def test_a_packet_that_does_not_say_where_it_belongs_is_told() -> None:
    simple = (3).to_bytes(4, "little") + (20).to_bytes(4, "little") + (4).to_bytes(4, "little") + b"abcd" + (20).to_bytes(4, "little")  # fmt: skip
    alone = joined(p.pcapng([], 1) + simple)
    assert SIMPLE in kinds(alone)
    data = joined(p.pcap(FRAMES, 101), p.pcapng([], 1) + simple)
    assert kinds(data)[-1] == PACKET
    assert as_read(data)[-1:] == [(1, b"abcd")]  # type: ignore[index]
