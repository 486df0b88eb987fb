"""Connections that pass: counted once while they are open, and cut when their rules no longer let them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from mitmproxy.test import tflow

from addons.bypass.matcher import Arrival
from addons.bypass.rule import Rule, RuleRow
from addons.proxy.passages import Open, Passages
from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import MAX_PASSING, PassingNow
from addons.store.keeper import Keeper, KeeperOptions
from detector import clock
from tests.ahead import Ahead


class Stage:
    """Rules in a file, their keeper, and what was cut; the clock of rules is the loop's."""

    def __init__(self, folder: Path, grace: float | None = 0.0) -> None:
        self.file, self.store = folder / "rules.toml", folder / "b.sqlite3"
        self.cut: list[Open] = []
        self.ahead = Ahead()
        cut = None if grace is None else timedelta(seconds=grace)
        self.options = KeeperOptions(rules=self.file, store=self.store, cut=cut)
        self.keeper = Keeper(self.now)
        self.passages = Passages(self.keeper, self.cut.extend, self.now)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead.seconds)

    async def later(self, seconds: float) -> list[Open]:
        """What is cut when so much time has passed."""
        self.ahead.seconds += seconds
        return await self.settled()

    def rules(self, text: str) -> None:
        self.file.write_text(text)
        self.keeper.set_up(self.options)
        self.keeper.reload()

    def begin(self, name: str = "a.com", port: int = 443) -> Open:
        client = tflow.tclient_conn()
        asked = Arrival(name, name, None, port)
        rule = self.keeper.matcher.match(asked, self.now())
        assert rule is not None
        self.passages.begin(client, asked, rule)
        return next(one for one in self.passages._each() if one.client is client)

    async def settled(self) -> list[Open]:
        for _ in range(5):  # turns of the loop, more than a review and its cut take
            await asyncio.sleep(0.02)
        return self.cut

    def uses(self) -> dict[str, tuple[int, int, int]]:
        """Connections and bytes by rule, when all that waits is written."""
        self.keeper.start()
        self.keeper.close()
        with BypassStore(self.store, clock.now, read_only=True) as opened:
            return {k: (u.connections, u.up, u.down) for k, u in opened.traffic.uses().items()}


def inside(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


PASS = '[[rule]]\nhost = "a.com"\n'


def test_a_connection_is_cut_when_its_rule_is_removed_and_others_stay(tmp_path: Path) -> None:
    async def run() -> None:
        stage = Stage(tmp_path)
        stage.rules(PASS + '[[rule]]\nhost = "b.com"\n')
        one, _ = stage.begin(), stage.begin("b.com")
        stage.rules('[[rule]]\nhost = "b.com"\n')
        assert await stage.settled() == [one]

    inside(run)


def test_a_connection_by_two_names_is_cut_when_either_passes_no_more(tmp_path: Path) -> None:
    async def run() -> None:
        stage = Stage(tmp_path)
        stage.rules(PASS + '[[rule]]\nhost = "b.com"\n')
        both = Arrival("a.com", "b.com", None, 443)
        rule = stage.keeper.matcher.decide(both, clock.now()).rule
        assert rule is not None
        stage.passages.begin(tflow.tclient_conn(), both, rule)
        stage.passages.review()
        assert await stage.settled() == []
        stage.rules(PASS)
        assert len(await stage.settled()) == 1

    inside(run)


def test_a_connection_is_cut_when_a_rule_that_inspects_or_blocks_takes_the_place(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        stage = Stage(tmp_path)
        for action in ("inspect", "block"):
            stage.rules('[[rule]]\nsuffix = "a.com"\n')
            one = stage.begin()
            stage.rules(f'[[rule]]\nsuffix = "a.com"\n{PASS}action = "{action}"\n')
            assert one in await stage.settled()

    inside(run)


def test_within_its_grace_a_connection_stays_and_also_where_another_rule_lets_it_pass(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        stage = Stage(tmp_path, grace=600)
        stage.rules(PASS)
        stage.begin()
        stage.rules("")
        assert await stage.settled() == []
        stage.rules('[[rule]]\nsuffix = "a.com"\n')  # it was only taken away to be written anew
        assert await stage.later(601) == []
        stage.rules("")
        assert await stage.settled() == []
        assert len(await stage.later(601)) == 1

    inside(run)


def test_never_is_never(tmp_path: Path) -> None:
    async def run() -> None:
        stage = Stage(tmp_path, grace=None)
        stage.rules(PASS)
        stage.begin()
        stage.rules("")
        assert await stage.settled() == []

    inside(run)


def test_a_connection_is_cut_when_its_rule_ends_without_any_change_of_rules(tmp_path: Path) -> None:
    async def run() -> None:
        stage = Stage(tmp_path)
        end = stage.now().replace(microsecond=0) + timedelta(seconds=500)
        stage.rules(f"{PASS}expires = {end.isoformat()}\n")
        one = stage.begin()
        assert await stage.settled() == []
        assert await stage.later(501) == [one]

    inside(run)


def test_the_keepers_thread_wakes_the_loop(tmp_path: Path) -> None:
    async def run() -> None:
        stage = Stage(tmp_path)
        stage.rules(PASS)
        one = stage.begin()
        thread = threading.Thread(target=stage.rules, args=("",))
        thread.start()
        thread.join()
        assert await stage.settled() == [one]

    inside(run)


def test_what_is_open_is_counted_and_at_its_end_not_again(tmp_path: Path) -> None:
    async def run() -> None:
        stage = Stage(tmp_path)
        stage.rules(PASS)
        one, other = stage.begin(), stage.begin()
        one.counted.up, one.counted.down, other.counted.down = 10, 1000, 5
        await stage.later(61)
        assert stage.uses() == {"a.com": (2, 10, 1005)}
        one.counted.down += 7
        stage.passages.end(one.client.id)
        stage.passages.end(one.client.id)
        stage.passages.close()
        assert stage.uses() == {"a.com": (2, 10, 1012)}

    inside(run)


def test_bytes_go_to_the_rule_that_let_them_pass(tmp_path: Path) -> None:
    async def run() -> None:
        stage = Stage(tmp_path)
        stage.rules(PASS)
        one = stage.begin()
        one.counted.down = 100
        stage.rules('[[rule]]\nsuffix = "a.com"\n')
        await stage.settled()
        one.counted.down = 150
        stage.passages.close()
        assert stage.uses() == {"a.com": (1, 0, 100), ".a.com": (0, 0, 50)}

    inside(run)


def test_thousands_that_are_open_cost_one_telling_a_host_and_rule(tmp_path: Path) -> None:
    async def run() -> None:
        stage = Stage(tmp_path)
        stage.rules(PASS)
        for _ in range(3000):
            stage.begin()
        await stage.later(61)
        assert stage.keeper.dropped == 0
        assert stage.uses() == {"a.com": (3000, 0, 0)}
        stage.rules("")
        assert len(await stage.settled()) == 3000

    inside(run)


def test_a_day_far_away_sets_no_timer_that_asyncio_refuses(tmp_path: Path) -> None:
    async def run() -> None:
        stage = Stage(tmp_path)
        BypassStore(stage.store, clock.now).close()
        rule = Rule(host="a.com", expires=date.max)
        stage.passages.begin(tflow.tclient_conn(), Arrival("a.com", None, None, 443), rule)
        rule = Rule(host="a.com", expires=date(9999, 12, 30))
        stage.passages.begin(tflow.tclient_conn(), Arrival("a.com", None, None, 443), rule)
        stage.passages.close()
        assert RuleRow(host="a.com", expires=date.max).expires == date.max

    inside(run)


def test_the_largest_that_are_open_are_listed_and_nothing_when_all_is_over(tmp_path: Path) -> None:
    async def run() -> None:
        stage = Stage(tmp_path)
        stage.rules(PASS)
        before = datetime.now(UTC)
        some = [stage.begin() for _ in range(MAX_PASSING + 20)]
        for size, one in enumerate(some):
            one.counted.up, one.counted.down = size, 1000 * size
        await stage.later(1)
        found = stage.keeper.heart.passing
        assert found.count == MAX_PASSING + 20
        assert [one.up for one in found.largest] == list(range(MAX_PASSING + 19, 19, -1))
        first = found.largest[0]
        assert (first.host, first.rule, first.down) == ("a.com", "a.com", 1000 * first.up)
        assert before <= first.since <= datetime.now(UTC)
        for one in some:
            stage.passages.end(one.client.id)
        assert stage.keeper.heart.passing == PassingNow()

    inside(run)
