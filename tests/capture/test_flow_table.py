"""When a flow leaves the table, and what still comes for it afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

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
