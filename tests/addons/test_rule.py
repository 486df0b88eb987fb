import ipaddress
from datetime import date
from pathlib import Path

import pytest

from addons.bypass.rule import Rule, RuleRow, load_rules, rule_of
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
        ('[[rule]]\nregex = "(a+)+b"\n', 1, "can take for ever"),
        ('[[rule]]\nregex = "((a+))+b"\n', 1, "can take for ever"),
        ("[[rule]]\nregex = '(?:(?:a{2,})[+]?b)*'\n", 1, "can take for ever"),
        ('[[rule]]\nregex = "("\n', 1, "no regular expression"),
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
    "regex", ["(?:.+[.])?a[.]com", "([+*])+x", r"(\+a)*", "((a+)b)?c", "(a)+b"]
)
def test_a_regex_that_repeats_one_thing_at_a_time_is_taken(regex: str) -> None:
    assert rule_of(RuleRow(regex=regex)).regex == regex
