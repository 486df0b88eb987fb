"""When a validity says that the leaf was made on the spot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from detector.evidence.examination import Examination
from detector.evidence.minting import HOSTS_A_MOMENT, Minting, Moment, moment_between, moment_of
from detector.evidence.sharing import use_of
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation
from tests.conftest import Observe

AT = datetime(2026, 11, 20, 14, 3, 27, tzinfo=UTC)
NEVER = timedelta(days=90)


@pytest.mark.parametrize("lag", [-89, 0, 89])
@pytest.mark.parametrize("before", [0, 5, 60, 1440, 2880])
def test_a_start_near_one_of_the_habits_is_a_moment(before: int, lag: int) -> None:
    start = AT - timedelta(minutes=before, seconds=lag)
    assert moment_between(start, start + NEVER, AT) == Moment(timedelta(minutes=before))


@pytest.mark.parametrize("seconds", [91, 200, 401, 3500, 3700, 7200, 86_000, 259_200])
def test_other_starts_are_none(seconds: int) -> None:
    start = AT - timedelta(seconds=seconds)
    assert moment_between(start, start + NEVER, AT) is None


def test_a_validity_centred_on_now_is_one_too() -> None:
    half = timedelta(days=45)
    assert moment_between(AT - half, AT + half, AT) == Moment(None)
    assert moment_between(AT - half, AT + half + timedelta(minutes=5), AT) is None


def test_who_dates_by_the_day_is_left_out() -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    assert moment_between(midnight, midnight + NEVER, midnight + timedelta(seconds=30)) is None


def shown(observe: Observe, host: str, authority: Authority, **changes: object) -> Observation:
    leaf = authority.issue(host, start=AT - timedelta(hours=1, seconds=20))
    return observe(host, (leaf.der, authority.der), at=AT, **changes)


@pytest.mark.parametrize("why", ["public", "logged", "internal", "never dialled", "in a file"])
def test_what_is_excused_has_no_moment(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe, why: str
) -> None:
    assert moment_of(Examination(shown(observe, "a.com", corporate), known)) is not None
    logging = Authority("Logs", logs=pki.logs)
    seen = {
        "public": lambda: shown(observe, "a.com", Authority("Sub", parent=pki.root)),
        "logged": lambda: shown(observe, "a.com", logging),
        "internal": lambda: shown(observe, "a.internal", corporate),
        "never dialled": lambda: shown(observe, "192.168.7.1", corporate),
        "in a file": lambda: shown(observe, "a.com", corporate, handshake=None),
    }[why]()
    assert moment_of(Examination(seen, known)) is None


def test_an_index_of_a_million_hosts_keeps_a_few(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    minting = Minting()
    first = Examination(shown(observe, "a.com", corporate), known)
    for number in range(20):
        seen = Examination(shown(observe, f"h{number}.org", corporate), known)
        minting.note(seen, use_of(seen))
    assert len(minting.others(first, use_of(first))) == HOSTS_A_MOMENT
