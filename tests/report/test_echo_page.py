"""The page says match, rewritten or unknown, as the rules judge, and survives what anybody sends."""

from __future__ import annotations

import msgspec
import pytest

from detector.knowledge.browser_hellos import browser_hellos
from detector.lab.case import now
from detector.model.echoes import Echo, Piece
from detector.report.echo_page import echo_page
from detector.report.page import html
from detector.wire.offer import X25519, X25519MLKEM768, Material, Offer, client_hello, wire_form

BROWSERS = browser_hellos()
MATERIAL = Material(b"r" * 32, b"s" * 32, {X25519: b"k" * 32, X25519MLKEM768: b"m" * 1216})
OFFER = Offer(sni="echo.test", alpn=("h2",))
FLIGHT = b"".join(wire_form(OFFER, client_hello(OFFER, MATERIAL)))
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
ECHO = Echo(
    nonce="", at=now(), flight=FLIGHT, peer="192.0.2.1", http="HTTP/1.1",
    headers=(("Host", "echo.test"), ("User-Agent", FIREFOX)),
)  # fmt: skip


def page(echo: Echo) -> str:
    return html(echo_page(echo, BROWSERS, "aa" * 32))


def test_a_hello_that_the_named_browser_never_sends_is_rewritten() -> None:
    text = page(ECHO)
    assert "Rewritten: Firefox 128 never sends this hello. Who wrote it is not known." in text
    assert "REWRITTEN" in text.upper()


def test_a_program_that_names_no_browser_is_not_judged() -> None:
    other = msgspec.structs.replace(ECHO, headers=(("User-Agent", "curl/8.5"),))
    assert "Cannot tell." in page(other)
    assert "No User-Agent was sent." in page(msgspec.structs.replace(ECHO, headers=()))


def test_a_hello_that_was_held_back_is_told() -> None:
    late = msgspec.structs.replace(ECHO, pieces=(Piece(100, 1.0), Piece(500, 900.0)))
    assert "the last 899 ms after the first" in page(late)


@pytest.mark.parametrize("flight", [b"", b"\x80\x2e\x01\x03\x01", FLIGHT[:90], b"\xff" * 200])
def test_what_cannot_be_read_is_said_so_and_nothing_breaks(flight: bytes) -> None:
    text = page(msgspec.structs.replace(ECHO, flight=flight, syn=b"\x45\x00"))
    assert "Cannot tell who wrote it. The hello is none that can be judged." in text


def test_a_thousand_headers_are_cut() -> None:
    many = tuple((f"X-{n}", "v" * 3000) for n in range(1000))
    text = page(msgspec.structs.replace(ECHO, headers=many))
    assert "X-59" in text
    assert "X-60" not in text
    assert len(text) < 120_000


def test_a_hello_with_30000_suites_makes_a_small_page_and_is_not_remembered() -> None:
    huge = msgspec.structs.replace(OFFER, suites=tuple(range(30_000)), groups=(X25519,) * 200)
    flight = b"".join(wire_form(huge, client_hello(huge, MATERIAL)))
    browsers = browser_hellos()
    before = len(browsers._made)
    text = page(msgspec.structs.replace(ECHO, flight=flight))
    assert "none that can be judged" in text
    assert "Cipher suites" in text
    assert len(text) < 120_000
    assert len(browsers._made) == before
