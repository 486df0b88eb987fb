"""Our matching of names against service-identity's, and what kinds of names there are."""

import warnings

import pytest
from cryptography import x509
from service_identity import VerificationError
from service_identity.cryptography import verify_certificate_hostname, verify_certificate_ip_address

from detector.chain.certificate import Certificate
from detector.chain.names import (
    as_address,
    holds_name,
    is_private_address,
    is_special_use,
    registrable_domain,
)
from detector.lab.pki import LabPki

NAMES = ("a.example", "*.wild.example", "xn--bcher-kva.example", "192.0.2.7", "2001:db8::7")


@pytest.mark.parametrize(
    "host",
    [
        "a.example", "A.EXAMPLE".lower(), "b.example", "x.wild.example", "x.y.wild.example",
        "wild.example", "xn--bcher-kva.example", "192.0.2.7", "192.0.2.8", "2001:db8::7",
        "2001:db8::8", "a.example.evil.example",
    ],
)  # fmt: skip
def test_matching_agrees_with_service_identity(pki: LabPki, host: str) -> None:
    der = pki.issue(*NAMES).der
    theirs = x509.load_der_x509_certificate(der)
    verify = verify_certificate_ip_address if as_address(host) else verify_certificate_hostname
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            verify(theirs, host)
        expected = True
    except VerificationError:
        expected = False
    assert holds_name(Certificate(der), host) is expected


def test_a_wildcard_directly_below_a_top_level_domain_matches_nothing(pki: LabPki) -> None:
    assert not holds_name(Certificate(pki.issue("*.com").der), "bank.com")


@pytest.mark.parametrize("host", ["intranet", "nas.local", "x.internal", "a.home.arpa", "b.test"])
def test_special_use_names_are_internal(host: str) -> None:
    assert is_special_use(host)


@pytest.mark.parametrize("host", ["example.com", "local.example.com", "10.0.0.1"])
def test_other_names_are_not(host: str) -> None:
    assert not is_special_use(host)


@pytest.mark.parametrize(
    ("host", "private"),
    [("10.1.2.3", True), ("127.0.0.1", True), ("fe80::1", True), ("fd00::1", True),
     ("100.64.0.1", True), ("8.8.8.8", False), ("2606:4700::1", False), ("example.com", False)],
)  # fmt: skip
def test_private_addresses_are_told_from_public_ones(host: str, private: bool) -> None:
    assert is_private_address(host) is private


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.co.uk", "example.co.uk"),
        ("example.com", "example.com"),
        ("a.github.io", "a.github.io"),
        ("b.c.origin.test", "origin.test"),
        ("192.0.2.1", "192.0.2.1"),
        ("co.uk", "co.uk"),
    ],
)
def test_the_registrable_domain_follows_the_public_suffix_list(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain


def test_an_address_of_a_transition_is_as_private_as_the_one_behind_it() -> None:
    inner = (
        "2002:0a42:0001::1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "::ffff:10.0.0.1",
        "fd00::1",
    )
    outer = ("2002:5db8:d822::1", "64:ff9b::5db8:d822", "64:ff9b:1::5db8:d822", "2606:4700::1111")
    assert all(map(is_private_address, inner))
    assert not any(map(is_private_address, outer))
