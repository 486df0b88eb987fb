"""Who ended a connection: the sides, or somebody on the way."""

from __future__ import annotations

from tests.capture import packets as p
from tests.capture.packets import Talk

Said = list[tuple[bool, bytes]]


def greeted(tls12: Said) -> Talk:
    return Talk().open().client(tls12[0][1])


def test_a_servers_own_reset_is_the_servers(tls12: Said) -> None:
    c = p.one(greeted(tls12).send(False, flags=p.RST | p.ACK).packets)
    assert (c.closed_by, c.how, c.signs) == ("server", "rst", ())


def test_a_servers_fin_is_the_servers(tls12: Said) -> None:
    c = p.one(greeted(tls12).close(by_client=False).packets)
    assert (c.closed_by, c.how) == ("server", "fin")


def test_a_reset_with_another_ttl_is_somebody_elses(tls12: Said) -> None:
    c = p.one(greeted(tls12).send(False, flags=p.RST, ttl=57).packets)
    assert c.closed_by == "middlebox"
    assert c.signs == ("The reset came with TTL 57, the server's other packets with 64.",)


def test_a_server_that_goes_on_after_its_reset_did_not_send_it(tls12: Said) -> None:
    talk = greeted(tls12).send(False, flags=p.RST, move=False)
    for from_client, data in tls12[1:4]:
        talk.send(from_client, data)
    c = p.one(talk.packets)
    assert c.closed_by == "middlebox"
    assert "The server went on sending after its alleged reset." in c.signs


def test_a_reset_with_a_sequence_number_out_of_the_air_is_forged(tls12: Said) -> None:
    c = p.one(greeted(tls12).send(False, flags=p.RST, at=123456789).packets)
    assert c.closed_by == "middlebox"


def test_an_alert_after_the_others_fin_did_not_end_it(tls12: Said) -> None:
    talk = greeted(tls12).send(False, flags=p.FIN | p.ACK)
    talk.send(True, b"\x15\x03\x01\0\x02\x02\x32").send(True, flags=p.FIN | p.ACK)
    c = p.one(talk.packets)
    assert (c.closed_by, c.how) == ("server", "fin")
    assert c.fatal is None


def test_a_connection_that_stands_was_ended_by_nobody(tls12: Said) -> None:
    c = p.one(greeted(tls12).packets)
    assert (c.closed_by, c.how) == (None, "open")
