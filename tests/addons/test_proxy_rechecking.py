"""When a running proxy looks at its rules again, and that nothing stops it or waits for it."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.exceptions import OptionsError
from mitmproxy.test import taddons

from addons.bypass.rule import RuleRow
from addons.proxy.bypass import Bypass
from addons.proxy.rechecking import SPREAD, Rechecking
from addons.store.bypass_store import BypassStore
from addons.store.keeper import Keeper, KeeperOptions
from addons.store.rechecking import Round
from detector import clock as real_clock
from tests.addons.conftest import Clock
from tests.addons.test_bypass import in_loop


def set_up(path: Path, clock: Clock) -> tuple[Keeper, Rechecking]:
    keeper = Keeper(clock)
    keeper.set_up(KeeperOptions(store=path))
    return keeper, Rechecking(keeper, clock)


@in_loop
async def test_a_round_is_due_so_many_hours_after_the_last_and_a_little_later(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "b.sqlite3"
    keeper, rechecking = set_up(path, clock)
    bypass = Bypass(keeper)
    with (
        BypassStore(path, clock) as store,
        taddons.context(Proxyserver(), bypass, rechecking) as context,
    ):
        context.configure(bypass, bypass_store=str(path))
        assert not rechecking.is_due(store)  # nobody has asked for it
        context.configure(rechecking, bypass_recheck=24)
        assert not rechecking.is_due(store)  # there is no rule
        store.add_rule(RuleRow(host="gone.invalid"))
        keeper.reload()
        assert rechecking.is_due(store)
        Round(store, clock.at).finish({})
        clock.at += timedelta(hours=23, minutes=59)
        assert not rechecking.is_due(store)
        clock.at += timedelta(hours=24 * SPREAD, minutes=2)
        assert rechecking.is_due(store)
        context.configure(rechecking, bypass_recheck=0)
        assert not rechecking.is_due(store)


@in_loop
async def test_lengths_that_are_none_are_refused(tmp_path: Path, clock: Clock) -> None:
    keeper, rechecking = set_up(tmp_path / "b.sqlite3", clock)
    bypass = Bypass(keeper)
    with taddons.context(Proxyserver(), bypass, rechecking) as context:
        bypass.running()
        for value in (-1, 10**9):
            with pytest.raises(OptionsError):
                context.configure(bypass, bypass_recheck=value)
        bypass.done()


def test_a_round_is_kept_and_told_once(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "b.sqlite3"
    keeper, rechecking = set_up(path, clock)
    clock.at = real_clock.now()  # the process has no other
    rechecking._every = timedelta(hours=24)
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="gone.invalid", created=clock.at.date()))
    keeper.reload()
    caplog.set_level(logging.INFO)
    rechecking.look()
    rechecking.look()  # a moment later nothing is due
    assert [line for line in caplog.messages if "looked at" in line] == [
        "tlsight: looked at the rules again: 1 now-breaks"
    ]
    assert caplog.text.count("the rule gone.invalid: now-breaks") == 1
    clock.at += timedelta(hours=30)
    rechecking.look()
    assert caplog.text.count("looked at the rules again") == 2
    assert (
        caplog.text.count("the rule gone.invalid: now-breaks") == 1
    )  # it is nothing that happened now
    with BypassStore(path, clock) as store:
        assert store.rechecks.all()["gone.invalid"].reason == "gone"


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_store_that_cannot_be_used_is_one_line_however_often_it_is_looked_at(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "b.sqlite3"
    _, rechecking = set_up(tmp_path / "none.sqlite3", clock)
    rechecking._every = timedelta(hours=24)
    rechecking.look()
    assert caplog.messages == []
    keeper, rechecking = set_up(path, clock)
    rechecking._every = timedelta(hours=24)
    path.write_bytes(content)
    caplog.clear()
    rechecking.look()
    rechecking.look()
    assert len(caplog.messages) == 1
    assert "the rules were not looked at again: " in caplog.text
    keeper.close()
