import ipaddress
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from addons.bypass.rule import Rule, RuleRow, kept_rule, load_rules, rule_of, settled
from detector.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "rules.toml"
    path.write_text(text)
    return path


def test_rules_are_normalised(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
[[rule]]
host = "BÜCHER.example."
reason = "pinned"

[[rule]]
suffix = "*.Apple.com"
port = 443
owner = "net"
expires = 2027-01-31

[[rule]]
cidr = "10.1.2.3/8"
""",
    )
    assert load_rules(path) == (
        Rule(host="xn--bcher-kva.example", reason="pinned"),
        Rule(suffix="apple.com", port=443, owner="net", expires=date(2027, 1, 31)),
        Rule(network=ipaddress.ip_network("10.0.0.0/8")),
    )
    assert [r.pattern for r in load_rules(path)] == [
        "xn--bcher-kva.example", ".apple.com:443", "10.0.0.0/8",
    ]  # fmt: skip


def test_an_empty_file_has_no_rules(tmp_path: Path) -> None:
    assert load_rules(write(tmp_path, "# nothing yet\n")) == ()


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('[[rule]]\nreason = "x"\n', 1, "give one of host, suffix"),
        ('[[rule]]\nhost = "a.com"\ncidr = "10.0.0.0/8"\n', 1, "at most one"),
        ("[[rule]]\nregex = 'a(?!b)c'\n", 1, "RE2 has not a look ahead"),
        (
            '[[rule]]\nhost = "a.com"\nexpires = 0001-01-01T00:00:00+14:00\n',
            1,
            "is no moment in UTC",
        ),
        ("[[rule]]\nregex = '(a)\\1'\n", 1, "RE2 has not a back reference"),
        ("[[rule]]\nregex = 'a[.]com|b[.]com:443'\n", 1, "one of several alternatives"),
        ("[[rule]]\nregex = 'x:y'\n", 1, "asks for a colon"),
        ("[[rule]]\nregex = 'a:443'\nport = 444\n", 1, "the regex is for port 443"),
        ('[[rule]]\nregex = "("\n', 1, "no regular expression of RE2: missing \\)"),
        ('[[rule]]\nhost = "*"\n', 1, "any host is everything"),
        ('[[rule]]\nhost = "a.com"\nexpires = 2027-01-01T18:00:00\n', 1, "in no zone"),
        ('[[rule]]\nhost = "a.com"\nexpires = 7\n', 1, "no day and no moment"),
        ('[[rule]]\nhost = "a.com"\nbind = "maybe"\n', 1, "bind"),
        ('[[rule]]\nja4 = "nonsense"\n', 1, "no JA4 fingerprint"),
        ('[[rule]]\nhost = "a.com"\naction = "ignore"\n', 1, "action"),
        ('[[rule]]\nclient = "10.0.0.0/99"\n', 1, "does not appear to be"),
        ('\n[[rule]]\nhost = "a b"\n', 2, "no host name"),
        ('[[rule]]\nsuffix = "*"\n', 1, "no host name"),
        ('[[rule]]\ncidr = "10.0.0.0/99"\n', 1, "does not appear to be"),
        ('[[rule]]\nhost = "a.com"\nport = 0\n', 1, "port 0"),
        ('[[rule]]\nhots = "a.com"\n', 1, "unknown field `hots`"),
        ('[[rule]]\nhost = "a.com\n', 2, "Illegal"),
    ],
)
def test_a_file_with_anything_wrong_is_refused_whole(
    tmp_path: Path, text: str, line: int, why: str
) -> None:
    path = write(tmp_path, '[[rule]]\nhost = "good.com"\n' * 0 + text)
    with pytest.raises(ConfigError, match=why) as caught:
        load_rules(path)
    assert f"{path}:{line}:" in str(caught.value)


@pytest.mark.parametrize(
    "regex",
    ["(?:.+[.])?a[.]com", "([+*])+x", r"(\+a)*", "((a+)b)?c", "(a)+b", "(a|a)*", "((a+))+b"],
)
def test_a_regex_may_repeat_what_repeats(regex: str) -> None:
    assert rule_of(RuleRow(regex=regex)).regex == regex


def test_an_end_is_a_day_or_a_moment_in_files_and_in_json(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '[[rule]]\nhost = "a.com"\nexpires = 2027-01-31\n'
        '[[rule]]\nhost = "b.com"\nexpires = 2027-01-31T20:00:00+02:00\n',
    )
    first, second = load_rules(path)
    assert (type(first.expires), first.until) == (date, "2027-01-31")
    assert second.expires == datetime(2027, 1, 31, 18, tzinfo=UTC)
    assert second.until == "2027-01-31T18:00Z"
    for rule, text in ((first, "2027-01-31"), (second, "2027-01-31T18:00:00Z")):
        row = RuleRow(host="a.com", expires=rule.expires)
        written = msgspec.json.encode(row)
        assert f'"expires":"{text}"'.encode() in written
        assert msgspec.json.decode(written, type=RuleRow) == row


def test_any_host_needs_a_condition_and_the_word_for_it() -> None:
    assert rule_of(RuleRow(host="*", port=5061)).pattern == "*:5061"
    with pytest.raises(ValueError, match="give one of host"):
        rule_of(RuleRow(port=443))  # somebody forgot the host


def test_an_address_in_place_of_a_name_is_a_range() -> None:
    assert rule_of(RuleRow(host="203.0.113.7")).pattern == "203.0.113.7/32"
    assert rule_of(RuleRow(host="[2001:db8::1]", port=443)).pattern == "2001:db8::1/128:443"
    assert settled(RuleRow(host="a1.example2")) == RuleRow(host="a1.example2")


def test_what_is_settled_is_settled() -> None:
    for row in (RuleRow(regex="^a:443$"), RuleRow(regex="(^|[.])a"), RuleRow(host="10.0.0.1")):
        assert settled(settled(row)) == settled(row)
        assert kept_rule(settled(row)) == rule_of(row)


def test_a_rule_that_was_kept_before_keeps_its_pattern_whatever_is_thought_of_it_now() -> None:
    for regex in ("a(?=b)", "a[.]com:443", "(^|[.])a"):
        assert kept_rule(RuleRow(regex=f"^{regex}$")).pattern == f"/{regex}/"
