"""The proxy's log says that rules end: once at each threshold, kept over restarts."""

from __future__ import annotations

import logging
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from addons.bypass.rule import Rule, RuleRow
from addons.store.bypass_store import BypassStore
from addons.store.keeper import Keeper, KeeperOptions
from addons.store.reminding import MOST_TOLD, Reminding
from tests.addons.conftest import START, Clock


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", clock) as opened:
        yield opened


def rule(days: int, host: str = "bank.example") -> Rule:
    return Rule(host=host, expires=START.date() + timedelta(days=days), owner="net")


def said(
    log: pytest.LogCaptureFixture, reminding: Reminding, store: BypassStore | None, *rules: Rule
) -> list[str]:
    log.clear()
    with log.at_level(logging.WARNING):
        reminding.tell(store, (), list(rules))
    return log.messages


def test_each_threshold_is_told_once(
    store: BypassStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    reminding = Reminding(clock)
    told = []
    for day in range(18):
        clock.at = START + timedelta(days=day)
        told += [(day, one) for one in said(caplog, reminding, store, rule(16))]
    assert [day for day, _ in told] == [2, 13, 15]
    assert told[0][1] == (
        "tlsight: the rule bank.example, owned by net: It ends in 14 days, on 2026-12-09:"
        " its hosts are inspected from then on."
    )


def test_neither_a_restart_nor_a_second_proxy_says_it_again(
    store: BypassStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert said(caplog, Reminding(clock), store, rule(3))
    assert not said(caplog, Reminding(clock), store, rule(3))


def test_a_renewed_rule_begins_again(
    store: BypassStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    reminding = Reminding(clock)
    assert said(caplog, reminding, store, rule(1))
    assert said(caplog, reminding, store, rule(14))
    assert not said(caplog, reminding, store, rule(60))


def test_without_a_store_a_proxy_remembers_as_long_as_it_runs(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    reminding = Reminding(clock)
    assert said(caplog, reminding, None, rule(3))
    assert not said(caplog, reminding, None, rule(3))
    assert said(caplog, Reminding(clock), None, rule(3))


def test_a_list_that_ends_on_one_day_is_a_few_lines(
    store: BypassStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    rules = [rule(3, f"a{n}.example") for n in range(500)]
    lines = said(caplog, Reminding(clock), store, *rules)
    assert len(lines) == MOST_TOLD + 1
    assert lines[-1] == "tlsight: 480 more rules end soon: tlsight bypass due"


def test_what_was_told_is_forgotten_long_after_the_end(
    store: BypassStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    said(caplog, Reminding(clock), store, rule(3))
    clock.at = START + timedelta(days=90)
    said(caplog, Reminding(clock), store, rule(93, "b.example"))
    rows = store._all("SELECT pattern FROM reminded")
    assert rows == [("b.example",)]


def test_the_keeper_tells_of_rules_of_the_file_and_of_the_store(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store, file = tmp_path / "b.sqlite3", tmp_path / "rules.toml"
    ends = START.date() + timedelta(days=2)
    file.write_text(f'[[rule]]\nhost = "by-hand.example"\nexpires = {ends}\n')
    with BypassStore(store, clock) as opened:
        opened.add_rule(RuleRow(host="stored.example", expires=ends))
    keeper = Keeper(clock)
    keeper.set_up(KeeperOptions(rules=file, store=store))
    with caplog.at_level(logging.WARNING):
        keeper.start()
        keeper.close()
    ending = [line for line in caplog.messages if "It ends" in line]
    assert ["by-hand.example" in ending[0], "stored.example" in ending[1], len(ending)] == [
        True,
        True,
        2,
    ]
