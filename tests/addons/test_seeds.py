"""Rules that vendors ask for: suggestions with their source, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import rule_of
from addons.bypass.seeds import microsoft365, shipped
from detector.chain.names import is_public_suffix
from detector.errors import ConfigError

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_each_has_a_reason_and_a_source_and_neither_owner_nor_end() -> None:
    rows = shipped()
    assert len(rows) >= 8
    for row in rows:
        assert row.reason
        assert row.evidence
        assert (row.owner, row.expires) == ("", None)
        name = row.host or row.suffix
        assert name is not None
        assert not is_public_suffix(name)


def entry(*urls: str, **more: object) -> dict[str, object]:
    return {"id": 1, "serviceArea": "Exchange", "urls": list(urls), "tcpPorts": "80,443",
            "category": "Optimize", **more}  # fmt: skip


def passes(entries: list[dict[str, object]], host: str, port: int = 443) -> bool:
    rules = [rule_of(row) for row in microsoft365(json.dumps(entries))]
    return Matcher(rules).match(Arrival(host, None, None, port), NOW) is not None


def test_stars_of_microsoft_mean_what_they_mean_there() -> None:
    entries = [
        entry("outlook.office.com", "*.mail.office365.com", "autodiscover.*.onmicrosoft.com")
    ]
    assert passes(entries, "outlook.office.com")
    assert passes(entries, "a.b.mail.office365.com")
    assert passes(entries, "autodiscover.corp.onmicrosoft.com")
    assert not passes(entries, "www.outlook.office.com")
    assert not passes(entries, "autodiscover.a.b.onmicrosoft.com")
    assert not passes(entries, "outlook.office.com", 8443)


def test_only_what_must_not_be_inspected_and_speaks_tls_is_taken() -> None:
    assert microsoft365(json.dumps([entry("a.com", category="Default")])) == []
    assert microsoft365(json.dumps([entry("a.com", tcpPorts="25,587")])) == []
    assert microsoft365(json.dumps([{"id": 3, "ips": ["192.0.2.0/24"], "category": "Allow"}])) == []
    twice = [entry("a.com"), entry("a.com", id=2)]
    assert len(microsoft365(json.dumps(twice))) == 1


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[{"urls": 1}]', "[" * 100_000, json.dumps([entry("a b")])]
)
def test_another_shape_is_one_error(text: str) -> None:
    with pytest.raises(ConfigError, match="Microsoft 365"):
        microsoft365(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["urls", "category", "tcpPorts", "id"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_rows_or_one_error(value: object) -> None:
    try:
        rows = microsoft365(json.dumps(value))
    except ConfigError:
        return
    for row in rows:
        rule_of(row)
