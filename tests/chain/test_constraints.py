"""Name constraints, over names that a certificate bears."""

from __future__ import annotations

import ipaddress
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from detector.chain import der
from detector.chain.certificate import Certificate
from detector.chain.constraints import MAX_COMPARED, MAX_SUBTREES, admits
from detector.errors import CertificateError
from detector.lab.pki import Authority, LabPki
from tests.chain.resigning import extensions_changed, joined, parts, resigned

NC, SAN = bytes.fromhex("0603551d1e"), bytes.fromhex("0603551d11")
DNS, MAIL, URI, ADDRESS, DIRECTORY = 0x82, 0x81, 0x86, 0x87, 0xA4
Names = list[tuple[int, bytes]]


def subtrees(tag: int, bases: Names) -> bytes:
    return joined(tag, [joined(0x30, [der.encode(*base)]) for base in bases]) if bases else b""


def constrained(pki: LabPki, permitted: Names, excluded: Names) -> Certificate:
    value = joined(0x30, [subtrees(0xA0, permitted), subtrees(0xA1, excluded)])
    return with_value(pki, value)


def with_value(pki: LabPki, value: bytes) -> Certificate:
    one = joined(0x30, [NC, der.encode(der.OCTET_STRING, value)])
    change = extensions_changed(lambda listed: [*listed, one])
    return Certificate(resigned(pki.intermediate.der, pki.root, change))


def bearing(pki: LabPki, names: Names) -> Certificate:
    """A leaf with these alternative names."""
    value = joined(0x30, [der.encode(*one) for one in names])
    one = joined(0x30, [SAN, der.encode(der.OCTET_STRING, value)])

    def changed(listed: list[bytes]) -> list[bytes]:
        kept = [found for found in listed if parts(found)[0] != SAN]
        return [*kept, one] if names else kept

    return Certificate(
        resigned(pki.issue("a.example", logs=()).der, pki.intermediate, extensions_changed(changed))
    )


def directory(**attributes: str) -> bytes:
    oids = {"O": NameOID.ORGANIZATION_NAME, "CN": NameOID.COMMON_NAME}
    return x509.Name(
        [x509.NameAttribute(oids[key], value) for key, value in attributes.items()]
    ).public_bytes()


def network(text: str) -> bytes:
    found = ipaddress.ip_network(text)
    return found.network_address.packed + found.netmask.packed


def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


@pytest.mark.parametrize(
    ("kind", "base", "name", "inside"),
    [
        (DNS, b"bar.com", b"bar.com", True),
        (DNS, b"bar.com", b"WWW.Bar.Com", True),
        (DNS, b"bar.com", b"www.bar.com.", True),
        (DNS, b"bar.com", b"foobar.com", False),
        (DNS, b".bar.com", b"www.bar.com", True),
        (DNS, b".bar.com", b"bar.com", False),
        (DNS, b"", b"anything.org", True),
        (DNS, b"bar.com", b"*.bar.com", True),
        (MAIL, b"bar.com", b"me@bar.com", True),
        (MAIL, b"bar.com", b"me@www.bar.com", False),
        (MAIL, b".bar.com", b"me@www.bar.com", True),
        (MAIL, b"me@bar.com", b"me@BAR.com", True),
        (MAIL, b"me@bar.com", b"you@bar.com", False),
        (URI, b"bar.com", b"https://bar.com:8443/x", True),
        (URI, b".bar.com", b"ldap://www.bar.com/", True),
        (URI, b"bar.com", b"https://www.bar.com/", False),
        (ADDRESS, network("10.0.0.0/8"), address("10.1.2.3"), True),
        (ADDRESS, network("10.0.0.0/8"), address("11.1.2.3"), False),
        (ADDRESS, network("10.0.0.0/8"), address("2001:db8::1"), False),
        (ADDRESS, network("2001:db8::/32"), address("2001:db8::1"), True),
        (DIRECTORY, directory(O="Good"), directory(O="GOOD", CN="x"), True),
        (DIRECTORY, directory(O="Good"), directory(CN="x", O="Good"), False),
    ],
)
def test_what_is_inside_is_admitted_when_permitted_and_refused_when_excluded(
    pki: LabPki, kind: int, base: bytes, name: bytes, inside: bool
) -> None:
    leaf = bearing(pki, [(kind, name), (DNS, b"a.example")])
    free: Names = [(DNS, b"a.example")] if kind == DNS else []
    own: Names = [(DIRECTORY, leaf.subject)] if kind == DIRECTORY else []
    assert admits(constrained(pki, [(kind, base), *free, *own], []), [leaf], "a.example") is inside
    assert admits(constrained(pki, [], [(kind, base)]), [leaf], "a.example") is not inside


def test_names_of_a_kind_without_a_constraint_are_free(pki: LabPki) -> None:
    leaf = bearing(pki, [(DNS, b"a.example"), (ADDRESS, address("192.0.2.1"))])
    assert admits(constrained(pki, [(DNS, b"example")], []), [leaf], "a.example")


def test_every_name_counts_not_only_the_one_that_is_asked_for(pki: LabPki) -> None:
    leaf = bearing(pki, [(DNS, b"www.good.example"), (DNS, b"bank.example")])
    issuer = constrained(pki, [(DNS, b"good.example")], [])
    assert not admits(issuer, [leaf], "www.good.example")


def test_the_subject_counts_of_leaves_and_of_cas_below(pki: LabPki, corporate: Authority) -> None:
    leaf = bearing(pki, [(DNS, b"a.example")])
    issuer = constrained(pki, [(DIRECTORY, leaf.subject)], [])
    between = Authority("Other", organization="Other", parent=corporate)
    assert admits(issuer, [leaf], "a.example")
    assert not admits(issuer, [leaf, Certificate(between.der)], "a.example")
    # One that a CA issued to itself adds no name (RFC 5280 section 6.1.3 (b)).
    assert admits(issuer, [leaf, Certificate(corporate.der)], "a.example")


def test_a_wildcard_is_refused_where_one_of_its_names_is_excluded(pki: LabPki) -> None:
    leaf = bearing(pki, [(DNS, b"*.good.example")])
    assert not admits(constrained(pki, [], [(DNS, b"bad.good.example")]), [leaf], "x.good.example")
    assert admits(constrained(pki, [], [(DNS, b"bad.other.example")]), [leaf], "x.good.example")
    assert not admits(constrained(pki, [(DNS, b"a.good.example")], []), [leaf], "a.good.example")


def test_a_leaf_that_names_no_server_is_held_to_the_name_that_was_asked_for(pki: LabPki) -> None:
    leaf = bearing(pki, [])
    issuer = constrained(pki, [(DNS, b"good.example")], [])
    assert admits(issuer, [leaf], "www.good.example")
    assert not admits(issuer, [leaf], "bank.example")
    addresses = constrained(pki, [(ADDRESS, network("10.0.0.0/8"))], [])
    assert admits(addresses, [leaf], "10.0.0.1")
    assert not admits(addresses, [leaf], "192.0.2.1")


@pytest.mark.parametrize(
    ("permitted", "names"),
    [
        ([(ADDRESS, b"\x0a\x00\x00\x00\xff")], [(DNS, b"a.example")]),
        ([(ADDRESS, b"\x0a\x00\x00\x00\xff\x00\xff\x00")], [(DNS, b"a.example")]),
        ([(DNS, b"*.example")], [(DNS, b"a.example")]),
        ([(DNS, b"b\xfccher.example")], [(DNS, b"a.example")]),
        ([(DNS, b"example")], [(DNS, b"b\xfccher.example")]),
        ([(DNS, b"example")], [(DNS, b".example")]),
        ([(ADDRESS, bytes(8))], [(ADDRESS, bytes(8))]),
        ([(URI, b"example")], [(URI, b"urn:x")]),
        ([(URI, b"example")], [(URI, b"https://192.0.2.1/")]),
        ([(URI, b"example")], [(URI, b"https://[x/")]),
        ([(0xA0, b"\x06\x01\x2a")], [(0xA0, b"\x06\x01\x2a")]),
        ([(DIRECTORY, b"\x30\x05")], [(DIRECTORY, b"\x30\x00")]),
        ([], []),
    ],
)
def test_what_cannot_be_read_or_is_not_understood_admits_nobody(
    pki: LabPki, permitted: Names, names: Names
) -> None:
    with pytest.raises(CertificateError):
        admits(constrained(pki, permitted, []), [bearing(pki, names)], "a.example")


def test_bounds_on_subtrees_are_not_understood_but_a_minimum_of_zero_is(pki: LabPki) -> None:
    leaf = bearing(pki, [(DNS, b"a.example")])
    for bound, fine in (
        (b"\x80\x01\x00", True),
        (b"\x80\x01\x01", False),
        (b"\x81\x01\x05", False),
    ):
        tree = joined(0x30, [der.encode(DNS, b"example"), bound])
        issuer = with_value(pki, joined(0x30, [joined(0xA0, [tree])]))
        if fine:
            assert admits(issuer, [leaf], "a.example")
        else:
            with pytest.raises(CertificateError):
                admits(issuer, [leaf], "a.example")


def test_thousands_of_names_against_a_thousand_constraints_cost_little(pki: LabPki) -> None:
    leaf = bearing(pki, [(DNS, b"h%d.example" % n) for n in range(2500)])
    excluded: Names = [(DNS, b"x%d.org" % n) for n in range(MAX_SUBTREES)]
    start = time.process_time()
    assert admits(constrained(pki, [], excluded), [leaf], "h1.example")
    assert not admits(constrained(pki, excluded, []), [leaf], "h1.example")
    assert time.process_time() - start < 1
    with pytest.raises(CertificateError, match="more than"):
        admits(constrained(pki, [], [*excluded, (DNS, b"one.more")]), [leaf], "h1.example")


def test_of_other_kinds_so_many_are_never_compared(pki: LabPki) -> None:
    many = 300
    assert many * many > MAX_COMPARED
    leaf = bearing(pki, [(MAIL, b"h%d@a.example" % n) for n in range(many)])
    issuer = constrained(pki, [], [(MAIL, b"x%d.org" % n) for n in range(many)])
    with pytest.raises(CertificateError, match="too many"):
        admits(issuer, [leaf], "h1.example")
