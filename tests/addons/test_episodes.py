"""Episodes: one cause is told once, grows, and ends when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from addons.bypass.attempt import AttemptClass
from addons.bypass.breaking import Breaking, Share, What
from addons.bypass.episodes import (
    MANY,
    MAX_HOSTS,
    QUIET,
    Episode,
    Event,
    Step,
    gauges,
    message,
    steps,
)
from addons.bypass.tally import Count
from tests.addons.conftest import START

HOUR = timedelta(hours=1)


def finding(host: str, changed: What = "nothing", subject: str = "", count: int = 2) -> Breaking:
    return Breaking(
        host, START, changed, subject, "refused", Share(0, 40), Share(6, 6), 0, ("user:ann", "user:ben"),
        count, 2, 1e-6, "client", "install <it> & smile", "2 clients fail",
    )  # fmt: skip


def failing(*hosts: str, at: datetime = START, kind: AttemptClass = "refused") -> list[Count]:
    return [Count(at, host, kind, "user:ann", 3) for host in hosts]


class Play:
    """Episodes over time."""

    def __init__(self) -> None:
        self.open: dict[str, Episode] = {}
        self.now = START
        self._ids = 0

    def step(
        self, *found: Breaking, counts: Sequence[Count] = (), decides: Mapping[str, tuple[str, str]] | None = None
    ) -> list[tuple[Event | None, list[str]]]:  # fmt: skip
        made = steps(
            list(self.open.values()), found, counts, (decides or {}).get, self.now, self._id
        )
        for one in made:
            self.open[one.episode.id] = one.episode
            if one.event == "closed":
                del self.open[one.episode.id]
        return [(one.event, list(one.episode.hosts)) for one in made]

    def _id(self) -> str:
        self._ids += 1
        return str(self._ids)


def test_one_cause_is_one_episode_and_is_told_once() -> None:
    play = Play()
    found = [
        finding("a.example", "root", "ab"),
        finding("b.example", "root", "ab"),
        finding("c.example"),
    ]
    told = play.step(*found)
    assert sorted(told) == [("opened", ["a.example", "b.example"]), ("opened", ["c.example"])]
    assert play.step(*found) == []


def test_it_is_told_again_when_its_hosts_or_clients_have_doubled() -> None:
    play = Play()
    play.step(finding("h0.example", "root", "ab"), finding("h1.example", "root", "ab"))
    three = [finding(f"h{n}.example", "root", "ab") for n in range(3)]
    assert [event for event, _ in play.step(*three)] == [None]
    four = [finding(f"h{n}.example", "root", "ab") for n in range(4)]
    assert [event for event, _ in play.step(*four)] == ["changed"]
    assert play.step(*four) == []
    many = [finding("h0.example", "root", "ab", count=4), *four[1:]]
    assert [event for event, _ in play.step(*many)] == ["changed"]


def test_it_ends_when_a_rule_lets_its_hosts_through() -> None:
    play = Play()
    play.step(finding("a.example", "rule", "a.example"), finding("b.example", "rule", "a.example"))
    counts = failing("a.example", "b.example")
    a = {"a.example": ("pass", "a.example")}
    assert play.step(counts=counts, decides=a) == [(None, ["b.example"])]
    inspects = {"b.example": ("inspect", "x")}
    assert play.step(counts=counts, decides=inspects) == []
    both = {**a, "b.example": ("pass", "x")}
    assert play.step(counts=counts, decides=both) == [("closed", ["b.example"])]


def test_a_night_without_traffic_ends_nothing_and_a_day_does() -> None:
    play = Play()
    play.step(finding("a.example"))
    play.now += timedelta(hours=12)
    assert play.step(counts=failing("a.example")) == []
    play.now = START + QUIET + HOUR
    assert play.step(counts=failing("a.example")) == [("closed", ["a.example"])]


def test_it_ends_when_clients_take_our_certificate_again() -> None:
    play = Play()
    play.step(finding("a.example"))
    some = [*failing("a.example"), Count(START + HOUR, "a.example", "trusted", "user:ann", 2)]
    assert play.step(counts=some) == []  # two are not enough
    mended = [*failing("a.example"), Count(START + HOUR, "a.example", "trusted", "user:ann", 9)]
    assert play.step(counts=[*mended, *failing("a.example", at=START + HOUR)]) == []
    assert play.step(counts=mended) == [("closed", ["a.example"])]


def test_many_hosts_at_once_without_a_change_are_one_episode() -> None:
    play = Play()
    first = finding("first.example")
    play.step(first)
    many = [finding(f"h{n}.example") for n in range(MANY * 3)]
    ((event, hosts),) = play.step(first, *many)
    assert (event, len(hosts)) == ("opened", MANY * 3)
    still = failing(*(one.host for one in many))
    assert play.step(first, *many[:2], counts=still) == []


def test_hosts_of_an_episode_are_bounded() -> None:
    play = Play()
    found = [finding(f"h{n}.example", "root", "ab") for n in range(3 * MAX_HOSTS)]
    ((_, hosts),) = play.step(*found)
    assert len(hosts) == MAX_HOSTS


def test_a_message_says_what_to_do_without_markup_and_names_no_client() -> None:
    (step,) = steps(
        [], [finding("a.example", "root", "ab")], [], lambda _: None, START, lambda: "id"
    )
    assert isinstance(step, Step)
    told = message(step.episode, "opened", START)
    assert (
        told["text"] == "tlsight: a.example breaks: 2 clients fail. install &lt;it&gt; &amp; smile"
    )
    assert (told["id"], told["clients"], told["hosts"]) == ("id", 2, ["a.example"])
    assert "ann" not in str(told)
    over = message(replace(step.episode, closed=START, why="mended"), "closed", START)
    assert over["text"] == "tlsight: a.example no longer breaks: mended"


def test_metrics_count_episodes_and_hosts_and_name_neither() -> None:
    play = Play()
    play.step(
        finding("a.example", "root", "ab"), finding("b.example", "root", "ab"), finding("c.example")
    )
    assert gauges(play.open.values()) == {("root", "client"): (1, 2), ("nothing", "client"): (1, 1)}
