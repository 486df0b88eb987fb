from datetime import UTC, datetime

from detector.evidence.rules import profile_not_public
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_what_a_corporate_leaf_lacks_is_listed(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    found = ask(
        profile_not_public, observe("a.example.com", corporate.issue("a.example.com", days=500))
    )
    assert found is not None
    assert found.details["lacks"] == [
        "authority information access",
        "certificate policies",
        "a validity of at most 200 days",
    ]
    assert (found.points, found.strength) == ("intercepted", "weak")


def test_under_a_public_root_it_is_strong(pki: LabPki, observe: Observe, ask: Ask) -> None:
    bare = Authority("Bare", parent=pki.root, profile=False)
    found = ask(profile_not_public, observe("a.example.com", bare.issue("a.example.com")))
    assert found is not None
    assert found.strength == "strong"


def test_a_public_leaf_lacks_nothing(pki: LabPki, observe: Observe, ask: Ask) -> None:
    shown = observe("a.example.com", pki.issue("a.example.com", logs=(), days=200))
    assert ask(profile_not_public, shown) is None


def test_limits_follow_the_day_of_issue(pki: LabPki, observe: Observe, ask: Ask) -> None:
    for start, days in ((2024, 398), (2019, 825)):
        old = pki.issue(
            "a.example.com", logs=(), days=days, start=datetime(start, 1, 1, tzinfo=UTC)
        )
        assert ask(profile_not_public, observe("a.example.com", old)) is None
