"""What public CAs were ever allowed to issue, by date."""

from datetime import UTC, datetime, timedelta

import pytest

from detector.chain.certificate import Certificate
from detector.chain.profile import LONGEST_VALIDITY, lacking, longest_validity
from detector.lab.pki import LabPki

DAY = timedelta(days=1)


def lifetime(pki: LabPki, start: datetime, days: int) -> list[str]:
    leaf = Certificate(pki.issue("a.example", start=start, days=days).der)
    return [found for found in lacking(leaf) if "validity" in found]


@pytest.mark.parametrize(
    ("issued", "days"),
    [
        (datetime(2029, 3, 15, tzinfo=UTC), 47),
        (datetime(2029, 3, 14, tzinfo=UTC), 100),
        (datetime(2027, 3, 15, tzinfo=UTC), 100),
        (datetime(2027, 3, 14, tzinfo=UTC), 200),
        (datetime(2026, 3, 14, tzinfo=UTC), 398),
        (datetime(2020, 8, 31, tzinfo=UTC), 825),
        (datetime(2018, 2, 28, tzinfo=UTC), 1187),
        (datetime(2015, 3, 31, tzinfo=UTC), 1827),
        (datetime(2012, 6, 30, tzinfo=UTC), 3653),
        (datetime(1, 1, 1, tzinfo=UTC), 3653),
    ],
)
def test_the_longest_lifetime_goes_by_the_day_of_issue(issued: datetime, days: int) -> None:
    assert longest_validity(issued) == days


@pytest.mark.parametrize(("since", "days"), [row for row in LONGEST_VALIDITY if row[0].year > 1])
def test_a_leaf_of_the_longest_lifetime_is_fine_and_one_of_a_day_more_is_not(
    pki: LabPki, since: datetime, days: int
) -> None:
    assert lifetime(pki, since, days) == []
    assert lifetime(pki, since, days + 1) == [f"a validity of at most {days} days"]


def test_a_leaf_that_is_older_than_it_may_get_and_still_valid_is_impossible(pki: LabPki) -> None:
    """Whatever day a forger chooses."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    for years in range(1, 30):
        issued = now - 365 * years * DAY
        for margin in (1, 400):
            found = lifetime(pki, issued, 365 * years + margin)
            allowed = longest_validity(issued) >= 365 * years + margin
            assert (found == []) is allowed
            assert not allowed or years <= 1


def test_a_leaf_of_before_the_rules_is_asked_for_its_lifetime_alone(pki: LabPki) -> None:
    old = pki.root.issue("a.example", start=datetime(2014, 1, 1, tzinfo=UTC), days=365)
    assert lacking(Certificate(old.der)) == ()
