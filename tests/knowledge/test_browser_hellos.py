"""The shipped rules for hellos hold together."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.forensics.browser_rules import BrowserRule, Family, KnownHello
from detector.knowledge.browser_hellos import load_browser_hellos
from detector.knowledge.rows import load_rows
from detector.knowledge.shipped import DATA

BROWSERS, INTERCEPTORS = DATA / "browser_hellos.toml", DATA / "interceptor_hellos.toml"
RULES = load_rows(BROWSERS, "browser", BrowserRule)


def test_every_rule_belongs_to_a_family_and_every_family_has_one() -> None:
    families = [family.name for family in load_rows(BROWSERS, "family", Family)]
    assert len(families) == len(set(families))
    assert set(families) == {rule.family for rule in RULES}


def test_intervals_of_one_family_and_transport_do_not_overlap() -> None:
    for one, other in combinations(RULES, 2):
        if (one.family, one.transport) == (other.family, other.transport):
            assert one.until < other.since or other.until < one.since, (one.name, other.name)


def test_what_is_always_or_usually_sent_is_allowed() -> None:
    for rule in RULES:
        assert rule.since <= rule.until
        assert {*rule.required, *rule.usual} <= set(rule.extensions), rule.name
        assert set(rule.usual_suites) <= set(rule.suites), rule.name


def test_a_known_hello_is_told_by_its_suites_or_by_its_ja4_and_by_nothing_twice() -> None:
    seen = set()
    for known in load_rows(INTERCEPTORS, "interceptor", KnownHello):
        assert bool(known.suites) != bool(known.ja4), known.name
        key = known.suites, frozenset(known.extensions), known.groups, known.ja4
        assert key not in seen, known.name
        seen.add(key)


def test_a_row_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "browser_hellos.toml"
    path.write_text(BROWSERS.read_text().replace("until = 120", 'until = "newest"', 1))
    with pytest.raises(ConfigError) as told:
        load_browser_hellos(path, INTERCEPTORS)
    line = path.read_text()[: path.read_text().index('"newest"')].rindex("[[browser]]")
    assert told.value.line == path.read_text().count("\n", 0, line) + 1
