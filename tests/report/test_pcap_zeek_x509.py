"""Certificates as Zeek's x509.log has them."""

from __future__ import annotations

from detector.chain.certificate import split_pem
from detector.lab.pki import LabPki
from detector.report.pcap_zeek import line
from detector.report.pcap_zeek_x509 import X509_COLUMNS, x509_values
from tests.report.test_pcap_zeek import connections


def test_certificates_are_the_ones_that_zeeks_own_test_expects() -> None:
    (c,) = connections("tls/tls-conn-with-extensions.pcap")
    leaf, above = (
        dict(zip(X509_COLUMNS, line(X509_COLUMNS, values)[:-1].split("\t"), strict=True))
        for values in (
            x509_values(c.chain[0], 1.0, leaf=True, client=False),
            x509_values(c.chain[1], 1.0, leaf=False, client=False),
        )
    )
    assert list(leaf.values())[2:6] == [
        "3", "36F5DA5300000000505E", "CN=*.gstatic.com,O=Google Inc,L=Mountain View,ST=California,C=US",
        "CN=Google Internet Authority,O=Google Inc,C=US",
    ]  # fmt: skip
    assert list(leaf.values())[8:] == [
        "rsaEncryption", "sha1WithRSAEncryption", "rsa", "1024", "65537", "-",
        "*.gstatic.com,gstatic.com,*.metric.gstatic.com", "-", "-", "-", "-", "-", "T", "F",
    ]  # fmt: skip
    assert above["certificate.serial"] == "0B6771"
    assert above["san.dns"] == "-"
    assert (above["basic_constraints.ca"], above["basic_constraints.path_len"]) == ("T", "0")
    assert above["host_cert"] == "F"


def test_keys_on_curves_are_called_as_openssl_calls_them() -> None:
    (c,) = connections("tls/ecdsa-cert.pcap")
    values = x509_values(c.chain[0], 1.0, leaf=True, client=False)
    assert values["certificate.key_alg"] == "id-ecPublicKey"
    assert values["certificate.sig_alg"] == "ecdsa-with-SHA256"
    assert values["certificate.key_type"] == "ecdsa"
    assert values["certificate.curve"] == "secp384r1"
    assert values["certificate.exponent"] is None


def test_a_certificate_that_cannot_be_read_has_its_digest_alone() -> None:
    values = x509_values(b"nothing", 1.0, leaf=True, client=True)
    told = {name for name, value in values.items() if value is not None}
    assert told == {"ts", "fingerprint", "host_cert", "client_cert"}


def test_a_serial_is_written_in_whole_octets_and_keeps_its_sign() -> None:
    """As OpenSSL prints them; RFC 5280 section 4.1.2.2 forbids negative ones, and there are some."""
    from detector.report.pcap_zeek_x509 import _serial

    assert [_serial(n) for n in (0, 1, 0xABC, -0x3650)] == ["00", "01", "0ABC", "-3650"]


def test_our_own_certificates_are_read_to_their_end() -> None:
    leaf = LabPki().issue("a.example")
    (der, *_) = split_pem(leaf.chain_pem.encode())
    values = x509_values(der, 1.0, leaf=True, client=False)
    assert values["san.dns"] == ["a.example"]
    unset = {name for name, value in values.items() if value is None}
    assert "certificate.key_alg" not in unset
    assert "certificate.sig_alg" not in unset
    assert values["certificate.version"] == 3
