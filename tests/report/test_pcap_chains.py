"""Chains as files: names that lead nowhere else, and PEM that OpenSSL reads."""

from __future__ import annotations

import csv
import io
import re

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from detector.chain.certificate import split_pem
from detector.report.pcap_chains import (
    INDEX_COLUMNS,
    chain_digest,
    file_name,
    index,
    index_header,
    pem,
    seen_chain,
)
from tests.report.test_pcap_zeek import connections

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("www.Example.org", "www.example.org"),
        ("../../etc/passwd", "_._etc_passwd"),
        ("/etc/passwd", "_etc_passwd"),
        ("a\0b\nc", "a_b_c"),
        ("..", "unnamed"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("con", "_con"),
        ("nul.example", "_nul.example"),
        ("*.example.org", "_.example.org"),
        ("[2001:db8::1]:443", "_2001_db8__1__443"),
        ("münchen", "m_nchen"),
        ("a" * 300, "a" * 80),
    ],
)
def test_a_hostile_name_makes_a_plain_file(name: str, file: str) -> None:
    assert file_name(name, DIGEST) == f"{file}-0123456789abcdef.pem"


@given(st.text())
def test_any_name_stays_in_the_folder(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9_][a-z0-9._-]*-[0-9a-f]{16}\.pem", file_name(name, DIGEST))
    assert ".." not in file_name(name, DIGEST)


def test_a_chain_comes_back_out_of_its_file() -> None:
    (c,) = connections("tls/tls-conn-with-extensions.pcap")
    made = pem(c.chain)
    assert tuple(split_pem(made)) == c.chain
    assert len(x509.load_pem_x509_certificates(made)) == 2
    assert made.startswith(b"# CN=*.gstatic.com,")


def test_a_chain_that_cannot_be_read_is_written_too() -> None:
    assert tuple(split_pem(pem((b"nothing",)))) == (b"nothing",)


def test_the_order_and_the_seams_of_a_chain_count() -> None:
    assert len({chain_digest(c) for c in ((b"ab",), (b"a", b"b"), (b"b", b"a"))}) == 3


def test_the_index_says_where_a_chain_was_seen() -> None:
    (c,) = connections("tls/tls-conn-with-extensions.pcap")
    one = seen_chain(c.chain, "server", "=cmd.example", "192.0.2.5:443", "2026-01-01", "direct")
    one.connections = 3
    rows = list(csv.DictReader(io.StringIO(index([one]))))
    assert index_header() == ",".join(INDEX_COLUMNS) + "\r\n"
    (found,) = rows
    assert found["file"] == f"_cmd.example-{chain_digest(c.chain)[:16]}.pem"
    assert found["name"] == "'=cmd.example"
    assert (found["certificates"], found["connections"], found["verdict"]) == ("2", "3", "direct")
