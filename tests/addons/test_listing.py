"""Rules looked up without reading all of them: pages of a list, and those that could decide."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore, normal_rule
from addons.store.listing import ORDERS, Life, Nearby, Wanted
from addons.store.traffic import Passage
from detector.errors import ConfigError, StoreError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", lambda: NOW) as opened:
        yield opened


def patterns(store: BypassStore, **wanted: object) -> list[str]:
    found = store.listing.page(Wanted(**wanted))  # type: ignore[arg-type]
    return [one.rule.pattern for one in found.rules]


@pytest.fixture
def aged(store: BypassStore) -> BypassStore:
    """A rule of each age, by when it ends."""
    moment = NOW.replace(microsecond=0)
    for name, end in (
        ("yesterday", NOW.date() - DAY), ("today", NOW.date()), ("tomorrow", NOW.date() + DAY),
        ("this-hour", moment - timedelta(hours=1)), ("next-hour", moment + timedelta(hours=1)),
        ("next-year", date(2027, 11, 1)), ("never", None),
    ):  # fmt: skip
        store.add_rule(RuleRow(host=f"{name}.example", owner=name[0], expires=end))
    store.draft_rule(RuleRow(host="draft.example"))
    return store


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        ("expiring", "next-hour today tomorrow"),
        ("ended", "this-hour yesterday"),
        ("in-force", "never next-hour next-year today tomorrow"),
        ("draft", "draft"),
        ("trial", ""),
    ],
)
def test_a_day_ends_behind_its_hours_and_a_moment_at_once(
    aged: BypassStore, life: Life, expected: str
) -> None:
    assert [one.partition(".")[0] for one in patterns(aged, life=life)] == expected.split()
    assert aged.listing.counts()[life] == len(expected.split())


def test_all_of_them_in_short_are_what_each_list_says(aged: BypassStore) -> None:
    found = aged.listing.overview(2, 1)
    assert found.counts == aged.listing.counts()
    soon = aged.listing.page(Wanted(life="expiring", order="ends", size=2))
    assert found.soon == soon.rules
    ended = aged.listing.page(Wanted(life="ended", order="ends", backwards=True, size=1))
    assert found.ended == ended.rules


def test_the_end_sorts_as_it_comes_and_what_has_none_is_last(aged: BypassStore) -> None:
    order = [
        "yesterday",
        "this-hour",
        "next-hour",
        "today",
        "tomorrow",
        "next-year",
        "draft",
        "never",
    ]
    assert [one.partition(".")[0] for one in patterns(aged, order="ends")] == order
    backwards = [one.partition(".")[0] for one in patterns(aged, order="ends", backwards=True)]
    assert backwards == [*order[5::-1], *order[6:]]


def test_a_text_is_found_as_it_is_and_nowhere_else(store: BypassStore) -> None:
    """Neither what LIKE means by % nor how JSON writes a quote, nor its keys, is anything special."""
    store.add_rule(
        RuleRow(host="a.example", reason='100% "sure"', owner="Netz\\Team", ticket="T_1")
    )
    store.add_rule(RuleRow(host="b.example", reason="1000 sure", owner="other"))
    for text in ("100%", '"sure"', "z\\t", "T_1", "NETZ", "a.ex"):
        assert patterns(store, text=text) == ["a.example"], text
    for text in ("owner", "reason", "%a%", "_", "a_example", "!"):
        assert patterns(store, text=text) == (["a.example"] if text == "_" else []), text


def test_pages_hold_every_rule_once_in_every_order(store: BypassStore) -> None:
    rows = [RuleRow(host=f"h{n}.example", owner=f"team {n % 3}") for n in range(23)]
    store.import_rules(rows, "test")
    passages = [Passage(NOW, f"h{n}.example", f"h{n}.example", n, n, 1.0) for n in range(9)]
    store.traffic.write([], passages)
    every = sorted(f"h{n}.example" for n in range(23))
    for order in ORDERS:
        for backwards in (False, True):
            pages = [
                patterns(store, order=order, backwards=backwards, page=n, size=5)
                for n in range(1, 7)
            ]
            assert [len(page) for page in pages] == [5, 5, 5, 5, 3, 0]
            assert sorted(one for page in pages for one in page) == every, order
    assert patterns(store, order="bytes", backwards=True)[:2] == ["h8.example", "h7.example"]
    assert len(patterns(store, unused=True, order="bytes")) == 14
    assert len(patterns(store, owner="team 1")) == 8
    assert store.listing.owners() == ["team 0", "team 1", "team 2"]
    assert store.listing.uses(["h8.example", "h20.example"]).keys() == {"h8.example"}


def test_a_row_that_says_nothing_is_a_damaged_store(store: BypassStore) -> None:
    store.add_rule(RuleRow(host="a.example"))
    store._db.execute("UPDATE rule SET row = '{\"host\": 7}'")
    with pytest.raises(StoreError, match="malformed"):
        store.listing.page(Wanted())


LABEL = st.sampled_from(["a", "b", "xn--bcher-kva", "com"])
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
ADDRESS = st.sampled_from(["10.1.2.3", "10.1.9.9", "2001:db8::1", "::ffff:10.1.2.3", "192.0.2.1"])
RANGE = st.sampled_from(
    ["10.0.0.0/8", "10.1.2.0/24", "10.1.2.3", "2001:db8::/32", "::/0", "0.0.0.0/0"]
)
PLACE = st.one_of(
    NAME.map(lambda name: {"host": name}),
    NAME.map(lambda name: {"suffix": name}),
    NAME.map(lambda name: {"wildcard": name}),
    RANGE.map(lambda cidr: {"cidr": cidr}),
    st.sampled_from([{"regex": "[ab][.]com"}, {"regex": "a.*"}, {"host": "*"}]),
)
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "port": st.sampled_from([443, 8443]),
        "client": st.sampled_from(["10.9.0.0/16", "10.9.1.1"]),
        "action": st.sampled_from(["pass", "inspect", "block"]),
    },
)
ROWS = st.lists(st.tuples(PLACE, CONDITIONS).map(lambda both: both[0] | both[1]), max_size=12)
ARRIVAL = st.builds(
    Arrival,
    st.one_of(st.none(), NAME),
    st.one_of(st.none(), NAME, ADDRESS),
    st.one_of(st.none(), ADDRESS),
    st.sampled_from([443, 8443]),
    st.one_of(st.none(), st.sampled_from(["10.9.1.1", "10.9.2.2"])),
)


@given(rows=ROWS, arrivals=st.lists(ARRIVAL, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_few_rules_decide_as_all_of_them_would(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, object]],
    arrivals: list[Arrival],
) -> None:
    good: list[RuleRow] = []
    for row in rows:
        try:
            good.append(normal_rule(RuleRow(**row))[1])  # type: ignore[arg-type]
        except ConfigError:
            continue
    path = tmp_path_factory.mktemp("listing") / "b.sqlite3"
    with BypassStore(path, lambda: NOW) as store:
        store.import_rules(good, "test")
        every = Matcher(one.rule for one in store.rules())
        few = Nearby(store.listing)
        for arrival in arrivals:
            assert few.match(arrival, NOW) == every.match(arrival, NOW)
            near = Matcher(one.rule for one in store.listing.near(arrival))
            both = [list(one.considered(arrival, NOW)) for one in (near, every)]
            assert both[0] == both[1]


def test_sums_are_those_of_the_days_also_after_some_are_forgotten(store: BypassStore) -> None:
    for days, size in ((0, 5), (1, 7), (4000, 90)):
        passages = [
            Passage(NOW - days * DAY, f"{n}.example", f"r{n}", size, n, 1.0) for n in (1, 2)
        ]
        store.traffic.write([], passages)
        store.traffic.write([], passages[:1])
    days = "SELECT rule, sum(connections), sum(up + down), max(last) FROM passage_day GROUP BY rule"
    for _ in range(2):
        assert store._all("SELECT * FROM passage_sum ORDER BY rule") == store._all(days)
        store.traffic.prune(NOW, 30, counts=1)
    assert [row[2] for row in store._all(days)] == [28, 16]


def test_what_is_looked_for_is_counted_up_to_a_thousand_and_read_beyond(store: BypassStore) -> None:
    store.import_rules((RuleRow(host=f"h{n:04}.example") for n in range(1, 1203)), "x")
    store.traffic.write([], [Passage(NOW, "h", "h1100.example", 1, 1, 1.0)])
    for wanted, total, more in (
        (Wanted(), 1202, False),
        (Wanted(text="example"), 1000, True),
        (Wanted(text="example", page=21), 1050, True),
        (Wanted(text="example", page=25), 1202, False),
        (Wanted(text="h00"), 99, False),
        (Wanted(text="example", order="bytes", page=25), 1202, False),
    ):
        found = store.listing.page(wanted)
        assert (found.total, found.more) == (total, more), wanted
    last = store.listing.page(Wanted(text="example", page=25))
    assert [one.rule.pattern for one in last.rules] == ["h1201.example", "h1202.example"]
    for owner in (None, ""):
        first = store.listing.page(Wanted(order="bytes", owner=owner, backwards=True, size=2)).rules
        assert [one.rule.pattern for one in first] == ["h1100.example", "h0001.example"]


def test_no_index_needs_a_schema_that_is_trusted(store: BypassStore) -> None:
    """A copy is read with one that is not, and SQLite of before 3.41 does not read it at all then."""
    found = store._all("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%json%'")
    assert found == []
