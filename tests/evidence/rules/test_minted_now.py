from datetime import UTC, datetime, timedelta

import pytest

from detector.evidence.rules import minted_now
from detector.lab.pki import Authority
from detector.model.observation import Observation, Target
from tests.conftest import Observe
from tests.evidence.conftest import Ask

AT = datetime(2026, 11, 20, 14, 3, 27, tzinfo=UTC)


def minted(
    observe: Observe, host: str, authority: Authority, before: timedelta, ip: str | None = None
) -> Observation:
    leaf = authority.issue(host, start=AT - before - timedelta(seconds=2))
    return observe(host, (leaf.der, authority.der), at=AT, target=Target(host, ip=ip))


@pytest.fixture(scope="module")
def other() -> Authority:
    return Authority("Another CA", profile=False)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(0), "begins at the moment of the connection"),
        (timedelta(minutes=5), "begins 5 minutes before"),
        (timedelta(hours=1), "begins 1 hour before"),
        (timedelta(days=2), "begins 2 days before"),
    ],
)
def test_unrelated_hosts_with_one_habit_are_told_and_decide_nothing(
    corporate: Authority, other: Authority, observe: Observe, ask: Ask, before: timedelta, words: str
) -> None:  # fmt: skip
    beside = (minted(observe, "b.org", other, before),)
    found = ask(minted_now, minted(observe, "a.com", corporate, before), beside=beside)
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "weak")
    assert words in found.text
    assert found.details["hosts"] == ["b.org"]


def test_one_host_alone_is_chance(corporate: Authority, observe: Observe, ask: Ask) -> None:
    assert ask(minted_now, minted(observe, "a.com", corporate, timedelta(hours=1))) is None


def test_different_habits_are_chance_too(
    corporate: Authority, other: Authority, observe: Observe, ask: Ask
) -> None:
    beside = (minted(observe, "b.org", other, timedelta(days=1)),)
    seen = minted(observe, "a.com", corporate, timedelta(hours=1))
    assert ask(minted_now, seen, beside=beside) is None


def test_an_owners_hosts_and_one_address_are_no_strangers(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    hour = timedelta(hours=1)
    beside = (
        minted(observe, "b.a.com", corporate, hour),
        minted(observe, "c.org", corporate, hour, "192.0.2.7"),
    )
    assert (
        ask(minted_now, minted(observe, "a.com", corporate, hour, "192.0.2.7"), beside=beside)
        is None
    )


def test_one_leaf_for_both_was_minted_once(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    leaf = corporate.issue("a.com", "b.org", start=AT - timedelta(hours=1))
    both = [observe(host, (leaf.der, corporate.der), at=AT) for host in ("a.com", "b.org")]
    assert ask(minted_now, both[0], beside=(both[1],)) is None
