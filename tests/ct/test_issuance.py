"""What query services answer, read and put together; recorded forms, wrong forms, empty ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from detector.ct import certspotter, crtsh
from detector.ct.issuance import Issuance, IssuanceLookup, common_name, summarise
from detector.errors import WireError

AT = datetime(2026, 11, 23, tzinfo=UTC)
ONE, TWO, LEAF = "1" * 64, "2" * 64, "3" * 64


def issuance(number: int, *names: str, spki: str = ONE, month: int = 10) -> Issuance:
    return Issuance(
        id=str(number),
        names=names,
        issuer_name=f"C=US, O=CA, CN=CA {spki[0]}",
        issuer_spki=spki,
        leaf_spki=LEAF,
        not_before=datetime(2026, month, 1, tzinfo=UTC),
        not_after=datetime(2026, month, 1, tzinfo=UTC) + timedelta(days=90),
    )


def test_issuers_are_counted_with_the_time_they_were_seen() -> None:
    found, keys = summarise(
        "a.com",
        [
            issuance(1, "a.com", spki=TWO),
            issuance(2, "a.com", "b.com", month=10),
            issuance(3, "a.com", month=9),
            issuance(3, "a.com", month=9),  # told twice
            issuance(4, "a.com", month=8),  # expired
            issuance(5, "b.com"),  # not about the host
        ],
        AT,
    )
    assert [(i.spki_sha256, i.certificates, i.exact) for i in found] == [
        (ONE, 2, True),
        (TWO, 1, True),
    ]
    assert (found[0].first.month, found[0].last.month) == (9, 10)
    assert keys == (LEAF,)


def test_wildcards_one_label_above_count_and_are_marked() -> None:
    found, _ = summarise(
        "www.a.com", [issuance(1, "*.a.com"), issuance(2, "*.com"), issuance(3, "*.www.a.com")], AT
    )
    assert [(i.certificates, i.exact) for i in found] == [(1, False)]


def test_an_answer_grows_stale() -> None:
    found = IssuanceLookup(host="a.com", source="x", fetched=AT, ttl=60, trusted=True)
    assert not found.is_stale(AT)
    assert found.is_stale(AT.replace(hour=1))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("C=US, O=Let's Encrypt, CN=R3", "R3"),
        ('C=US, O="DigiCert, Inc.", CN="X, Y"', "X, Y"),
        ("CN=First, O=Last", "First"),
        ("Let's Encrypt", "Let's Encrypt"),
        ("", ""),
    ],
)
def test_the_common_name_of_an_issuer(name: str, expected: str) -> None:
    assert common_name(name) == expected


ROW: dict[str, Any] = {
    "id": "8710402",
    "tbs_sha256": "ab",
    "cert_sha256": "cd",
    "dns_names": ["A.com", "*.a.com."],
    "pubkey_sha256": LEAF.upper(),
    "issuer": {
        "friendly_name": "Let's Encrypt",
        "pubkey_sha256": ONE,
        "name": "C=US, O=Let's Encrypt, CN=R3",
    },
    "not_before": "2026-10-01T00:00:00Z",
    "not_after": "2026-12-30T00:00:00Z",
    "revoked": False,
}


def test_a_page_of_cert_spotter_is_read() -> None:
    (found,) = certspotter.parse_page(json.dumps([ROW]).encode())
    assert (found.names, found.issuer_spki, found.leaf_spki) == (("a.com", "*.a.com"), ONE, LEAF)
    assert found.not_before == datetime(2026, 10, 1, tzinfo=UTC)
    assert certspotter.parse_page(b"[]") == ()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"\xff", b"[1]", b'{"code":"rate_limited","message":"..."}',
        json.dumps([{**ROW, "pubkey_sha256": "zz"}]).encode(),
        json.dumps([{**ROW, "not_before": "yesterday"}]).encode(),
    ],
)  # fmt: skip
def test_what_is_no_page_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        certspotter.parse_page(body)


def test_cert_spotter_is_asked_for_wildcards_issuers_and_the_next_page() -> None:
    url = certspotter.page_url("https://x.test/v1", "a.com", "17")
    assert url.startswith("https://x.test/v1?domain=a.com&")
    for part in ("match_wildcards=true", "expand=issuer", "expand=dns_names", "after=17"):
        assert part in url


def test_an_answer_of_crt_sh_is_read() -> None:
    row = {
        "issuer_ca_id": 16418,
        "issuer_name": "C=US, O=Let's Encrypt, CN=R3",
        "common_name": "a.com",
        "name_value": "a.com\n*.A.com",
        "id": 5,
        "entry_timestamp": "2026-10-01T01:00:00.5",
        "not_before": "2026-10-01T00:00:00",
        "not_after": "2026-12-30T00:00:00",
        "serial_number": "04",
    }
    (found,) = crtsh.parse_answer(json.dumps([row]).encode())
    assert (found.names, found.issuer_spki) == (("a.com", "*.a.com"), None)
    assert found.not_before.tzinfo is not None
    with pytest.raises(WireError):
        crtsh.parse_answer(b"<html>502</html>")
    assert "q=%2A.a.com" in crtsh.query_url("https://crt.test/", "*.a.com")
