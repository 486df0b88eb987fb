"""What holds for the lists of all programs, whichever they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addons.bypass.rule import Rule
from addons.formats.exported import ReadOptions
from addons.formats.registry import FORMATS, export, read
from detector.errors import ConfigError

NOW = datetime(2027, 1, 1, tzinfo=UTC)
MAPPED = ReadOptions(columns={"host": "2"})


@pytest.mark.parametrize("target", [name for name, one in FORMATS.items() if not one.maps])
def test_columns_of_a_list_that_has_none_are_refused(target: str) -> None:
    with pytest.raises(ConfigError, match="no columns to map"):
        read(target, "", "x", MAPPED)


@pytest.mark.parametrize("target", ["zscaler", "netskope", "umbrella"])
def test_columns_of_a_list_that_is_no_table_are_refused(target: str) -> None:
    with pytest.raises(ConfigError, match="is no table"):
        read(target, "a.example\n", "x", MAPPED)


@pytest.mark.parametrize("target", ["haproxy", "nginx", "envoy"])
def test_a_backend_that_is_mapped_to_no_action_is_refused(target: str) -> None:
    with pytest.raises(ConfigError, match="not one of pass, inspect, block"):
        read(target, "{}", "x", MAPPED)


@pytest.mark.parametrize("target", [name for name, one in FORMATS.items() if not one.proves])
def test_a_rule_that_wants_a_certificate_is_no_plain_pass_elsewhere(target: str) -> None:
    proved = Rule(host="a.example", bind="certificate")
    ended = Rule(host="b.example", bind="certificate", expires=NOW.date().replace(year=2020))
    found = export(target, [proved, ended], NOW, skip_proxy=True)
    assert [(one.rule, "proof" in one.why) for one in found.refused] == [(proved, True)]
    if target != "m365":
        rules = read(target, found.text, "x").rows
        assert all(one.action == "inspect" for one in rules)


def test_a_wider_rule_does_not_pass_what_wants_a_certificate() -> None:
    rules = [Rule(host="a.b.example", bind="certificate"), Rule(suffix="b.example")]
    for target in ("mitmproxy", "squid", "privoxy", "fortios", "zscaler", "pac"):
        found = export(target, rules, NOW, skip_proxy=True)
        passing = [row for row in read(target, found.text, "x").rows if row.action == "pass"]
        kept = [row for row in read(target, found.text, "x").rows if row.host == "a.b.example"]
        assert not passing or all(row.action == "inspect" for row in kept)
        assert not passing or kept


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("csv", "domain,expires\na.example,2027-01-01\na.example,2028-01-01\n"),
        ("list", "a.example # until 2027-01-01\na.example # until 2028-01-01\n"),
        (
            "panos",
            "<ssl-exclude-cert><entry name='a.example'><description>r (o, until 2027-01-01)</description></entry>\n"
            "<entry name='a.example'><description>r (o, until 2028-01-01)</description></entry></ssl-exclude-cert>",
        ),
    ],
)
def test_entries_of_one_host_that_differ_are_all_read(target: str, text: str) -> None:
    assert [str(row.expires) for row in read(target, text, "x").rows] == [
        "2027-01-01",
        "2028-01-01",
    ]
