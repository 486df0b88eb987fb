"""A server's flight, from OpenSSL itself and byte by byte."""

from __future__ import annotations

import ssl
import time
from contextlib import suppress

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from detector.net.trial import Keys
from detector.wire import offer as o
from detector.wire.alerts import MAX_ALERTS
from detector.wire.offer import Offer
from detector.wire.records import ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, encode_record
from detector.wire.server_flight import MAX_MESSAGES, ServerFlight

AUTHORITY = trustme.CA()


def answer(offer: Offer, keys: Keys, *, ask: bool = False, groups: str = "") -> tuple[bytes, bytes]:
    """Our hello's message, and what OpenSSL answers to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("a.example").configure_cert(context)
    if ask:
        context.verify_mode = ssl.CERT_OPTIONAL
        AUTHORITY.configure_trust(context)
    if groups:
        context.set_ecdh_curve(groups)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    message = o.client_hello(offer, keys.material)
    for piece in o.wire_form(offer, message):
        incoming.write(piece)
    with suppress(ssl.SSLError):
        server.do_handshake()
    return message, outgoing.read()


def plain(**changes: object) -> Offer:
    fields: dict[str, object] = {
        "sni": "a.example", "groups": (o.X25519, o.SECP256R1), "shares": (o.X25519, o.SECP256R1),
    }  # fmt: skip
    return Offer(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize("versions", [(o.TLS13, o.TLS12), (o.TLS12,)])
def test_a_flight_is_read_to_its_end_in_pieces_of_any_size(
    step: int, versions: tuple[int, ...]
) -> None:
    keys = Keys()
    message, data = answer(plain(versions=versions), keys, ask=True)
    flight = ServerFlight(message, keys.shared_secret)
    for at in range(0, len(data), step):
        flight.feed(data[at : at + step])
    assert flight.done
    assert flight.error is None
    assert flight.hello is not None
    assert flight.hello.version == versions[0]
    assert flight.chain
    assert flight.request is not None
    assert flight.scheme is not None
    encrypted = [message.encrypted for message in flight.received]
    assert any(encrypted) == (versions[0] == o.TLS13)


def test_a_second_group_of_ours_opens_the_flight_too() -> None:
    keys = Keys()
    message, data = answer(plain(), keys, groups="prime256v1")
    flight = ServerFlight(message, keys.shared_secret)
    flight.feed(data)
    assert flight.hello is not None
    assert flight.hello.group == o.SECP256R1
    assert flight.chain


def test_without_the_secret_the_hello_is_all_there_is() -> None:
    message, data = answer(plain(), Keys())
    flight = ServerFlight(message)
    flight.feed(data)
    assert flight.done
    assert flight.hello is not None
    assert flight.chain == ()


def test_a_wrong_secret_is_an_error_and_no_crash() -> None:
    message, data = answer(plain(), Keys())
    flight = ServerFlight(message, lambda _group, _key: bytes(32))
    flight.feed(data)
    assert flight.done
    assert "cannot be decrypted" in str(flight.error)


@given(st.binary(max_size=400), st.integers(0, 2000), st.booleans())
def test_any_bytes_end_in_a_flight(noise: bytes, at: int, real: bool) -> None:
    keys = Keys()
    message, data = SAMPLE if real else (b"", b"")
    flight = ServerFlight(message, keys.shared_secret)
    flight.feed(data[:at] + noise + data[at:])
    flight.feed(noise)


SAMPLE = answer(plain(versions=(o.TLS12,)), Keys())


def test_a_flood_of_warnings_is_an_error_and_read_once() -> None:
    warning = encode_record(ALERT, bytes((1, 112)))
    flight = ServerFlight(b"")
    start = time.process_time()
    for _ in range(200_000):
        flight.feed(warning)
    assert time.process_time() - start < 4  # it was minutes where each was compared with all
    assert flight.done
    assert flight.error is not None
    assert len(flight.alerts) == MAX_ALERTS


@pytest.mark.parametrize(
    ("kind", "content"), [(HANDSHAKE, b"\0\0\0\0"), (CHANGE_CIPHER_SPEC, b"\1")]
)
def test_messages_that_ask_for_nothing_end_a_flight_before_long(kind: int, content: bytes) -> None:
    flight = ServerFlight(b"")
    for _ in range(MAX_MESSAGES):
        flight.feed(encode_record(kind, content))
    assert not flight.done
    flight.feed(encode_record(kind, content))
    assert flight.error is not None
    assert "more than 64 messages and no end" in str(flight.error)
