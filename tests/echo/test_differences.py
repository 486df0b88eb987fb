"""Every difference between what left and what arrived is told, and nothing else is."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from detector.echo.differences import (
    Difference,
    Flight,
    delays,
    differences,
    first_flight,
    header_differences,
    is_rewritten,
)
from detector.errors import WireError
from detector.model.echoes import Piece
from detector.wire.hello import ClientHello, client_hello_record, parse_client_hello
from detector.wire.offer import SECP256R1, X25519, X25519MLKEM768, Material, Offer, client_hello
from detector.wire.records import HANDSHAKE, encode_record
from detector.wire.registry import SERVER_NAME, SESSION_TICKET

KEYS = {X25519: b"k" * 32, X25519MLKEM768: b"m" * 1216, SECP256R1: b"p" * 65}


def message(offer: Offer, seed: bytes = b"r") -> bytes:
    return client_hello(offer, Material(seed * 32, seed * 32, KEYS))


def packed(data: bytes, *at: int) -> Flight:
    """A message in records that are cut there."""
    cuts = (0, *at, len(data))
    pieces = (data[a:b] for a, b in pairwise(cuts))
    return first_flight(b"".join(encode_record(HANDSHAKE, one, 0x0301) for one in pieces))


def edited(data: bytes, **changes: object) -> Flight:
    hello = msgspec.structs.replace(parse_client_hello(data[4:]), **changes)
    return first_flight(client_hello_record(hello))


def texts(found: tuple[Difference, ...]) -> list[str]:
    return [one.text for one in found]


BROWSER = message(Offer(sni="echo.test", alpn=("h2", "http/1.1"), ech=True))
PARSED: ClientHello = parse_client_hello(BROWSER[4:])


def test_the_same_bytes_have_no_differences() -> None:
    assert differences(packed(BROWSER), packed(BROWSER)) == ()


def test_what_comes_behind_the_hello_is_not_part_of_the_flight() -> None:
    whole = packed(BROWSER)
    assert first_flight(whole.data + encode_record(23, b"x" * 99, 0x0303)) == whole


def test_a_split_and_a_joined_hello_are_told_by_their_records() -> None:
    one, two = packed(BROWSER), packed(BROWSER, 100)
    (split,) = differences(one, two)
    assert (split.kind, split.text) == (
        "records", "The hello was split: 1 TLS record left, 2 arrived.",
    )  # fmt: skip
    (joined,) = differences(two, one)
    assert joined.text == "The hello was joined: 2 TLS records left, 1 arrived."
    (moved,) = differences(two, packed(BROWSER, 200))
    assert "cut in other places" in moved.text
    assert not is_rewritten(one, two)


def test_a_record_of_another_version_is_told() -> None:
    other = first_flight(encode_record(HANDSHAKE, BROWSER, 0x0303))
    (found,) = differences(packed(BROWSER), other)
    assert found.text == "The record says TLS 1.2; TLS 1.0 was sent."


def test_what_another_programs_hello_lacks_is_told_by_what_it_means() -> None:
    plain = Offer(sni="echo.test", groups=(X25519, SECP256R1), shares=(X25519,), status=False)
    sent, arrived = packed(BROWSER), packed(message(plain, b"q"))
    found = differences(sent, arrived)
    assert is_rewritten(sent, arrived)
    assert found[0].field == "random"
    assert [one.field for one in found if one.kind == "lost"] == [
        "ECH", "hybrid key exchange", "HTTP/2", "certificate status request",
    ]  # fmt: skip
    groups = next(one for one in found if one.field == "groups")
    assert "2 removed (X25519MLKEM768, secp384r1)" in groups.text


@pytest.mark.parametrize(
    ("name", "versions", "extension"),
    [
        ("TLS 1.3", (0x0303,), None),
        ("trust_anchors", (0x0304, 0x0303), (0xCA34, b"\0\0")),
        ("compress_certificate", (0x0304, 0x0303), (27, b"\x02\0\2")),
        ("GREASE", (0x0304, 0x0303), (0x2A2A, b"")),
    ],
)
def test_a_loss_has_its_name(
    name: str, versions: tuple[int, ...], extension: tuple[int, bytes] | None
) -> None:
    kinds = (*(PARSED.extensions or ()), extension) if extension else PARSED.extensions
    sent = edited(BROWSER, extensions=kinds)
    arrived = packed(message(Offer(sni="echo.test", versions=versions), b"q"))
    assert name in [one.field for one in differences(sent, arrived) if one.kind == "lost"]


def test_an_edited_hello_is_the_clients_own_and_each_edit_is_told() -> None:
    kinds = tuple(one for one in PARSED.extensions or () if one[0] != SESSION_TICKET)
    without = edited(BROWSER, extensions=kinds)
    assert not is_rewritten(packed(BROWSER), without)
    assert texts(differences(packed(BROWSER), without)) == [
        "session tickets was lost: sessions of TLS 1.2 are not resumed by tickets.",
        "The extensions are others: 1 removed (session_ticket).",
    ]
    turned = edited(BROWSER, ciphers=PARSED.ciphers[::-1])
    assert texts(differences(packed(BROWSER), turned)) == [
        "The cipher suites stand in another order."
    ]
    keys = edited(BROWSER, extensions=tuple(
        (kind, body[:-1] + b"!" if kind == 51 else body) for kind, body in PARSED.extensions or ()
    ))  # fmt: skip
    assert texts(differences(packed(BROWSER), keys)) == [
        "The extension key_share has another content."
    ]


def test_another_name_is_told_with_both() -> None:
    other = Offer(sni="else.test", alpn=("h2", "http/1.1"), ech=True)
    (found,) = differences(packed(BROWSER), packed(message(other)))
    assert (found.field, found.sent, found.arrived) == ("server name", "echo.test", "else.test")


def test_padding_that_somebody_added_is_told_in_bytes() -> None:
    padded = message(Offer(sni="echo.test", alpn=("h2", "http/1.1"), ech=True, size=3000), b"q")
    found = differences(packed(BROWSER), packed(padded))
    assert [one.field for one in found] == ["random", "extensions", "padding"]


def test_chance_in_another_programs_hello_is_passed_over() -> None:
    again = packed(message(Offer(sni="echo.test", alpn=("h2", "http/1.1"), ech=True), b"q"))
    assert [one.field for one in differences(packed(BROWSER), again)] == ["random"]


def test_a_list_that_cannot_be_read_is_a_difference_and_no_error() -> None:
    broken = tuple(
        (kind, b"\xff" if kind in (10, SERVER_NAME) else body)
        for kind, body in PARSED.extensions or ()
    )
    found = texts(differences(packed(BROWSER), edited(BROWSER, extensions=broken)))
    assert "The groups cannot be read on one side." in found


@pytest.mark.parametrize(
    "data", [b"", b"\x16\x03\x01", b"\x15\x03\x01\0\2\2\x28", bytes(range(7, 71))]
)
def test_no_hello_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(WireError):
        first_flight(data)


def test_only_what_was_held_back_is_a_delay() -> None:
    assert not list(delays((Piece(1400, 1.0), Piece(300, 1.2))))
    assert not list(delays((Piece(1700, 900.0),)))
    (late,) = delays((Piece(1400, 1.0), Piece(300, 401.0)))
    assert late.text.startswith("The hello came in 2 pieces, the last 400 ms after the first:")


SENT = (("Host", "echo.test"), ("User-Agent", "tlsight"), ("Accept", "application/json"))


def test_headers_that_were_added_changed_removed_or_moved_are_told() -> None:
    came = (
        ("Via", "1.1 squid"), ("user-agent", "tlsight"), ("Host", "echo.test"),
        ("X-Forwarded-For", "10.0.0.1"), ("X-Forwarded-For", "10.0.0.2"),
    )  # fmt: skip
    assert [(one.field, one.text) for one in header_differences(SENT, came, "HTTP/1.1")] == [
        ("via", "The header via was added."),
        ("x-forwarded-for", "The header x-forwarded-for was added."),
        ("user-agent", "The header user-agent is written in another way."),
        ("accept", "The header accept was removed."),
        ("order", "The headers stand in another order."),
    ]


def test_http2_writes_small_and_names_the_host_apart() -> None:
    came = (
        (":method", "GET"), (":authority", "echo.test"), (":path", "/"),
        ("user-agent", "tlsight"), ("accept", "text/html"),
    )  # fmt: skip
    assert [one.field for one in header_differences(SENT, came, "HTTP/2")] == [
        "HTTP version", "accept",
    ]  # fmt: skip
