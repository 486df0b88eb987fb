"""Targets of an echo: what a server says, what arrived at it, and the first packet."""

from __future__ import annotations

from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector.echo.differences import delays, differences, first_flight, header_differences
from detector.echo.first_packet import first_packet
from detector.echo.sealed import opened, sealed, signer
from detector.errors import EchoError
from detector.forensics.echoed import echoed
from detector.knowledge.browser_hellos import browser_hellos
from detector.lab.case import now
from detector.model.echoes import Echo, Piece
from detector.report.echo_page import echo_page
from detector.report.page import html
from detector.wire.offer import X25519, Material, Offer, client_hello, wire_form
from tests.fuzz.target import Target

_KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
_PUBLIC = _KEY.public_key().public_bytes_raw().hex()
_OFFER = Offer(sni="a.example", shares=(X25519,), alpn=("h2",), ech=True)
_FLIGHT = b"".join(
    wire_form(_OFFER, client_hello(_OFFER, Material(b"r" * 32, b"s" * 32, {X25519: b"x" * 32})))
)
_SENT = first_flight(_FLIGHT)
_SYN = bytes.fromhex(
    "4500003c1c46400040060000c0a80102c0a80101d43401bb0000000100000000a002faf000000000"
    "020405b40402080a3f3c9a1b0000000001030307"
)
_ECHO = Echo(
    nonce="n", at=now(), flight=_FLIGHT, peer="192.0.2.1", http="HTTP/1.1", syn=_SYN,
    pieces=(Piece(9, 1.0), Piece(9, 400.0)), headers=(("Host", "a.example"), ("User-Agent", "x")),
)  # fmt: skip


def targets() -> dict[str, Target]:
    """By name."""
    return {
        "echo-sealed": Target(_sealed, (sealed(_ECHO, _PUBLIC, _KEY.sign),)),
        "echo-flight": Target(_arrived, (_FLIGHT,)),
        "echo-first-packet": Target(_packet, (_SYN,)),
        "echo-page": Target(_page, (_FLIGHT + b"\0" + b"Mozilla/5.0 Firefox/128.0",)),
    }


def _sealed(data: bytes) -> None:
    """Only what the key signed for the nonce is opened."""
    with suppress(EchoError):
        signer(data)
    assert opened(data, _PUBLIC, "n") == _ECHO


def _arrived(data: bytes) -> None:
    """Every flight has differences, and none only where the bytes are the same."""
    flight = first_flight(data)
    assert bool(differences(_SENT, flight)) == (flight.data != _SENT.data)
    assert not differences(flight, flight)
    assert echoed("x", _SENT, flight, browser_hellos()).fate != "nothing"


def _packet(data: bytes) -> None:
    """Numbers that a header can hold, or nothing."""
    found = first_packet(data)
    if found is not None:
        assert 0 <= found.hops <= 255
        assert found.window < 1 << 16
        assert len(found.options) <= 40


def _page(data: bytes) -> None:
    """A page comes of any flight and any header, and nothing in it is markup of others."""
    flight, _, agent = data.rpartition(b"\0")
    text = agent.decode("latin-1")
    headers = (("User-Agent", text), (text[:40], "x"))
    echo = Echo(nonce="", at=now(), flight=flight, peer="", http="HTTP/2", headers=headers)
    assert "<script" not in html(echo_page(echo, browser_hellos(), _PUBLIC))
    assert len(list(header_differences((), headers, "HTTP/1.1"))) <= 3
    assert not list(delays(()))
