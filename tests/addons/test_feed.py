"""Which edition of a feed may be in force, what it may say, and which change of it is accepted by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from addons.bypass import feed
from addons.bypass.feed import Difference, Edition, Feed, Settings, WhenStale
from addons.bypass.guarded import guarded
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.pattern import row_of
from addons.bypass.reach import has_ended
from addons.bypass.rule import Rule, RuleRow, rule_of
from addons.formats import registry
from detector.errors import ConfigError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTINGS = Settings("https://lists.example/a.toml?token=secret", "toml", owner="net")


def edition(number: int | None = None, numbering: str = "list", digest: str = "aa") -> Edition:
    return Edition(digest, NOW, 1, number, numbering if number is not None else None)  # type: ignore[arg-type]


def rows(*patterns: str, **fields: object) -> tuple[RuleRow, ...]:
    return tuple(row_of(pattern, **fields) for pattern in patterns)


def admitted(*given_rows: RuleRow) -> tuple[list[str], dict[str, str]]:
    kept, left = feed.admitted(given_rows, NOW, guarded())
    return [rule_of(row).pattern for row in kept], {one.entry: one.why for one in left}


@pytest.mark.parametrize(
    "row",
    [
        *rows(".com", ".co.uk", "*.github.io", ".cloudfront.net", ".blob.core.windows.net", ".windows.net"),
        *rows("cloudflare-ech.com", ".cloudflare-ech.com", "www.google.com", ".google.com"),
        *rows("0.0.0.0/0", "10.0.0.0/8", "2000::/3", r"/.*/", r"/.*\.vendor\.example/", r"/.*bank\.example/"),
        *rows("*:443", "*:5061"),
        RuleRow(ja4="t13d1516h2_8daaf6152771_02713d6af862"),
        RuleRow(client="10.0.0.0/8"),
        RuleRow(host="a.vendor.example", bind="none"),
        RuleRow(host="a.vendor.example", client="0.0.0.0/0"),
    ],
)  # fmt: skip
def test_what_would_let_strangers_through_is_left_out_and_told(row: RuleRow) -> None:
    kept, left = admitted(row, *rows("good.vendor.example"))
    assert kept == ["good.vendor.example"]
    assert list(left) == [rule_of(row).pattern]
    assert all(left.values())


def test_names_of_a_services_customers_are_admitted_where_that_was_decided() -> None:
    given_rows = rows(".sharepoint.com", ".com", "a.vendor.example")
    assert admitted(*given_rows)[0] == ["a.vendor.example"]
    found, left = feed.admitted(given_rows, NOW, guarded(), shared=True)
    assert [rule_of(row).pattern for row in found] == [".sharepoint.com", "a.vendor.example"]
    assert [one.entry for one in left] == [".com"]


def test_names_ranges_and_rules_that_inspect_are_admitted() -> None:
    good = rows("a.vendor.example", ".vendor.example", "*.cdn.vendor.example:443", "192.0.2.0/24")
    keeping = rows(".com", "*:443", action="inspect")
    kept, left = admitted(*good, *keeping)
    assert (len(kept), left) == (6, {})


def test_a_pattern_stands_once_and_one_that_says_two_things_is_told() -> None:
    kept, left = admitted(
        *rows("a.vendor.example", "a.vendor.example"), *rows("a.vendor.example", action="block")
    )
    assert kept == ["a.vendor.example"]
    assert left == {"a.vendor.example": "the list says it twice, and not the same"}


def test_a_rule_that_has_ended_is_no_error_of_the_list() -> None:
    kept, left = admitted(*rows("a.vendor.example", expires=date(2020, 1, 1)))
    assert (kept, left) == (["a.vendor.example"], {})


def test_a_list_without_end_is_refused() -> None:
    many = (RuleRow(host=f"h{n}.vendor.example") for n in range(feed.MAX_ROWS + 1))
    with pytest.raises(ConfigError, match="more than 50,000"):
        feed.admitted(many, NOW, guarded())


def test_what_a_change_does_is_said_rule_by_rule() -> None:
    before = rows("a.example.com", "b.example.com", "c.example.com")
    after = (*rows("a.example.com", "d.example.com"), *rows("b.example.com", action="inspect"))
    change = feed.difference(before, after)
    assert [row.host for row in change.added] == ["d.example.com"]
    assert [row.host for row in change.removed] == ["c.example.com"]
    assert [row.host for row in change.changed] == ["b.example.com"]
    assert not feed.difference(before, reversed(before))
    other = rows("a.example.com", "b.example.com", "c.example.com", reason="said otherwise")
    assert feed.difference(before, other).counts == {
        "added": 0, "removed": 0, "changed": 0, "reworded": 3,
    }  # fmt: skip


def why(
    before: tuple[RuleRow, ...], after: tuple[RuleRow, ...], most: int | None = 2
) -> str | None:
    return feed.why_a_person(feed.difference(before, after), len(before), most)


def test_only_a_small_change_is_accepted_by_itself() -> None:
    before = rows("a.example.com", "b.example.com", "c.example.com")
    assert why(before, before, None) is None
    assert why(before, (*before, *rows("d.example.com", ".sub.example.com"))) is None
    assert why(before, before[:2]) is None
    assert why(before, rows("a.example.com", "b.example.com", "c.example.com", reason="x")) is None
    assert why(before, (*before, *rows("d.example.com")), None) == "changes wait for a person"
    assert "first edition" in (why((), before) or "")
    assert "3 rules are new" in (
        why(before, (*before, *rows("d.x.com", "e.x.com", "f.x.com"))) or ""
    )
    assert "2 of 3 rules are gone" in (why(before, before[:1]) or "")


@pytest.mark.parametrize(
    "wide", [".example.com", "*.example.com", "192.0.2.0/23", "/a[0-9]\\.example\\.com/"]
)
def test_what_is_wide_waits_for_a_person(wide: str) -> None:
    before = rows("a.example.com")
    assert wide in (why(before, (*before, *rows(wide)), 100) or "")


def test_a_rule_that_says_something_else_or_no_longer_inspects_waits_for_a_person() -> None:
    before = (*rows("a.example.com", "b.example.com"), *rows("c.example.com", action="inspect"))
    assert "c.example.com, which says inspect, is gone" in (why(before, before[:2], 100) or "")
    passing = (*before[:2], *rows("c.example.com"))
    assert "c.example.com says something else" in (why(before, passing, 100) or "")


PATTERNS = st.sampled_from(
    [
        "a.example.com",
        "b.example.com",
        ".sub.example.com",
        ".example.com",
        "192.0.2.0/16",
        "*.x.org",
    ]
)
LISTS = st.lists(st.tuples(PATTERNS, st.sampled_from(["pass", "inspect", "block"])), max_size=6)


@given(LISTS, LISTS, st.integers(0, 3))
def test_whatever_is_accepted_by_itself_passes_few_names_more(
    before: list[tuple[str, str]], after: list[tuple[str, str]], most: int
) -> None:
    old, new = (
        tuple({pattern: row_of(pattern, action=action) for pattern, action in one}.values())
        for one in (before, after)
    )
    change = feed.difference(old, new)
    if feed.why_a_person(change, len(old), most) is not None:
        return
    was, now = (Matcher(rule_of(row) for row in some) for some in (old, new))
    widened = 0
    for name in ("a.example.com", "b.example.com", "c.example.com", "d.sub.example.com", "n.x.org"):
        asked = Arrival(name, None, "192.0.2.1", 443)
        first, then = (one.match(asked, NOW) for one in (was, now))
        widened += (then is not None and then.action == "pass") and not (
            first is not None and first.action == "pass"
        )
    assert widened <= most


def test_an_older_list_and_another_one_under_the_same_number_are_refused() -> None:
    known = edition(12)
    assert feed.why_refused(edition(1), None) is None
    assert feed.why_refused(edition(13, digest="bb"), known) is None
    assert feed.why_refused(edition(12), known) is None
    assert "older" in (feed.why_refused(edition(11, digest="bb"), known) or "")
    assert "same number" in (feed.why_refused(edition(12, digest="bb"), known) or "")
    assert "does not say" in (feed.why_refused(edition(digest="bb"), known) or "")
    later = edition(99, "http", digest="bb")
    assert "does not say" in (feed.why_refused(later, known) or "")


def test_the_servers_clock_only_refuses_what_it_calls_older() -> None:
    known = edition(1_700_000_000, "http")
    assert feed.why_refused(edition(1_700_000_000, "http", digest="bb"), known) is None
    assert feed.why_refused(edition(digest="bb"), known) is None
    assert "older" in (feed.why_refused(edition(1_699_999_999, "http", digest="bb"), known) or "")


def kept(when_stale: WhenStale = "keep", **more: object) -> Feed:
    settings = replace(SETTINGS, when_stale=when_stale, max_age=30)
    return Feed(settings, edition(3), confirmed=NOW, **more)  # type: ignore[arg-type]


def test_a_feed_is_stale_once_nobody_confirms_it() -> None:
    one = kept()
    assert not feed.is_stale(one, NOW + timedelta(days=29))
    assert feed.is_stale(one, NOW + timedelta(days=30))
    assert not feed.is_stale(Feed(SETTINGS), NOW)


def test_its_rules_end_then_where_that_was_decided_and_not_later_than_their_own_day() -> None:
    later = NOW + timedelta(days=31)
    given_rows = (*rows("a.example.com"), *rows("b.example.com", expires=date(2026, 11, 25)))
    staying = feed.rules_of("x", kept(), given_rows)
    assert [has_ended(rule, later) for rule in staying] == [False, True]
    ending = feed.rules_of("x", kept("end"), given_rows)
    assert [has_ended(rule, later) for rule in ending] == [True, True]
    assert [has_ended(rule, NOW + timedelta(days=4)) for rule in ending] == [False, True]


def test_each_rule_names_its_feed_and_not_the_secret_of_its_url() -> None:
    (rule,) = feed.rules_of("x", kept(), rows("a.example.com", reason="pinned"))
    assert rule.reason == "feed x: pinned"
    assert rule.owner == "net"
    assert "https://lists.example/a.toml, number 3" in rule.evidence
    assert "secret" not in rule.evidence
    assert feed.rules_of("x", Feed(SETTINGS), rows("a.example.com")) == []


def test_the_state_tells_every_row_and_setting_apart() -> None:
    base = feed.state_of(kept(), rows("a.example.com"))
    others = {
        feed.state_of(kept(), rows("b.example.com")),
        feed.state_of(kept(), rows("a.example.com", action="inspect")),
        feed.state_of(kept("end"), rows("a.example.com")),
        feed.state_of(replace(kept(), accepted=edition(4)), rows("a.example.com")),
        feed.state_of(replace(kept(), settings=replace(SETTINGS, auto=9)), rows("a.example.com")),
        feed.state_of(replace(kept(), confirmed=NOW + timedelta(days=1)), rows("a.example.com")),
        feed.state_of(kept(), rows("a.example.com"), rows("b.example.com")),
        feed.state_of(kept(waiting=edition(4)), rows("a.example.com")),
    }
    assert base not in others
    assert len(others) == 8
    assert feed.state_of(kept(trouble="none came"), rows("a.example.com")) == base


def test_what_stands_out_is_told() -> None:
    feeds = {"a": kept(), "b": Feed(SETTINGS, waiting=edition(4), trouble="no answer")}
    later = NOW + timedelta(days=40)
    told = [(name, identity) for name, identity, _ in feed.remarks(feeds, later)]
    assert told == [("a", "feed-stale"), ("b", "feed-waiting"), ("b", "feed-trouble")]
    assert list(feed.remarks({"a": kept()}, NOW)) == []


def rule(pattern: str, action: str = "pass") -> Rule:
    return rule_of(row_of(pattern, action=action))


def test_a_flat_list_leaves_out_what_would_come_before_a_rule_of_ones_own() -> None:
    own = [rule(".example.com", "inspect"), rule("192.0.2.0/24", "block"), rule(".other.org")]
    beneath = [rule("a.example.com"), rule("b.other.org"), rule("x.third.org"), rule(".com")]
    listed, refused = feed.flattened(own, beneath, NOW)
    assert [one.pattern for one in listed] == [".example.com", "192.0.2.0/24", ".other.org"]
    # The range of one's own may be where any of these names is.
    assert [one.pattern for one in refused] == ["x.third.org", ".com"]


def test_a_rule_of_ones_own_that_has_ended_takes_nothing_of_a_feeds_inspecting_away() -> None:
    ended = rule_of(row_of("pay.bank.example", expires=date(2026, 11, 1)))
    beneath = [rule(".bank.example"), rule("pay.bank.example", "inspect")]
    listed, refused = feed.flattened([ended], beneath, NOW)
    assert {one.pattern: one.action for one in listed} == {
        "pay.bank.example": "inspect",
        ".bank.example": "pass",
    }
    assert refused == []


NAMES = ("a.x.com", "b.x.com", "c.x.com", "d.c.x.com", "x.com", "y.org")
FLAT = st.sampled_from(["a.x.com", ".x.com", "*.x.com", ".c.x.com", "b.x.com", ".org", "192.0.2.0/24",
                        r"/[abc]\.x\.com/"])  # fmt: skip
ENDS = st.sampled_from(
    [
        None,
        NOW.date() - timedelta(days=1),
        NOW.date(),
        NOW - timedelta(hours=1),
        NOW + timedelta(hours=1),
    ]
)
ROWS = st.builds(
    lambda pattern, port, fields: row_of(
        pattern if port is None or "/" in pattern else f"{pattern}:{port}", **fields
    ),
    FLAT,
    st.sampled_from([None, None, 443, 8443]),
    st.fixed_dictionaries(
        {
            "action": st.sampled_from(["pass", "inspect", "block"]),
            "expires": ENDS,
            "client": st.sampled_from([None, None, "10.0.0.0/8", "10.1.0.0/16"]),
        }
    ),
)
# Most meet each other: else a few examples would find nothing.
NEAR = st.builds(
    lambda pattern, action, end: row_of(pattern, action=action, expires=end),
    st.sampled_from(["a.x.com", ".x.com"]),
    st.sampled_from(["pass", "inspect"]),
    st.sampled_from([None, NOW.date() - timedelta(days=1)]),
)
LAYER = st.tuples(st.lists(NEAR, min_size=1, max_size=3), st.lists(ROWS, max_size=2)).map(
    lambda both: both[0] + both[1]
)
HOLED = [row_of(".x.com"), row_of("a.x.com", action="inspect")]
BENEATH = st.one_of(LAYER, LAYER.map(lambda rows: HOLED + rows[:1]))
ASKED = [
    Arrival(name, None, address, port, client)
    for name in NAMES
    for address, port, client in (
        (None, 443, "172.16.0.1"),
        (None, 8443, "10.2.2.3"),
        ("192.0.2.9", 443, "10.1.2.3"),
    )
]


def passes(matcher: Matcher, asked: Arrival, now: datetime) -> bool:
    found = matcher.match(asked, now)
    return found is not None and found.action == "pass"


@settings(max_examples=200, deadline=None)
@given(LAYER, BENEATH)
def test_a_flat_list_passes_nothing_that_the_layers_do_not(
    own: list[RuleRow], beneath: list[RuleRow]
) -> None:
    upper, lower = ([*map(rule_of, some)] for some in (own, beneath))
    layers = Matcher(upper, lower)
    flat = Matcher(feed.flattened(upper, lower, NOW)[0])
    for asked in ASKED:
        for now in (NOW, NOW + timedelta(hours=2)):
            assert passes(layers, asked, now) or not passes(flat, asked, now)


@settings(max_examples=40, deadline=None)
@given(LAYER, BENEATH, st.sampled_from(["squid", "zscaler", "netskope", "umbrella", "panos"]))
def test_what_is_exported_of_both_layers_passes_nothing_that_they_do_not(
    own: list[RuleRow], beneath: list[RuleRow], target: str
) -> None:
    upper, lower = ([*map(rule_of, some)] for some in (own, beneath))
    layers = Matcher(upper, lower)
    said = registry.export(target, feed.flattened(upper, lower, NOW)[0], NOW, port=None).text
    there = Matcher(map(rule_of, registry.read(target, said, "export").rows)) if said else Matcher()
    for asked in ASKED:
        assert passes(layers, asked, NOW) or not passes(there, asked, NOW)


def test_an_empty_difference_is_false() -> None:
    assert not Difference()
    assert Difference(added=rows("a.example.com"))
