"""Browsers and antivirus programs of 2013-2019, as published."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from detector.capture.connection import HelloFacts
from detector.forensics.browser_rules import KnownHello
from detector.knowledge.browser_hellos import browser_hellos
from detector.knowledge.rows import load_rows
from detector.knowledge.shipped import DATA

RULES = browser_hellos()
PUBLISHED = tomllib.loads(Path(__file__).with_name("published_hellos.toml").read_text())["hello"]
HONEST = [(agent, row) for row in PUBLISHED for agent in row["agents"]]
OLD = [
    known
    for known in load_rows(DATA / "interceptor_hellos.toml", "interceptor", KnownHello)
    if "2016" in known.source
]
# Whose names stood in the captures that the rows are from.
CLAIMED = {
    "Chrome": "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/48.0.2564.109 Safari/537.36",
    "Firefox": "Mozilla/5.0 (Windows NT 6.1; rv:44.0) Gecko/20100101 Firefox/44.0",
    "IE": "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
    "Safari": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_4) AppleWebKit/601.5.17 (KHTML, like Gecko) Version/9.1 Safari/601.5.17",
}  # fmt: skip


def facts(row: dict[str, str], *, all_of_it: bool) -> HelloFacts:
    """A row's hello with everything that some releases send, or with what all of them do."""

    def codes(field: str) -> tuple[int, ...]:
        words = row[field].split(",")
        return tuple(int(w.strip("?"), 16) for w in words if all_of_it or not w.startswith("?"))

    return HelloFacts(
        0x0303, (), codes("suites"), codes("extensions"), codes("groups"), (), (), (), "a", "t12d_a_b", (0,)
    )  # fmt: skip


@pytest.mark.parametrize(("agent", "row"), HONEST)
@pytest.mark.parametrize("all_of_it", [True, False])
def test_no_old_browser_is_accused(agent: str, row: dict[str, str], all_of_it: bool) -> None:
    opinion = RULES.opinion(facts(row, all_of_it=all_of_it), agent)
    assert opinion is not None
    assert (opinion.interception, opinion.reason, opinion.differs) == ("unlikely", "", ())


@pytest.mark.parametrize("known", OLD, ids=lambda known: known.name)
def test_old_antivirus_programs_are_told_and_named_whatever_browser_they_stand_for(
    known: KnownHello,
) -> None:
    hello = HelloFacts(
        0x0303, (), known.suites, (0, *known.extensions), known.groups or (23, 24, 25), (), (), (), "a",
        "t12d_a_b", (0, 1, 2) if 11 in known.extensions and known.kind == "product" else (),
    )  # fmt: skip
    told = {}
    for family, agent in CLAIMED.items():
        opinion = RULES.opinion(hello, agent)
        assert opinion is not None
        assert opinion.looks_like == known.name
        told[family] = opinion.interception
    if (
        "Schannel" in known.name
    ):  # as Internet Explorer has it, but for one extension that a setting takes away
        assert told.pop("IE") == "unknown"
    assert Counter(told.values()) == {"likely": len(told)}
