"""A hello's fate, and whose hello came in its place."""

from __future__ import annotations

import msgspec
import pytest

from detector.echo.differences import Flight, first_flight
from detector.forensics.echoed import Fate, echoed, worst
from detector.knowledge.browser_hellos import browser_hellos
from detector.model.echoes import Piece
from detector.wire.hello import client_hello_record, parse_client_hello
from detector.wire.offer import X25519, X25519MLKEM768, Material, Offer, client_hello, wire_form

BROWSERS = browser_hellos()
KEYS = {X25519: b"k" * 32, X25519MLKEM768: b"m" * 1216}


def flight(offer: Offer, seed: bytes = b"r") -> Flight:
    message = client_hello(offer, Material(seed * 32, seed * 32, KEYS))
    return first_flight(b"".join(wire_form(offer, message)))


PLAIN = Offer(sni="echo.test", alpn=("h2",))
SENT = flight(PLAIN)
# As tests/live/test_echo.py meets it towards a server: the suites and extensions of mitmproxy 12.
MITMPROXY_SUITES = next(
    known.suites
    for known in (k for group in BROWSERS._by_suites.values() for k in group)
    if known.name == "mitmproxy"
)


def test_what_arrives_as_it_left_is_unchanged() -> None:
    found = echoed("curl", SENT, SENT, BROWSERS)
    assert (found.fate, found.differences, found.sent) == ("unchanged", (), found.arrived)
    assert found.sent_ja4 == found.arrived_ja4


def test_other_records_are_repacking_and_a_delay_is_told_and_no_change() -> None:
    two = flight(msgspec.structs.replace(PLAIN, records=2))
    found = echoed("curl", SENT, two, BROWSERS)
    assert (found.fate, found.written_by) == ("repacked", None)
    late = echoed("curl", SENT, SENT, BROWSERS, (Piece(9, 0.0), Piece(9, 500.0)))
    assert (late.fate, [one.kind for one in late.differences]) == ("unchanged", ["delayed"])


def test_an_edit_is_told_from_another_hello_by_the_random() -> None:
    hello = parse_client_hello(client_hello(PLAIN, Material(b"r" * 32, b"r" * 32, KEYS))[4:])
    less = msgspec.structs.replace(hello, ciphers=hello.ciphers[:-1])
    assert echoed("curl", SENT, first_flight(client_hello_record(less)), BROWSERS).fate == "edited"
    other = echoed("curl", SENT, flight(PLAIN, b"q"), BROWSERS)
    assert other.fate == "rewritten"


def test_who_wrote_it_is_named_where_the_tables_know_and_not_guessed_else() -> None:
    kinds = (10, 11, 13, 22, 23, 35, 43, 45, 51, 65281)
    shown = parse_client_hello(client_hello(PLAIN, Material(b"q" * 32, b"q" * 32, KEYS))[4:])
    bodies = dict(shown.extensions or ())
    mitmproxy = msgspec.structs.replace(
        shown,
        ciphers=MITMPROXY_SUITES,
        extensions=tuple((kind, bodies.get(kind, b"")) for kind in kinds),
    )
    found = echoed("curl", SENT, first_flight(client_hello_record(mitmproxy)), BROWSERS)
    assert (found.fate, found.written_by, found.written_by_kind) == (
        "rewritten", "mitmproxy", "product",
    )  # fmt: skip
    nobody = msgspec.structs.replace(shown, ciphers=(0x1301, 0xC02C, 0x009E))
    found = echoed("curl", SENT, first_flight(client_hello_record(nobody)), BROWSERS)
    assert (found.fate, found.written_by) == ("rewritten", None)


def test_nothing_has_its_reason() -> None:
    found = echoed("curl", SENT, None, BROWSERS, why="the connection was reset")
    assert (found.fate, found.why) == ("nothing", "the connection was reset")


@pytest.mark.parametrize(
    ("fates", "whole"),
    [
        ((), "nothing"),
        (("unchanged", "unchanged"), "unchanged"),
        (("unchanged", "repacked"), "repacked"),
        (("rewritten", "edited", "unchanged"), "rewritten"),
    ],
)
def test_the_worst_of_several_is_the_ways(fates: tuple[Fate, ...], whole: Fate) -> None:
    assert worst(fates) == whole
