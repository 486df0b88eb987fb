"""What opens, changes and closes: every rule of detector.agent.findings as a history of runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.agent.finding import KEPT_HOSTS, Held, Sight, sight
from detector.agent.findings import (
    Place,
    Told,
    asked_again,
    is_in_doubt,
    stands_here,
    step,
    step_sink,
    step_trust,
)
from detector.model.observation import Interceptor, Judgement, Observation, Target, VerdictName
from detector.report.event_json import NetworkRecord

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEVICE = "0" * 32
OFFICE = Place(DEVICE, NetworkRecord("office"))
CAFE = Place(DEVICE, NetworkRecord("cafe"))


def judged(
    host: str,
    verdict: VerdictName,
    spki: str | None = None,
    issuer: str = "CN=Gate",
    *,
    sanctioned: bool = False,
    product: str | None = None,
    engine: str | None = None,
    row: str = "left-over",
) -> Judgement:
    who = None
    if verdict == "intercepted" or (verdict == "suspect" and row == "left-over"):
        who = Interceptor(product, engine, None, issuer, spki)
    seen = Observation(NOON, Target(host, sni=host))
    return Judgement(seen, verdict, "", row, (), sanctioned, who)


def bad(host: str, spki: str | None = "aa", **more: object) -> Sight:
    return sight(judged(host, "intercepted", spki, **more))  # type: ignore[arg-type]


def doubtful(host: str, spki: str | None = "aa") -> Sight:
    return sight(judged(host, "suspect", spki))


def good(host: str) -> Sight:
    return sight(judged(host, "direct"))


def silent(host: str) -> Sight:
    return sight(judged(host, "inconclusive"))


class Story:
    """Runs, an hour apart."""

    def __init__(self, place: Place = OFFICE) -> None:
        self.place = place
        self.now = NOON
        self.held: dict[str, Held] = {}

    def run(self, *sights: Sight, after: timedelta = HOUR) -> list[str]:
        return [one.kind for one in self.told(*sights, after=after)]

    def told(self, *sights: Sight, after: timedelta = HOUR) -> tuple[Told, ...]:
        self.now += after
        done = step(self.held, sights, self.place, self.now)
        self.held = done.after
        return done.told

    def open(self) -> list[Held]:
        return [held for held in self.held.values() if held.is_open]


def test_the_same_interceptor_on_a_thousand_hosts_is_one_finding_told_as_it_grows_tenfold() -> None:
    story = Story()
    events = []
    for number in range(1000):
        events += story.told(bad(f"host{number}.example"))
    assert len(story.open()) == 1
    assert story.open()[0].record.host_count == 1000
    assert len(story.open()[0].record.hosts) == KEPT_HOSTS
    assert [(one.kind, one.changes) for one in events] == [
        ("opened", ()),
        ("changed", ("seen on 2 hosts",)),
        ("changed", ("seen on 10 hosts",)),
        ("changed", ("seen on 100 hosts",)),
        ("changed", ("seen on 1000 hosts",)),
    ]


def test_other_canaries_that_are_fine_close_nothing() -> None:
    story = Story()
    story.run(bad("a.example"))
    for number in range(50):
        assert story.run(good(f"canary{number}.example")) == []
    assert len(story.open()) == 1


def test_its_own_hosts_that_are_fine_in_two_runs_close_it() -> None:
    story = Story()
    story.run(bad("a.example"), bad("b.example"))
    assert set(asked_again(story.held, OFFICE)) == {"a.example:443", "b.example:443"}
    assert story.run(good("a.example"), good("b.example")) == []
    assert is_in_doubt(story.held, OFFICE)
    assert story.run(good("a.example"), good("b.example")) == ["closed"]
    assert story.open() == []
    assert asked_again(story.held, OFFICE) == ()


def test_runs_within_one_second_are_several_runs() -> None:
    story = Story()
    at_once = timedelta()
    story.run(bad("a.example"), after=at_once)
    assert story.run(good("a.example"), after=at_once) == []
    assert story.run(good("a.example"), after=at_once) == ["closed"]


def test_it_stays_while_one_of_its_hosts_still_shows_it() -> None:
    story = Story()
    story.run(bad("a.example"), bad("b.example"))
    for _ in range(5):
        assert story.run(good("a.example"), bad("b.example")) == []
    assert len(story.open()) == 1


def test_all_of_its_kept_hosts_must_be_asked_before_it_closes() -> None:
    story = Story()
    story.run(*(bad(f"h{number}.example") for number in range(5)))
    first = asked_again(story.held, OFFICE)
    assert len(first) == 2
    story.run(*(good(host.removesuffix(":443")) for host in first))
    assert len(asked_again(story.held, OFFICE)) == 5
    assert story.run(*(good(host.removesuffix(":443")) for host in first)) == []
    assert story.run(*(good(f"h{number}.example") for number in range(5))) == ["closed"]


def test_silence_closes_nothing() -> None:
    story = Story()
    story.run(bad("a.example"))
    for _ in range(30):
        assert story.run(silent("a.example")) == []
    assert len(story.open()) == 1


def test_hosts_that_went_silent_do_not_keep_what_the_others_end() -> None:
    story = Story()
    story.run(bad("a.example"), bad("b.example"))
    story.run(good("a.example"), silent("b.example"))
    assert story.run(good("a.example"), silent("b.example")) == ["closed"]


def test_another_network_closes_nothing_and_has_findings_of_its_own() -> None:
    story = Story()
    story.run(bad("a.example"))
    story.place = CAFE
    assert story.run(good("a.example")) == []
    assert story.run(good("a.example")) == []
    assert stands_here(story.held, CAFE) == ()
    assert story.run(bad("a.example")) == ["opened"]
    assert len(story.open()) == 2
    assert len({held.id for held in story.open()}) == 2
    assert len(stands_here(story.held, OFFICE)) == 1


def test_what_nobody_saw_for_thirty_days_closes_wherever_the_machine_is() -> None:
    story = Story()
    story.run(bad("a.example"))
    story.place = CAFE
    assert story.run(good("a.example"), after=timedelta(days=29)) == []
    (ended,) = story.told(good("a.example"), after=timedelta(days=2))
    assert (ended.kind, ended.changes) == ("closed", ("not seen for 30 days",))


def test_what_comes_back_within_a_day_is_the_same_finding() -> None:
    story = Story()
    story.run(bad("a.example"))
    (held,) = story.open()
    story.run(good("a.example"))
    story.run(good("a.example"))
    (again,) = story.told(bad("a.example"))
    assert (again.kind, again.changes, again.held.id) == ("changed", ("seen again",), held.id)
    assert again.held.record.opened == held.record.opened


def test_what_comes_and_goes_is_told_ever_more_rarely() -> None:
    story = Story()
    events = 0
    for number in range(400):
        shows = (number // 3) % 2 == 0
        events += len(story.run(bad("a.example") if shows else good("a.example"), after=HOUR / 6))
    assert events < 12


def test_after_a_day_it_is_a_finding_that_opens() -> None:
    story = Story()
    story.run(bad("a.example"))
    story.run(good("a.example"))
    story.run(good("a.example"))
    story.run(good("a.example"), after=timedelta(days=2))
    assert story.held == {}
    assert story.run(bad("a.example")) == ["opened"]


def test_suspicion_that_is_proven_is_the_same_finding() -> None:
    story = Story()
    story.run(doubtful("a.example"))
    (told,) = story.told(bad("b.example"))
    assert told.kind == "changed"
    assert told.changes == ("suspicion is proven", "seen on 2 hosts")
    assert told.held.record.kind == "interception"


def test_proof_that_no_run_finds_again_is_suspicion_after_two_runs() -> None:
    story = Story()
    story.run(bad("a.example"))
    assert story.run(doubtful("a.example")) == []
    (told,) = story.told(doubtful("a.example"))
    assert told.changes == ("no longer proven",)


def test_a_self_signed_page_found_to_be_an_interceptors_is_part_of_that() -> None:
    story = Story()
    story.run(sight(judged("a.example", "suspect", row="self-signed")))
    assert [held.record.subject for held in story.open()] == ["host:a.example:443"]
    told = story.told(bad("a.example"))
    assert [one.kind for one in told] == ["opened", "closed"]
    assert told[1].changes == ("now a matter of spki:aa",)


def test_an_issuer_that_is_not_always_sent_is_one_subject() -> None:
    story = Story()
    story.run(bad("a.example", "aa"))
    assert story.run(bad("b.example", None)) == ["changed"]
    assert len(story.open()) == 1
    other = Story()
    other.run(bad("a.example", None))
    assert other.run(bad("b.example", "aa")) == ["changed"]
    assert len(other.open()) == 1
    assert Story().run(bad("a.example", None), bad("b.example", "aa")) == ["opened"]


def test_two_keys_of_one_name_are_two_subjects() -> None:
    assert Story().run(bad("a.example", "aa"), bad("b.example", "bb")) == ["opened", "opened"]


def test_a_ca_that_was_made_anew_closes_the_old_finding_and_opens_one() -> None:
    story = Story()
    story.run(bad("a.example", "aa"))
    assert story.run(bad("a.example", "bb")) == ["opened"]
    assert story.run(bad("a.example", "bb")) == ["closed"]


def test_sanctioned_is_what_is_sanctioned_on_every_host_whatever_a_run_draws() -> None:
    story = Story()
    (opened,) = story.told(bad("a.example", sanctioned=True))
    assert opened.held.sanctioned
    (told,) = story.told(bad("bank.example"))
    assert told.changes == ("not sanctioned everywhere", "seen on 2 hosts")
    for number in range(7):
        assert story.run(bad(f"x{number}.example", sanctioned=True)) in ([], ["changed"])
    assert not story.open()[0].sanctioned
    assert "bank.example:443" in story.open()[0].record.hosts
    (told,) = story.told(bad("bank.example", sanctioned=True))
    assert told.changes == ("sanctioned",)


def test_a_product_that_is_recognised_later_is_told_once() -> None:
    story = Story()
    story.run(bad("a.example"))
    assert story.told(bad("a.example", product="Gatekeeper"))[0].changes == (
        "recognised as Gatekeeper",
    )
    assert story.run(bad("a.example", product="Gatekeeper")) == []
    assert story.run(bad("a.example")) == []


def test_a_root_that_was_there_before_the_agent_is_told_once_and_closes_when_it_is_gone() -> None:
    first = step_trust({}, {"root:aa": "a root"}, OFFICE, NOON, first=True)
    assert [(one.kind, one.changes[0]) for one in first.told] == [
        ("opened", "there when the agent began")
    ]
    assert step_trust(first.after, {"root:aa": "a root"}, CAFE, NOON + HOUR, first=False).told == ()
    then = step_trust(first.after, {"root:bb": "other"}, CAFE, NOON + HOUR, first=False)
    assert sorted(one.kind for one in then.told) == ["closed", "opened"]
    assert step(then.after, (good("a.example"),), CAFE, NOON + 2 * HOUR).told == ()


def test_a_sinks_own_interceptor_closes_as_soon_as_the_sink_is_reached() -> None:
    opened = step_sink({}, "siem", bad("siem.example"), OFFICE, NOON)
    assert [one.held.record.kind for one in opened.told] == ["sink"]
    assert step_sink(opened.after, "siem", bad("siem.example"), OFFICE, NOON + HOUR).told == ()
    assert step_sink(opened.after, "other", None, OFFICE, NOON + HOUR).told == ()
    closed = step_sink(opened.after, "siem", None, OFFICE, NOON + HOUR)
    assert [one.kind for one in closed.told] == ["closed"]
    assert step_sink({}, "siem", doubtful("siem.example"), OFFICE, NOON).told == ()


def test_a_clock_that_is_set_back_breaks_nothing() -> None:
    story = Story()
    story.run(bad("a.example"))
    assert story.run(bad("a.example"), after=timedelta(days=-400)) == []
    story.run(good("a.example"))
    assert story.run(good("a.example")) == ["closed"]


_HOSTS = st.sampled_from([f"h{number}.example" for number in range(12)])
_SIGHTS = st.one_of(
    st.builds(
        bad,
        _HOSTS,
        st.sampled_from(["aa", "bb", None]),
        issuer=st.sampled_from(["CN=Gate", "CN=Other"]),
        sanctioned=st.booleans(),
        product=st.sampled_from([None, "P"]),
        engine=st.sampled_from([None, "squid", "mitmproxy"]),
    ),
    st.builds(doubtful, _HOSTS, st.sampled_from(["aa", "bb"])),
    st.builds(lambda host: sight(judged(host, "suspect", row="self-signed")), _HOSTS),
    st.builds(good, _HOSTS),
    st.builds(silent, _HOSTS),
)
_RUNS = st.tuples(
    st.lists(_SIGHTS, max_size=6, unique_by=lambda one: one.host),
    st.sampled_from([OFFICE, CAFE, Place(DEVICE)]),
    st.sampled_from([HOUR, timedelta(minutes=5), timedelta(days=1), timedelta(days=40), -HOUR]),
)


def shown(held: Held) -> tuple[object, ...]:
    """What events say of a finding, times and hosts apart."""
    record = held.record
    return (
        record.id, record.kind, record.subject, record.opened, held.sanctioned, held.product,
        held.engine or held.product, len(str(record.host_count)), held.place,
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(_RUNS, max_size=15))
def test_replaying_the_events_of_any_history_gives_what_stands(
    history: list[tuple[list[Sight], Place, timedelta]],
) -> None:
    story = Story()
    replayed: dict[str, Held] = {}
    for sights, place, after in history:
        story.place = place
        for told in story.told(*sights, after=after):
            name = told.held.id
            if told.kind == "opened":
                assert name not in replayed
            if told.kind == "closed":
                del replayed[name]
            else:
                replayed[name] = told.held
        assert {k: shown(v)[:7] for k, v in replayed.items()} == {
            held.id: shown(held)[:7] for held in story.open()
        }
        for held in story.held.values():
            assert len(held.hosts) <= KEPT_HOSTS
            assert msgspec.json.decode(msgspec.json.encode(held), type=Held) == held


@settings(max_examples=60, deadline=None)
@given(st.lists(_RUNS, max_size=10), st.lists(_SIGHTS, max_size=6, unique_by=lambda one: one.host))
def test_a_run_that_sees_the_same_again_tells_nothing(
    history: list[tuple[list[Sight], Place, timedelta]], last: list[Sight]
) -> None:
    story = Story()
    for sights, place, after in history:
        story.place = place
        story.run(*sights, after=after)
    story.run(*last)
    again = story.told(*last, after=timedelta(minutes=1))
    # That proof is missing again is counted, and told when it is twice.
    told = [one for one in again if one.changes != ("no longer proven",)]
    assert [one for one in told if one.held.record.seen == story.now] == []


@pytest.mark.parametrize("verdict", ["direct", "consistent", "private"])
def test_every_verdict_that_accuses_nobody_is_fine(verdict: VerdictName) -> None:
    assert sight(judged("a.example", verdict)).standing == "fine"
