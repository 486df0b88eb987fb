"""When a flow leaves the table, and what still comes for it afterwards."""

from __future__ import annotations

import pytest

from tests.capture import packets as p
from tests.capture.packets import Talk

Said = list[tuple[bool, bytes]]


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
