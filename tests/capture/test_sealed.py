"""Alerts of TLS 1.3 without a key: told from lengths, and not told where they are none."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

from tests.capture import packets as p
from tests.capture.packets import Talk
from tests.capture.test_keylog import conversation, packets

Said = list[tuple[bool, bytes]]


def sealed(*sizes: int) -> bytes:
    return b"".join(b"\x17\x03\x03" + size.to_bytes(2, "big") + bytes(size) for size in sizes)


def after_the_hellos(tls13: Said, *said: tuple[bool, bytes]) -> Talk:
    """The real hellos, and records of these lengths after them; the server closes first.

    A hello with a post-quantum key share, as OpenSSL 3.5 and later send it, takes more than one segment.
    """
    asked = b"".join(data for _, data in takewhile(lambda one: one[0], tls13))
    hello = next(data for from_client, data in tls13 if not from_client)
    size = 5 + int.from_bytes(hello[3:5])
    talk = Talk().open().send(True, asked).send(False, hello[:size])
    for from_client, data in said:
        talk.send(from_client, data)
    return talk.close(by_client=False)


def test_a_server_that_wants_a_certificate_is_told_by_its_only_record(tmp_path: Path) -> None:
    made = packets(conversation(tmp_path, ask=True), by_client=False)
    c = p.one(made)
    assert [(a.sender, a.code, a.encrypted) for a in c.alerts] == [("server", None, True)]
    assert not c.completed


def test_a_client_that_says_no_under_encryption_is_told(tls13: Said) -> None:
    c = p.one(after_the_hellos(tls13, (False, sealed(2000)), (True, sealed(19))).packets)
    assert [(a.sender, a.code, a.fatal) for a in c.alerts] == [("client", None, True)]
    assert not c.completed


def test_a_short_answer_and_a_close_notify_are_no_refusal(tls13: Said) -> None:
    """A server that puts its flight into one record, one ticket, a short answer, and closes."""
    for after in ((230, 400, 19), (400, 19), (230, 19)):
        talk = after_the_hellos(
            tls13, (False, sealed(2000)), (True, sealed(53, 120)), (False, sealed(*after))
        )
        c = p.one(talk.packets)
        assert c.alerts == ()
        assert c.completed


def test_tickets_before_the_clients_finished_do_not_hide_a_refusal(tls13: Said) -> None:
    talk = after_the_hellos(
        tls13, (False, sealed(40, 1500, 280, 53)), (True, sealed(53, 120)), (False, sealed(19))
    )
    c = p.one(talk.packets)
    assert [(a.sender, a.code) for a in c.alerts] == [("server", None)]
