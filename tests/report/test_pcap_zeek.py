"""Zeek's logs as Zeek writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.capture.connection import Connection, HelloFacts, SeenAlert
from detector.capture.keylog import KeyLog
from detector.capture.tally import Tally
from detector.report.pcap_zeek import (
    SSL_COLUMNS,
    footer,
    header,
    line,
    spoke_tls,
    ssl_values,
    uid,
    version_name,
)
from detector.report.pcap_zeek_x509 import X509_COLUMNS, x509_values
from detector.runs.packets import Capture
from tests.capture.zeek_traces import zeek_trace

HELLO = HelloFacts(0x0303, (0x0303,), (1,), (), (), (), (), (), "", "")


def connections(trace: str) -> list[Connection]:
    return list(Capture(KeyLog()).connections(str(zeek_trace(trace)), Tally()))


def a_connection(**given: object) -> Connection:
    fields = {
        "client": "10.0.0.9", "client_port": 50000, "server": "192.0.2.5", "server_port": 443,
        "first": 1.5, "last": 2.0,
    }  # fmt: skip
    return Connection(**{**fields, **given})  # type: ignore[arg-type]


def cells(c: Connection) -> dict[str, str]:
    return dict(zip(SSL_COLUMNS, line(SSL_COLUMNS, ssl_values(c))[:-1].split("\t"), strict=True))


def test_the_header_is_zeeks() -> None:
    found = header(
        "ssl", {"ts": "time", "uid": "string"}, datetime(2026, 11, 30, 10, 5, tzinfo=UTC)
    )
    assert found == (
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssl\n"
        "#open\t2026-11-30-10-05-00\n#fields\tts\tuid\n#types\ttime\tstring\n"
    )
    assert footer(datetime(2026, 1, 2, tzinfo=UTC)) == "#close\t2026-01-02-00-00-00\n"


def test_a_row_is_the_one_that_zeeks_own_test_expects() -> None:
    """scripts.base.protocols.ssl.basic; its time and uid are struck out there."""
    (c,) = connections("tls/tls-conn-with-extensions.pcap")
    assert line(SSL_COLUMNS, ssl_values(c)).split("\t", 2)[2] == (
        "192.168.1.105\t62045\t74.125.224.79\t443\tTLSv10\tTLS_ECDHE_RSA_WITH_RC4_128_SHA\tsecp256r1\t"
        "ssl.gstatic.com\tF\t-\t-\tT\t-\t"
        "a580247a25324adf4add5af648de4ac5798030dfd622f26a5f2280d7528ae244,"
        "250da2691be97c9a33ceef7e311c14fb01846e058a99cea9bd1125bd25a0cad5\t(empty)\tT\n"
    )


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


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.example", "a.example"),
        ("", "(empty)"),
        ("-", "\\x2d"),
        ("(empty)", "\\x28empty)"),
        ("a\tb", "a\\x09b"),
        ("a\nb", "a\\x0ab"),
        ("a\\x09b", "a\\x5cx09b"),
        ("\x1b[31m", "\\x1b[31m"),
        ("münchen", "münchen"),
        ("a\u202eb", "a\\xe2\\x80\\xaeb"),
        ("a,b", "a,b"),
    ],
)
def test_no_text_of_others_breaks_the_form(name: str, written: str) -> None:
    assert cells(a_connection(hello=HELLO, sni=name or None, alpn=name))["next_protocol"] == written


def test_a_comma_in_a_list_is_none_between_its_parts() -> None:
    columns = {"names": "vector[string]"}
    assert line(columns, {"names": ["a,b", "", "c"]}) == "a\\x2cb,(empty),c\n"
    assert line(columns, {"names": []}) == "(empty)\n"


@given(st.text())
def test_what_is_written_comes_back(text: str) -> None:
    written = line({"x": "string"}, {"x": text})[:-1]
    assert "\t" not in written
    assert "\n" not in written
    assert written.splitlines() == [written]
    back = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), written.encode())
    assert back.decode("utf-8", "surrogatepass") == (text or "(empty)")


def test_versions_are_called_as_zeek_calls_them() -> None:
    assert [version_name(v) for v in (0x0300, 0x0304, 0xFEFC, 0x7F12, 0x7F1C, 0x7E02)] == [
        "SSLv3", "TLSv13", "DTLSv13", "TLSv13-draft18", "TLSv13-draft28", "unknown-32258",
    ]  # fmt: skip


def test_the_last_alert_that_can_be_read_is_told() -> None:
    alerts = (
        SeenAlert("client", 48, fatal=True),
        SeenAlert("server", None, fatal=True, encrypted=True),
    )
    assert cells(a_connection(alerts=alerts))["last_alert"] == "unknown_ca"


def test_connections_without_a_word_of_tls_are_in_no_ssl_log() -> None:
    assert not spoke_tls(a_connection(refused=True))
    assert spoke_tls(a_connection(hello=HELLO))


def test_an_uid_is_the_same_again_and_another_ones_differs() -> None:
    one = a_connection(number=7)
    assert re.fullmatch("C[0-9A-Za-z]{17}", uid(one))
    assert uid(one) == uid(a_connection(number=7))
    assert uid(one) != uid(a_connection(number=8))
