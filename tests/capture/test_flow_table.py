"""When a flow leaves the table, and what still comes for it afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.capture.datagrams import DatagramFlow, turned
from detector.capture.flow import Flow
from detector.capture.flow_table import FlowTable
from detector.capture.packet_file import PacketFile, Read
from detector.capture.reading import Reading
from tests.capture import packets as p
from tests.capture.packets import Talk

Said = list[tuple[bool, bytes]]
CAPTURES = Path(__file__).parents[1] / "data/captures"


@pytest.mark.parametrize("from_client", [True, False])
@pytest.mark.parametrize("flags", [p.FIN | p.ACK, p.RST, p.SYN, p.SYN | p.ACK])
def test_a_segment_long_after_the_close_disturbs_nothing(
    tls12: Said, flags: int, from_client: bool
) -> None:
    """The flow is handed out a second after its close; what comes then is none of its segments."""
    talk = Talk().open()
    for sent_by_client, data in tls12:
        talk.send(sent_by_client, data)
    talk.close().send(from_client, flags=flags)
    (c,) = [c for c in p.read(p.pcap(talk.packets, 101, step=1.5)) if c.hello is not None]
    assert c.completed
    assert c.how == "fin"


def test_addresses_that_start_anew_are_another_connection(tls12: Said) -> None:
    first, second = Talk(), Talk(start=(500_000, 900_000))
    for talk in (first, second):
        talk.open()
        for sent_by_client, data in tls12:
            talk.send(sent_by_client, data)
        talk.close()
    assert len(p.read(p.pcap([*first.packets, *second.packets], 101, step=0.01))) == 2


def test_a_fin_long_after_both_closed_is_read_to_the_end() -> None:
    assert p.read((CAPTURES / "late_fin.pcap").read_bytes()) == []


def test_a_clock_that_is_set_changes_no_connection() -> None:
    steady, leaping = (
        p.read((CAPTURES / f"clock_{name}.pcap").read_bytes()) for name in ("steady", "jumps")
    )
    assert len(leaping) == 3
    assert [(c.client_port, c.alerts, c.ms) for c in leaping] == [
        (c.client_port, c.alerts, c.ms) for c in steady
    ]


@pytest.mark.parametrize("leap", [-3.2e7, -3600, 3600, 3.2e7])
@pytest.mark.parametrize("before", range(1, 8))
def test_a_clock_that_is_set_tears_no_connection(tls12: Said, before: int, leap: float) -> None:
    talk = Talk().open()
    for sent_by_client, data in tls12:
        talk.send(sent_by_client, data)
    (c,) = p.read(p.pcap(talk.close().packets, 101, leaps={before: leap}))
    assert c.completed
    assert c.how == "fin"
    assert all(0 <= ms < 1000 for ms in c.ms.values())


def test_where_time_went_back_closed_connections_still_leave(tls12: Said) -> None:
    """Without waiting for the old time to come again: the table would fill."""
    packets: list[bytes] = []
    for own in range(50000, 50200):
        talk = Talk(own=own).open()
        for sent_by_client, data in tls12:
            talk.send(sent_by_client, data)
        packets += talk.close().packets
    found = p.read(p.pcap(packets, 101, step=0.5, leaps={100: -1e6}), limit=64)
    assert len(found) == 200
    assert not any(c.notes for c in found)


def test_a_silent_connection_leaves_once_two_sweeps_found_it_silent(tls12: Said) -> None:
    first, second = Talk().open(), Talk(own=50001).open()
    for sent_by_client, data in tls12:
        first.send(sent_by_client, data)
    for sent_by_client, data in tls12 * 40:
        second.send(sent_by_client, data)
    late = Talk(own=50002).open()
    packets = [*first.packets, *second.packets, *late.packets]
    order = [c.client_port for c in p.read(p.pcap(packets, 101, step=10.0))]
    assert order[0] == 50000


@pytest.mark.parametrize("seed", range(12))
def test_no_reference_outlives_its_flow(tls12: Said, seed: int) -> None:
    """Whatever the clock, the order and the room: what was handed out and taken apart is met by no later packet."""
    chance = random.Random(seed)
    packets: list[bytes] = []
    for own in [chance.randrange(50000, 50060) for _ in range(160)]:
        talk = Talk(own=own, start=(chance.randrange(1 << 32), chance.randrange(1 << 32))).open()
        for sent_by_client, data in tls12[: chance.randrange(len(tls12) + 1)]:
            talk.send(sent_by_client, data)
        if chance.random() < 0.7:
            talk.close(chance.random() < 0.5)
        for _ in range(chance.randrange(4)):  # late, as often as not
            flags = chance.choice((p.FIN | p.ACK, p.RST, p.SYN, p.SYN | p.ACK, p.ACK))
            talk.send(chance.random() < 0.5, b"late", flags)
        packets += talk.packets
    for place in range(len(packets) - 1):
        other = min(len(packets) - 1, place + chance.randrange(1, 200))
        if chance.random() < 0.1:
            packets[place], packets[other] = packets[other], packets[place]
    leaps = {n: chance.choice((-1e6, -400.0, -2.0, 2.0, 400.0, 1e6)) for n in range(0, 2000, 37)}
    data = p.pcap(packets, 101, step=chance.choice((0.001, 0.3, 2.0)), leaps=leaps)
    reading = Reading()
    table = FlowTable(16, settled=reading.settle)
    left = set()
    for flow in table.run(PacketFile(_once(data))):
        assert isinstance(flow, Flow)
        assert flow.number not in left
        left.add(flow.number)
        reading.connection(flow)
        flow.dissolve()
        for key, half in table._halves.items():
            assert table._flows[half.flow.key] is half.flow
            assert key in (half.flow.key, turned(half.flow.key))
    assert len(table._flows) == len(table._halves) == 0


@pytest.mark.parametrize("addresses", [(p.CLIENT, p.SERVER), ("2001:db8::9", "2001:db8::5")])
@pytest.mark.parametrize("seed", range(8))
def test_the_way_of_most_packets_sees_what_the_general_one_sees(
    tls12: Said, seed: int, addresses: tuple[str, str]
) -> None:
    """Over Ethernet the loop reads the headers by itself; raw IP goes through the layers."""
    chance = random.Random(seed)
    packets: list[bytes] = []
    for own in range(50000, 50040):
        talk = Talk(*addresses, own=own).open()
        for sent_by_client, data in tls12:
            talk.send(sent_by_client, data, ttl=chance.choice((64, 63, 1, 255)))
        packets += talk.close().packets
    frames = [_mangled(packet, chance) for packet in packets]
    quick = p.read(p.pcap([p.ethernet(frame) for frame in frames], step=0.01))
    assert quick == p.read(p.pcap(frames, 101, step=0.01))
    assert len(quick) > 30


def _mangled(packet: bytes, chance: random.Random) -> bytes:
    """Now and then another length, a fragment, other flags, options of IP, padding."""
    v4 = packet[0] >> 4 == 4
    out = bytearray(packet)
    tcp = 20 if v4 else 40
    what = chance.randrange(40)
    if what == 0:
        size = chance.choice((0, len(out), len(out) + 9, max(len(out) - 3, tcp + 20)))
        place = 2 if v4 else 4
        out[place : place + 2] = max(size - (0 if v4 else 40), 0).to_bytes(2, "big")
    elif what == 1:
        out[6 if v4 else tcp] ^= 0x20  # more fragments, or another port
    elif what == 2:
        out[tcp + 13] ^= chance.choice((1, 2, 4, 8))
    elif what == 3:
        out[tcp + 12] = chance.choice((0x50, 0x51, 0x60))
    elif what == 4 and v4:
        out[0:1], out[20:20] = b"\x46", bytes(4)
        out[2:4] = len(out).to_bytes(2, "big")
    elif what == 5:
        out += bytes(6)
    elif what == 6:
        del out[chance.randrange(tcp + 20, len(out) + 1) :]
    return bytes(out)


def _once(data: bytes) -> Read:
    parts = [data]
    return lambda _: parts.pop() if parts else b""


def test_a_clock_that_jumps_about_does_not_make_every_packet_a_look_at_the_table() -> None:
    class Counting(FlowTable):
        sweeps = 0

        def _sweep(self, time: float) -> Iterator[Flow | DatagramFlow]:
            self.sweeps += 1
            return super()._sweep(time)

    packets = []
    for number in range(4000):
        talk = p.Talk(f"10.1.{number >> 8}.{number & 255}").send(True, flags=p.SYN)
        packets.append(talk.packets[0])
    data = p.pcap(packets, 101, leaps={n: 100.0 if n % 2 else -100.0 for n in range(4000)})
    table = Counting(10_000)
    parts = iter([data])
    assert len(list(table.run(PacketFile(lambda _: next(parts, b""))))) == 4000
    assert table.sweeps < 60
