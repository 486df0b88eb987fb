"""Rules added to and taken from a file that a person wrote."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from addons.bypass.rule import load_rules
from addons.bypass.rule_file import add_rule, day, pattern_row, remove_rule, row_of
from detector.errors import ConfigError, StoreError

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a.com", "host"), (".a.com", "suffix"), ("*.a.com", "wildcard"), ("10.0.0.0/8", "cidr"),
        ("192.0.2.1", "cidr"), ("2001:db8::/32", "cidr"), ("/a[0-9].com/", "regex"),
    ],
)  # fmt: skip
def test_a_pattern_says_what_kind_it_is(text: str, key: str) -> None:
    assert list(pattern_row(text)) == [key]


def test_comments_and_order_stay(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('# ours\n[[rule]]\nhost = "a.com"  # the app\nreason = "x"\n')
    add_rule(path, row_of(".b.com", reason="y", owner="net", expires=date(2027, 1, 1), port=443))
    text = path.read_text()
    assert text.startswith('# ours\n[[rule]]\nhost = "a.com"  # the app\n')
    assert [rule.pattern for rule in load_rules(path)] == ["a.com", ".b.com:443"]
    assert remove_rule(path, "a.com").reason == "x"
    assert [rule.pattern for rule in load_rules(path)] == [".b.com:443"]


def test_a_first_rule_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rules.toml"
    add_rule(path, row_of("a.com", reason="x"))
    assert load_rules(path)[0].host == "a.com"


def test_what_cannot_be_done_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    add_rule(path, row_of("a.com", reason="x"))
    before = path.read_text()
    for row in (row_of("a.com", reason="again"), row_of("not a host"), row_of("*")):
        with pytest.raises(ConfigError):
            add_rule(path, row)
    with pytest.raises(ConfigError, match=r"there are: a\.com"):
        remove_rule(path, "b.com")
    assert path.read_text() == before


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="as it was"):
        add_rule(tmp_path / "file" / "rules.toml", row_of("a.com"))


def test_days_are_dates_or_a_number_of_days() -> None:
    assert day("2027-06-30", TODAY) == date(2027, 6, 30)
    assert day("8d", TODAY) == date(2026, 12, 1)
    for text in ("soon", "2027-13-01", "9999999999d"):
        with pytest.raises(ConfigError, match="is no day"):
            day(text, TODAY)
