"""Lines with a space between name and value, and words of a command line."""

from __future__ import annotations

import pytest

from detector.stores.formats.words import read, read_options


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("TLS_REQCERT never", "TLS_REQCERT", "never"),
        ("--insecure", "insecure", ""),
        ('cacert = "/a b"', "cacert", "/a b"),
        ("strict-ssl false", "strict-ssl", "false"),
        ("set ssl:verify-certificate no", "ssl:verify-certificate", "no"),
        ("set ssl_ca_certificates_file=/a", "ssl_ca_certificates_file", "/a"),
        ("SSL_CERT_FILE:/a", "SSL_CERT_FILE", "/a"),
        ("ssl_verify_mode :verify_none", "ssl_verify_mode", ":verify_none"),
    ],
)
def test_a_line_is_a_name_and_its_value(line: str, name: str, value: str) -> None:
    assert [*read(f"# remark\n{line}\n")] == [((name,), value, 2)]


def test_options_are_read_from_any_place_of_a_line() -> None:
    found = {
        entry.path[0]: entry.value for entry in read_options('-Xmx1g -Da.b="/c d" --ca /e --on\n')
    }
    assert (found["a.b"], found["ca"], found["on"]) == ("/c d", "/e", "")
