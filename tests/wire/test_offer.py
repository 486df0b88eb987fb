"""Hellos of our own say what they are told to, and OpenSSL understands them."""

from __future__ import annotations

import msgspec
import pytest

from detector.causes.plan import plan
from detector.net.trial import Keys
from detector.wire import offer as o
from detector.wire.hello import ClientHello, parse_client_hello
from detector.wire.records import HandshakeReader, RecordReader

KEYS = Keys()


def read(offer: o.Offer) -> ClientHello:
    return parse_client_hello(o.client_hello(offer, KEYS.material)[4:])


def test_a_browsers_hello_says_what_a_browser_says() -> None:
    hello = read(o.Offer(sni="a.example", alpn=("h2",)))
    assert hello.sni == "a.example"
    assert hello.alpn == (b"h2",)
    assert hello.versions == (o.TLS13, o.TLS12)
    assert hello.groups == o.BROWSER_GROUPS
    assert [(group, len(key)) for group, key in hello.key_shares] == [
        (o.X25519MLKEM768, 1216),
        (o.X25519, 32),
    ]


def test_a_false_ech_looks_like_an_outer_one() -> None:
    assert read(o.Offer(sni="a.example", ech=True)).ech == "outer"
    assert read(o.Offer(sni="a.example")).ech is None
    assert read(plan("a.example", ())["browser"]).ech == "outer"


def test_an_ml_kem_key_has_values_under_q_only() -> None:
    """FIPS 203 section 7.2: a server must refuse others."""
    packed = KEYS.material.keys[o.X25519MLKEM768][:1152]
    for at in range(0, len(packed), 3):
        one, two, three = packed[at : at + 3]
        assert (one | (two & 15) << 8) < 3329
        assert (two >> 4 | three << 4) < 3329


@pytest.mark.parametrize("size", [600, 1700, 5000])
def test_a_hello_is_padded_to_its_size(size: int) -> None:
    offer = o.Offer(sni="a", groups=(o.X25519,), shares=(o.X25519,), size=size)
    assert len(o.client_hello(offer, KEYS.material)) == size


def test_old_versions_have_no_extension_of_newer_ones() -> None:
    ssl3 = read(o.Offer(versions=(o.SSL3,), suites=(5, 0x1301), sni="a"))
    assert ssl3.extensions is None
    assert ssl3.ciphers == (5, o.RENEGOTIATION_SCSV)
    tls12 = read(o.Offer(versions=(o.TLS12,), sni="a"))
    assert tls12.extension(43) is None
    assert tls12.legacy_version == o.TLS12


@pytest.mark.parametrize(("records", "segments"), [(1, 1), (2, 1), (1, 2), (3, 4)])
def test_a_hello_is_the_same_however_it_is_cut(records: int, segments: int) -> None:
    offer = o.Offer(sni="a.example", records=records, segments=segments)
    message = o.client_hello(offer, KEYS.material)
    pieces = o.wire_form(offer, message)
    assert len(pieces) == segments
    reader, joined = RecordReader(), HandshakeReader()
    found = [r for piece in pieces for r in reader.feed(piece)]
    assert len(found) == records
    (whole,) = [m for r in found for m in joined.feed(r.payload)]
    assert whole.body == message[4:]


def test_every_hello_of_the_plan_can_be_read_again() -> None:
    for name, offer in plan("a.example", ("h2", "http/1.1")).items():
        hello = read(offer)
        assert set(hello.ciphers) - {o.RENEGOTIATION_SCSV} <= set(offer.suites), name
        if o.SSL3 not in offer.versions:
            assert hello.sni == offer.sni
    without = plan(None, ())
    assert "no-sni" not in without
    assert read(without["plain"]).sni is None
    assert msgspec.structs.asdict(without["plain"])["alpn"] == ()
