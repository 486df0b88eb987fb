"""pcap and pcapng in every form; damage costs what is damaged."""

from __future__ import annotations

import io
import struct

import pytest

from detector.capture.packet_file import PacketFile
from detector.errors import CaptureError
from tests.capture import packets as p

FRAMES = [bytes([n]) * (60 + n) for n in range(50)]


def frames(data: bytes) -> tuple[list[bytes], PacketFile]:
    file = PacketFile(io.BytesIO(data).read)
    return [buffer[start:end] for _, _, buffer, start, end, _ in file], file


@pytest.mark.parametrize(
    "data",
    [p.pcap(FRAMES), p.pcap(FRAMES, big=True), p.pcapng(FRAMES), p.pcapng(FRAMES, unit=9)],
    ids=["little", "big", "pcapng", "pcapng-ns"],
)
def test_every_form_gives_the_same_packets(data: bytes) -> None:
    assert frames(data)[0] == FRAMES


def test_times_are_read_in_their_unit() -> None:
    for data in (p.pcap(FRAMES), p.pcapng(FRAMES), p.pcapng(FRAMES, unit=9)):
        times = [packet[0] for packet in PacketFile(io.BytesIO(data).read)]
        assert times[0] == pytest.approx(p.START)
        assert times[-1] == pytest.approx(p.START + 0.049)


def test_reads_of_any_size_give_the_same() -> None:
    data = p.pcap(FRAMES)
    for size in (1, 7, 100, 4096):
        stream = io.BytesIO(data)
        file = PacketFile(lambda _, stream=stream, size=size: stream.read(size))
        assert [b[s:e] for _, _, b, s, e, _ in file] == FRAMES


def test_a_damaged_header_costs_its_packet() -> None:
    data = bytearray(p.pcap(FRAMES))
    place = 24 + sum(16 + len(frame) for frame in FRAMES[:10])
    data[place : place + 16] = b"\xff" * 16
    found, file = frames(bytes(data))
    assert found[:10] == FRAMES[:10]
    assert found[-30:] == FRAMES[-30:]
    assert file.skipped > 0


def test_a_lying_length_costs_a_few_packets() -> None:
    data = bytearray(p.pcap(FRAMES))
    place = 24 + sum(16 + len(frame) for frame in FRAMES[:10])
    struct.pack_into("<I", data, place + 8, 1 << 30)
    found, _ = frames(bytes(data))
    assert found[-30:] == FRAMES[-30:]


@pytest.mark.parametrize("years", [-40, 2, 20])
def test_a_clock_that_is_set_costs_nothing(years: int) -> None:
    leaps = {10: years * 3.2e7, 11: -years * 3.2e7, 30: years * 3.2e7, 49: -years * 3.2e7}
    found, file = frames(p.pcap(FRAMES, leaps=leaps))
    assert found == FRAMES
    assert (file.skipped, file.cut) == (0, False)


def test_after_damage_packets_are_found_under_another_clock_too() -> None:
    data = bytearray(p.pcap(FRAMES, leaps={10: 5e7}))
    place = 24 + sum(16 + len(frame) for frame in FRAMES[:10])
    data[place : place + 16] = b"\xff" * 16
    found, file = frames(bytes(data))
    assert found == FRAMES[:10] + FRAMES[11:]
    assert file.skipped == 16 + len(FRAMES[10])


def test_a_hole_of_zeros_is_damage_whatever_its_time() -> None:
    data = bytearray(p.pcap(FRAMES))
    place = 24 + sum(16 + len(frame) for frame in FRAMES[:10])
    data[place : place + 160] = bytes(160)
    found, file = frames(bytes(data))
    assert found[-30:] == FRAMES[-30:]
    assert file.skipped > 0


def test_a_file_that_ends_in_a_packet_says_so() -> None:
    data = p.pcap(FRAMES)[:-20]
    found, file = frames(data)
    assert found[:-1] == FRAMES[:-1]
    assert file.cut


def test_a_damaged_block_of_pcapng_is_left_behind_at_the_next_section() -> None:
    data = bytearray(p.pcapng(FRAMES))
    struct.pack_into("<I", data, 200, 0xFFFFFFFF)
    found, _ = frames(bytes(data) + p.pcapng(FRAMES))
    assert found[-50:] == FRAMES


def test_key_logs_inside_are_collected() -> None:
    _, file = frames(p.pcapng(FRAMES, secrets=b"CLIENT_RANDOM aa bb\n"))
    assert b"CLIENT_RANDOM aa bb" in file.secrets


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1", b"\xd4\xc3\xb2\xa1", bytes(100)])
def test_what_is_no_capture_is_refused_with_the_offset(data: bytes) -> None:
    with pytest.raises(CaptureError, match="neither pcap nor pcapng at byte 0"):
        PacketFile(io.BytesIO(data).read)
