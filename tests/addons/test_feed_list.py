"""A list as it comes from its source: our own TOML, Microsoft's JSON, plain lines, other programs' languages."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from addons.bypass.feed import MAX_BYTES, Edition, Feed, Settings
from addons.bypass.rule import RuleRow, rule_of
from addons.store.feed_list import Answer, arrived
from detector.errors import ConfigError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOML = b"""
[feed]
serial = 7

[[rule]]
host = "api.partner.example"
reason = "pinned"

[[rule]]
suffix = "partner.example"
action = "inspect"
"""


def read(
    data: bytes,
    form: str = "list",
    *,
    known: Edition | None = None,
    key: str | None = None,
    **more: Any,
) -> tuple[Edition, tuple[RuleRow, ...]]:
    older = more.pop("older", False)
    feed = Feed(Settings("https://x.example/", form, key=key), known)
    return arrived("x", feed, Answer(data, **more), NOW, older=older)


def patterns(found: tuple[Edition, tuple[RuleRow, ...]]) -> list[str]:
    return [rule_of(row).pattern for row in found[1]]


def test_our_own_toml_says_its_serial_and_keeps_what_each_rule_says() -> None:
    found = read(TOML, "toml")
    assert patterns(found) == ["api.partner.example", ".partner.example"]
    assert [row.action for row in found[1]] == ["pass", "inspect"]
    assert (found[0].number, found[0].numbering, found[0].count) == (7, "list", 2)
    assert found[0].digest == hashlib.sha256(TOML).hexdigest()


def test_a_plain_list_is_one_pattern_a_line_and_the_rest_is_told_with_its_line() -> None:
    text = b"\xef\xbb\xbf# ours\na.vendor.example  # here\n.vendor.example:8443\n*.cdn.vendor.example\n192.0.2.0/25\nno name!\n.com\n"
    found = read(text)
    assert patterns(found) == [
        "a.vendor.example", ".vendor.example:8443", "*.cdn.vendor.example", "192.0.2.0/25",
    ]  # fmt: skip
    assert [one.entry for one in found[0].left] == ["line 6: no name!", ".com"]


def test_zooms_list_of_ranges_is_read_as_it_is_published() -> None:
    assert patterns(read(b"3.7.35.0/25\n2620:123:2000::/40\n")) == ["3.7.35.0/25"]


def test_microsofts_service_says_its_version_elsewhere() -> None:
    entries = [
        {"id": 1, "serviceArea": "Exchange", "serviceAreaDisplayName": "Exchange Online",
         "urls": ["outlook.cloud.microsoft", "*.protection.outlook.com"], "ips": ["13.107.6.152/31"],
         "tcpPorts": "80, 443", "expressRoute": True, "category": "Optimize", "required": True},
        {"id": 47, "serviceArea": "Common", "urls": ["*.office.net"], "tcpPorts": "80,443",
         "category": "Default", "required": True},
    ]  # fmt: skip
    found = read(json.dumps(entries).encode(), "m365", version=2024063000)
    assert patterns(found) == ["outlook.cloud.microsoft:443", ".protection.outlook.com:443"]
    assert (found[0].number, found[0].numbering) == (2024063000, "version")


def test_another_programs_list_is_read_by_its_reader() -> None:
    found = read(b".vendor.example\nother.example\n", "umbrella")
    assert len(found[1]) == 2


@pytest.mark.parametrize(
    ("data", "form", "why"),
    [
        (b"\xff\xfe", "list", "UTF-8"),
        (b"", "list", "no rule"),
        (b"# nothing\n", "list", "no rule"),
        (b".com\n", "list", "no rule that a feed may have: .com"),
        (b"{}", "m365", "no list of endpoint sets"),
        (b"x = 1", "toml", "unknown"),
        (b"[feed]\nserial = -1\n[[rule]]\nhost='a.b.example'", "toml", "serial"),
        (b"[feed]\nserial = true\n[[rule]]\nhost='a.b.example'", "toml", "serial"),
        (b"[feed]\nserial = 1.5\n[[rule]]\nhost='a.b.example'", "toml", "serial"),
        (b"[feed]\nkey = 1\n[[rule]]\nhost='a.b.example'", "toml", r"\[feed\]"),
        (b"feed = 1\n[[rule]]\nhost='a.b.example'", "toml", r"\[feed\]"),
        (b"[[rule]]\nhost='a b'", "toml", "rule 1"),
        (b"[[rule]]\nhst='a'", "toml", "hst"),
        (b"a" * (MAX_BYTES + 1), "list", "larger"),
    ],
)
def test_what_is_no_list_is_refused_whole(data: bytes, form: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read(data, form)


def test_a_huge_list_is_refused() -> None:
    lines = b"".join(b"h%d.vendor.example\n" % n for n in range(50_001))
    with pytest.raises(ConfigError, match="more than 50,000"):
        read(lines)


def test_a_huge_toml_is_refused_before_it_is_understood() -> None:
    with pytest.raises(ConfigError, match="more than 50,000"):
        read(b"[[rule]]\n" * 50_001, "toml")
    with pytest.raises(ConfigError):
        read(b"rule = 1\n", "toml")


def test_a_list_that_goes_back_is_refused_unless_that_is_meant() -> None:
    known, _ = read(TOML.replace(b"7", b"9"), "toml")
    with pytest.raises(ConfigError, match="number 7, older than the last good list, number 9"):
        read(TOML, "toml", known=known)
    assert read(TOML, "toml", known=known, older=True)[0].number == 7
    with pytest.raises(ConfigError, match="does not say its number"):
        read(TOML.replace(b"serial = 7", b""), "toml", known=known)


def test_the_servers_time_counts_where_nothing_else_does() -> None:
    found, _ = read(b"a.vendor.example", modified="Mon, 23 Nov 2026 10:00:00 GMT")
    assert found.numbering == "http"
    with pytest.raises(ConfigError, match="older"):
        read(b"b.vendor.example", known=found, modified="Sun, 22 Nov 2026 10:00:00 GMT")
    assert read(b"b.vendor.example", known=found, modified="no time")[0].number is None
    assert read(b"b.vendor.example", modified="\x00" * 300)[0].modified is None


def signed(data: bytes, secret: bytes = bytes(32)) -> dict[str, Any]:
    private = Ed25519PrivateKey.from_private_bytes(secret)
    return {"signature": private.sign(data), "key": private.public_key().public_bytes_raw().hex()}


def test_a_signed_list_needs_its_signature_and_its_number() -> None:
    assert read(TOML, "toml", **signed(TOML))[0].signed is not None
    key = signed(TOML)["key"]
    with pytest.raises(ConfigError, match="no signature"):
        read(TOML, "toml", key=key)
    with pytest.raises(ConfigError, match="not made over this list"):
        read(TOML + b"\n", "toml", **signed(TOML))
    with pytest.raises(ConfigError, match="not made over this list"):
        read(TOML, "toml", key=key, signature=signed(TOML, b"x" * 32)["signature"])
    plain = b"a.vendor.example\n"
    with pytest.raises(ConfigError, match="does not say which edition"):
        read(plain, modified="Mon, 23 Nov 2026 10:00:00 GMT", **signed(plain))


def test_a_serial_that_only_waits_keeps_no_later_list_out() -> None:
    waiting = read(TOML.replace(b"7", b"4611686018427387903"), "toml")[0]
    feed = Feed(Settings("https://x.example/", "toml"), None, waiting)
    assert arrived("x", feed, Answer(TOML), NOW)[0].number == 7
    with pytest.raises(ConfigError, match="older"):
        arrived("x", replace(feed, accepted=waiting), Answer(TOML), NOW)


@given(st.binary(max_size=200), st.sampled_from(["list", "toml", "m365", "squid", "panos"]))
def test_any_bytes_are_rules_or_one_error(data: bytes, form: str) -> None:
    try:
        edition, rows = read(data, form)
    except ConfigError:
        return
    assert edition.count == len(rows) > 0
    for row in rows:
        rule_of(row)
