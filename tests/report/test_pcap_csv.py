"""Connections as a table that a spreadsheet opens."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from detector.capture.connection import Connection
from detector.forensics.judged import JudgedConnection
from detector.report.pcap_csv import COLUMNS, header, row, safe_cell
from tests.report.test_pcap_zeek import HELLO, a_connection, connections


def cells(c: Connection) -> dict[str, str]:
    (names, values) = csv.reader(io.StringIO(header() + row(JudgedConnection(c, None, ()))))
    return dict(zip(names, values, strict=True))


def c_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_a_row_says_what_the_capture_shows() -> None:
    (c,) = connections("tls/tls-conn-with-extensions.pcap")
    found = cells(c)
    assert list(found) == list(COLUMNS)
    assert found["sni"] == "ssl.gstatic.com"
    assert (found["client"], found["client_port"]) == ("192.168.1.105", "62045")
    assert found["at"] == c_time(c.first)
    assert (found["version"], found["certificates"], found["completed"]) == ("TLSv1", "2", "true")
    assert found["leaf_subject"].startswith("CN=*.gstatic.com,")
    assert found["leaf_not_after"].endswith("Z")
    assert found["failed"] == "false"
    assert found["cause"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", " =", "\t="])
def test_a_name_that_looks_like_a_formula_is_a_text(start: str) -> None:
    name = f"{start}cmd|'/C calc'!A0"
    found = cells(a_connection(hello=HELLO, sni=name))["sni"]
    assert found[0] in "'�"
    assert not found.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_number_below_nothing_stays_a_number() -> None:
    """Where a clock was set back a connection ended before it began."""
    assert cells(a_connection(first=9.0, last=8.0))["seconds"] == "-1.0"


def test_lines_and_quotes_in_names_stay_in_their_cell() -> None:
    c = a_connection(hello=HELLO, sni='a"b\r\nc,d')
    assert cells(c)["sni"] == 'a"b��c,d'
    assert row(JudgedConnection(c, None, ())).count("\n") == 1


def test_harmless_texts_stay_as_they_are() -> None:
    for text in ("", "a.example", "CN=a,O=b", "10.0.0.1", "::1", "a-b", "münchen"):
        assert safe_cell(text) == text


def test_a_certificate_that_cannot_be_read_is_said_so() -> None:
    c = replace(a_connection(hello=HELLO), chain=(b"nothing",))
    found = cells(c)
    assert found["leaf_subject"].startswith("unreadable")
    assert found["leaf_not_after"] == ""
