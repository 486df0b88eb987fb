import ssl

import trustme

from detector.wire import hello as h
from detector.wire import registry as r
from detector.wire.alerts import MAX_ALERTS
from detector.wire.records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    encode_message,
    encode_record,
)
from detector.wire.transcript import read_flight, read_transcript


def real_handshake(maximum: ssl.TLSVersion, *, client_auth: bool = False) -> tuple[bytes, bytes]:
    """Both directions of a handshake between two OpenSSLs."""
    authority = trustme.CA()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("a.example").configure_cert(server_context)
    if client_auth:
        server_context.verify_mode = ssl.CERT_OPTIONAL
        authority.configure_trust(server_context)
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.maximum_version = maximum
    authority.configure_trust(client_context)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="a.example")
    from_client, from_server = b"", b""
    server_in, server_out = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(server_in, server_out, server_side=True)
    done: set[str] = set()
    while len(done) < 2:
        for name, side in (("client", client), ("server", server)):
            try:
                side.do_handshake()
                done.add(name)
            except ssl.SSLWantReadError:
                pass
            data = to_server.read()
            from_client += data
            server_in.write(data)
            data = server_out.read()
            from_server += data
            to_client.write(data)
    return from_client, from_server


def test_a_tls_1_2_handshake_shows_hellos_chain_and_group() -> None:
    seen = read_transcript(*real_handshake(ssl.TLSVersion.TLSv1_2))
    assert seen.client_hello is not None
    assert seen.client_hello.sni == "a.example"
    assert seen.server_hello is not None
    assert seen.server_hello.version == 0x0303
    assert len(seen.chain) == 1
    assert seen.group in (0x1D, 0x17)
    assert seen.request is None
    assert seen.server.error is None


def test_a_tls_1_2_server_that_asks_for_a_certificate_is_seen_asking() -> None:
    seen = read_transcript(*real_handshake(ssl.TLSVersion.TLSv1_2, client_auth=True))
    assert seen.request is not None
    assert 0x0403 in seen.request.signature_algorithms


def test_a_tls_1_3_handshake_hides_its_chain_but_not_its_group() -> None:
    seen = read_transcript(*real_handshake(ssl.TLSVersion.TLSv1_3))
    assert seen.server_hello is not None
    assert (seen.server_hello.version, seen.chain) == (0x0304, ())
    assert seen.group in (0x1D, 0x11EC)  # x25519; X25519MLKEM768 from OpenSSL 3.5 on
    assert len(seen.server.opaque) >= 3


def test_a_retry_followed_by_its_showy_change_cipher_spec_still_reads() -> None:
    retry = h.ServerHello(0x0303, h.RETRY_RANDOM, b"", 0x1301, 0, ((r.KEY_SHARE, b"\x00\x17"),))
    final = h.ServerHello(
        0x0303, b"r" * 32, b"", 0x1301, 0,
        ((r.SUPPORTED_VERSIONS, b"\x03\x04"), (r.KEY_SHARE, b"\x00\x17\x00\x01k")),
    )  # fmt: skip
    server = b"".join(
        (
            encode_record(HANDSHAKE, encode_message(2, h.build_server_hello(retry))),
            encode_record(CHANGE_CIPHER_SPEC, b"\x01"),
            encode_record(HANDSHAKE, encode_message(2, h.build_server_hello(final))),
            encode_record(APPLICATION_DATA, b"x" * 40),
        )
    )
    seen = read_transcript(b"", server)
    assert seen.retry is not None
    assert seen.server_hello is not None
    assert seen.group == 0x17
    assert seen.server.opaque == (40,)


def test_an_encrypted_finished_is_opaque_after_change_cipher_spec() -> None:
    flight = read_flight(
        encode_record(CHANGE_CIPHER_SPEC, b"\x01")
        + encode_record(HANDSHAKE, b"\x01\x02\x03\x04" * 10)
    )
    assert (flight.messages, flight.opaque, flight.error) == ((), (40,), None)


def test_an_alert_in_clear_is_kept_with_what_came_before() -> None:
    flight = read_flight(encode_record(ALERT, bytes((2, 40))))
    assert [a.name for a in flight.alerts] == ["handshake_failure"]


def test_garbage_becomes_an_error_and_the_other_side_still_reads() -> None:
    client, _ = real_handshake(ssl.TLSVersion.TLSv1_2)
    seen = read_transcript(client, b"HTTP/1.1 400 Bad Request\r\n")
    assert seen.server.error is not None
    assert seen.server.error.offset == 0
    assert seen.client_hello is not None


def test_alerts_beyond_any_honest_number_end_the_reading() -> None:
    flood = encode_record(ALERT, bytes((1, 112))) * 9000
    flight = read_flight(flood)
    assert len(flight.alerts) == MAX_ALERTS
    assert flight.error is not None
