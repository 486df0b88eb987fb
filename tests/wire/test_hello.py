import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import WireError
from detector.wire import hello as h
from detector.wire import registry as r
from detector.wire.records import HandshakeReader, RecordReader

GREASE = 0x3A3A


def sample(*extensions: h.Extension) -> h.ClientHello:
    return h.ClientHello(
        0x0303, bytes(32), b"session", (GREASE, 0x1301, 0xC02B), b"\x00", extensions
    )


def openssl_hello(host: str) -> h.ClientHello:
    """A ClientHello as OpenSSL writes it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2", "http/1.1"])
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    (record,) = RecordReader().feed(out.read())
    (message,) = HandshakeReader().feed(record.payload)
    assert message.type == r.CLIENT_HELLO
    return h.parse_client_hello(message.body)


def test_openssls_hello_is_read_field_by_field() -> None:
    found = openssl_hello("example.com")
    assert found.sni == "example.com"
    assert found.alpn == (b"h2", b"http/1.1")
    assert 0x0304 in found.versions
    assert 0x001D in found.groups
    assert 0x0403 in found.signature_algorithms
    # from OpenSSL 3.5 on a share of X25519MLKEM768 stands before it
    assert [group for group, _ in found.key_shares][-1:] == [0x001D]
    assert found.ech is None


def test_parse_and_build_give_openssls_bytes_back() -> None:
    found = openssl_hello("example.com")
    again = h.parse_client_hello(h.build_client_hello(found))
    assert again == found


def test_our_own_extensions_read_back_as_what_was_meant() -> None:
    found = sample(
        h.server_name("bank.example"),
        h.alpn(["h2"]),
        h.supported_versions([GREASE, 0x0304, 0x0303]),
        h.supported_groups([GREASE, 0x11EC, 0x001D]),
        h.key_share([(GREASE, b"\x00"), (0x11EC, b"k" * 1216)]),
        h.signature_algorithms([0x0403, 0x0804]),
        h.status_request(),
        h.ec_point_formats(),
        (r.ENCRYPTED_CLIENT_HELLO, b"\x00rest"),
        (0xABCD, b"unknown"),
    )
    again = h.parse_client_hello(h.build_client_hello(found))
    assert again == found
    assert again.sni == "bank.example"
    assert again.versions == (GREASE, 0x0304, 0x0303)
    assert again.groups == (GREASE, 0x11EC, 0x001D)
    assert again.key_shares == ((GREASE, b"\x00"), (0x11EC, b"k" * 1216))
    assert again.signature_algorithms == (0x0403, 0x0804)
    assert again.point_formats == (0,)
    assert again.ech == "outer"
    assert again.extension(0xABCD) == b"unknown"


def test_a_hello_without_extension_block_is_not_one_with_an_empty_block() -> None:
    bare = h.ClientHello(0x0301, bytes(32), b"", (5,), b"\x00", None)
    empty = h.ClientHello(0x0301, bytes(32), b"", (5,), b"\x00", ())
    assert h.parse_client_hello(h.build_client_hello(bare)).extensions is None
    assert h.parse_client_hello(h.build_client_hello(empty)).extensions == ()
    assert bare.versions == (0x0301,)
    assert bare.sni is None


def test_a_server_hello_tells_version_group_and_alpn() -> None:
    chosen = h.ServerHello(
        0x0303,
        b"r" * 32,
        b"",
        0x1301,
        0,
        ((r.SUPPORTED_VERSIONS, b"\x03\x04"), (r.KEY_SHARE, b"\x00\x1d\x00\x01k")),
    )
    again = h.parse_server_hello(h.build_server_hello(chosen))
    assert (again.version, again.group, again.is_retry, again.alpn) == (0x0304, 29, False, None)


@pytest.mark.parametrize("extension", [(43, b"\x03"), (51, b"\x00"), (16, b"\x00\x05x")])
def test_a_server_hello_whose_views_would_break_is_refused(extension: h.Extension) -> None:
    body = h.build_server_hello(h.ServerHello(0x0303, bytes(32), b"", 1, 0, (extension,)))
    with pytest.raises(WireError):
        h.parse_server_hello(body)


def test_a_retry_is_known_by_its_random() -> None:
    retry = h.ServerHello(0x0303, h.RETRY_RANDOM, b"", 0x1301, 0, ((r.KEY_SHARE, b"\x00\x18"),))
    again = h.parse_server_hello(h.build_server_hello(retry))
    assert again.is_retry
    assert again.group == 24


def test_more_than_256_extensions_are_refused() -> None:
    crowd = sample(*((n, b"") for n in range(300)))
    with pytest.raises(WireError, match="more than 256 extensions"):
        h.parse_client_hello(h.build_client_hello(crowd))


@pytest.mark.parametrize("cut", [0, 1, 33, 35, 40, 44, -1])
def test_a_hello_cut_anywhere_is_an_error_with_an_offset(cut: int) -> None:
    body = h.build_client_hello(sample(h.server_name("a.example")))
    with pytest.raises(WireError) as caught:
        h.parse_client_hello(body[:cut])
    assert 0 <= caught.value.offset <= len(body)


@pytest.mark.parametrize("number", [14, 16, 18, 21])
def test_an_early_drafts_server_hello_has_no_session_and_no_compression(number: int) -> None:
    share = b"\0\x28\0\x24\0\x1d\0\x20" + bytes(32)
    body = bytes((0x7F, number)) + bytes(32) + b"\x13\x01" + len(share).to_bytes(2) + share
    found = h.parse_server_hello(body)
    assert (found.version, found.cipher, found.group) == (0x7F00 | number, 0x1301, 29)
    assert r.version_name(found.version) == f"TLSv1.3 draft {number}"


@pytest.mark.parametrize(
    ("version", "name", "tls13"),
    [
        (0x0304, "TLSv1.3", True),
        (0x7F17, "TLSv1.3 draft 23", True),
        (0x7E02, "TLSv1.3 experiment 2", True),
        (0xFB1A, "TLSv1.3 draft 26 (Facebook)", True),
        (0x0303, "TLSv1.2", False),
        (0x0A0A, "0x0a0a", False),
    ],
)
def test_versions_before_the_rfc_are_named(version: int, name: str, tls13: bool) -> None:
    assert r.version_name(version) == name
    assert r.is_tls13(version) is tls13


@pytest.mark.parametrize(("value", "expected"), [(0x0A0A, True), (0xFAFA, True), (0x0A1A, False)])
def test_grease_is_recognised(value: int, expected: bool) -> None:
    assert r.is_grease(value) is expected


@given(
    st.binary(max_size=32),
    st.lists(st.integers(0, 65535), max_size=40),
    st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=60)), max_size=20),
)
def test_any_hello_survives_build_and_parse(
    session: bytes, ciphers: list[int], extensions: list[tuple[int, bytes]]
) -> None:
    made = h.ClientHello(0x0303, b"x" * 32, session, tuple(ciphers), b"\x00", tuple(extensions))
    assert h.parse_client_hello(h.build_client_hello(made)) == made


def test_a_drafts_server_hello_has_neither_session_id_nor_compression() -> None:
    """draft-ietf-tls-tls13-18 section 4.1.3; key_share was type 40 before draft 23."""
    share = b"\x00\x1d" + b"\x00\x20" + bytes(32)
    hello = h.ServerHello(0x7F12, bytes(32), b"", 0x1301, 0, ((40, share),))
    body = h.build_server_hello(hello)
    assert len(body) == 2 + 32 + 2 + 2 + 4 + len(share)
    read = h.parse_server_hello(body)
    assert read == hello
    assert (read.version, read.group) == (0x7F12, 0x001D)


def test_a_trial_of_tls_1_3_tells_its_group_in_the_old_extension() -> None:
    """What Chrome 63 tried: a ServerHello as of TLS 1.2, with 0x7e01 in supported_versions."""
    extensions = ((40, b"\x00\x1d\x00\x00"), (r.SUPPORTED_VERSIONS, b"\x7e\x01"))
    hello = h.ServerHello(0x0303, bytes(32), bytes(32), 0x1301, 0, extensions)
    assert h.parse_server_hello(h.build_server_hello(hello)).group == 0x001D


def test_in_a_final_version_type_40_is_no_key_share() -> None:
    hello = h.ServerHello(0x0303, bytes(32), b"", 0xC02F, 0, ((40, b"\x00\x1d\x00\x00"),))
    assert h.parse_server_hello(h.build_server_hello(hello)).group is None
