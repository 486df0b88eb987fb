"""The watch over a store: changes are kept, findings opened and told, and what cannot be known is not said."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from addons.bypass.attempt import Attempt
from addons.bypass.matcher import Matcher
from addons.bypass.rule import Rule
from addons.bypass.weighing import LearningOptions
from addons.store import watch as watch_module
from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import Heartbeat
from addons.store.traffic import Passage
from addons.store.watch import Watch, altered, judged
from addons.store.webhook import Webhook
from tests.addons.conftest import START, Clock

HOUR = timedelta(hours=1)
BANK = Rule(host="bank.example")
NOBODY = Webhook("https://127.0.0.1:9/")


def visits(clock: Clock, host: str, *, took: bool, times: int = 3) -> list[Attempt]:
    alert = None if took else 48
    return [
        Attempt(
            clock(), "client", host, 443, "10.0.0.1", "accepted" if took else "failed", bound=True, user=user,
            alert=alert, alert_by=None if took else "client",
        )
        for user in ("ann", "ben")
        for _ in range(times)
    ]  # fmt: skip


class Proxy:
    """One that has a store and a clock."""

    def __init__(self, store: BypassStore, clock: Clock, webhook: Webhook | None = None) -> None:
        self.store, self.clock, self.watch = store, clock, Watch(clock)
        self.rules: list[Rule] = []
        self.webhook, self.root = webhook, "aa" * 32

    def turn(self, *seen: Attempt | Passage) -> list[str]:
        """One round of the keeper, at a time when it judges; causes of what is open then."""
        self.watch.begin(self.store, self.root)
        attempts = [one for one in seen if isinstance(one, Attempt)]
        self.store.traffic.write(attempts, [one for one in seen if isinstance(one, Passage)])
        self.watch._next = 0.0
        self.watch.turn(
            self.store, Matcher(self.rules), self.rules, LearningOptions(), self.webhook
        )
        return [f"{one.changed} {one.subject}" for one in self.store.episodes.opened()]

    def change(self, *rules: Rule) -> None:
        self.watch.rules(self.rules, rules)
        self.rules = list(rules)


def lines(caplog: pytest.LogCaptureFixture, what: str) -> list[str]:
    return [r.getMessage() for r in caplog.records if what in r.getMessage()]


def test_a_rule_that_goes_is_told_once_and_closed_when_it_comes_back(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        proxy = Proxy(store, clock, NOBODY)
        proxy.rules = [BANK]
        proxy.turn(Passage(clock(), "bank.example", "bank.example", 1, 1, 1.0))
        clock.at += timedelta(minutes=3)
        proxy.change()
        clock.at += timedelta(minutes=1)
        assert proxy.turn(*visits(clock, "bank.example", took=False)) == ["rule bank.example"]
        assert proxy.turn(*visits(clock, "bank.example", took=False)) == ["rule bank.example"]
        assert len(lines(caplog, "breaks: bank.example")) == 1
        (one,) = judged(store, [], clock(), 2 * HOUR)
        assert (one.changed, one.since) == ("rule", START + timedelta(minutes=3))
        assert judged(store, [BANK], clock(), 2 * HOUR) == []
        proxy.change(BANK)
        assert proxy.turn() == []
        assert len(lines(caplog, "breaks no more: bank.example: let through")) == 1
        assert store.episodes.waiting() == 2


@pytest.mark.parametrize("later", [timedelta(minutes=40), HOUR])
def test_a_rule_that_ends_by_itself_is_named_with_its_end(
    tmp_path: Path, clock: Clock, later: timedelta
) -> None:
    end = START + timedelta(minutes=30)
    ending = Rule(host="bank.example", expires=end)
    with BypassStore(tmp_path / "b", clock) as store:
        proxy = Proxy(store, clock)
        proxy.rules = [ending]
        proxy.turn(Passage(clock(), "bank.example", "bank.example", 1, 1, 1.0))
        clock.at += later
        proxy.turn(*visits(clock, "bank.example", took=False))
        (one,) = judged(store, [ending], clock(), 2 * HOUR)
        assert (one.changed, one.subject, one.text.split(": ")[-1]) == (
            "rule", "bank.example", "the rule bank.example ended",
        )  # fmt: skip


def test_a_swapped_ca_is_one_episode_of_all_hosts(tmp_path: Path, clock: Clock) -> None:
    hosts = [f"h{n}.example" for n in range(5)]
    with BypassStore(tmp_path / "b", clock) as store:
        proxy = Proxy(store, clock)
        assert proxy.turn(*(v for host in hosts for v in visits(clock, host, took=True))) == []
        clock.at += HOUR
        proxy.root = "bb" * 32
        refusals = [v for host in hosts for v in visits(clock, host, took=False)]
        assert proxy.turn(*refusals) == [f"root {'bb' * 32}"]
        assert len(store.episodes.opened()[0].hosts) == 5
        assert store.proxies.roots()[socket.gethostname()].before == "aa" * 32


def test_two_proxies_with_a_ca_each_are_no_change(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        host = socket.gethostname()
        one = Heartbeat("1", host, 7, "0", "12", "observe", 0, None, START, clock(), root="aa" * 32)
        assert not store.proxies.sign_with(host, "aa" * 32, clock())
        store.proxies.write(one)
        assert not store.proxies.sign_with(host, "bb" * 32, clock())
        assert not store.proxies.sign_with("another", "bb" * 32, clock())
        clock.at += HOUR  # the first is gone
        assert store.proxies.sign_with(host, "bb" * 32, clock())


def test_the_first_rules_of_a_proxy_are_no_change(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        proxy = Proxy(store, clock)
        proxy.change(Rule(host="x.example", action="inspect"))
        proxy.change(BANK)
        proxy.turn()
        assert store.hours.alterations(clock()) == []


def patterns(before: Iterable[Rule], after: Iterable[Rule]) -> list[str]:
    return [one.subject for one in altered(before, after, START)]


def test_only_what_keeps_from_passing_is_a_change() -> None:
    inspect = Rule(suffix="example", action="inspect")
    over = Rule(host="old.example", expires=START - HOUR)
    assert patterns([BANK], []) == ["bank.example"]
    assert patterns([], [BANK]) == []
    assert patterns([BANK], [Rule(host="bank.example", owner="another")]) == []
    assert patterns([BANK], [BANK, inspect]) == [".example"]
    assert patterns([BANK, inspect], [BANK]) == []
    assert patterns([over], []) == []
    assert (
        len(patterns([Rule(host=f"h{n}.example") for n in range(5000)], []))
        == watch_module._MAX_PENDING
    )


def test_a_dead_receiver_costs_one_line_and_the_message_waits(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    with BypassStore(tmp_path / "b", clock) as store:
        proxy = Proxy(store, clock, NOBODY)
        proxy.turn(*visits(clock, "bank.example", took=True, times=9))
        clock.at += HOUR
        proxy.root = "bb" * 32
        proxy.turn(*visits(clock, "bank.example", took=False))
        for _ in range(3):
            while proxy.watch.teller._results.empty():
                time.sleep(0.02)
            proxy.turn()  # it failed, and waits
            clock.at += HOUR
            proxy.turn()  # it is given again
        assert store.episodes.waiting() == 1
        assert len(lines(caplog, "webhook was not told: 127.0.0.1")) == 1


def test_a_house_with_a_hundred_thousand_counts_is_judged_in_moments(
    tmp_path: Path, clock: Clock
) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        rows = [
            ((START - n % 40 * HOUR).isoformat(), f"h{n % 500}.example", "refused" if n % 9 == 0 else "trusted",
             f"user:u{n // 500 % 50}", 2)
            for n in range(100_000)
        ]  # fmt: skip
        with store._db:
            store._db.executemany("INSERT OR IGNORE INTO attempt_hour VALUES (?, ?, ?, ?, ?)", rows)
        start = time.process_time()
        judged(store, [], START + HOUR, 2 * HOUR)
        assert time.process_time() - start < 3
