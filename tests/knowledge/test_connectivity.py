"""The table of questions: plain, of several owners, each with its source."""

from __future__ import annotations

from detector.knowledge.connectivity import connectivity_checks


def test_each_is_asked_over_plain_http_and_says_who_asks_so() -> None:
    for row in connectivity_checks():
        assert row.url.startswith("http://")
        assert row.source
        assert (row.status == 204) == (not row.body)


def test_no_owner_has_two_opinions() -> None:
    owners = [row.owner for row in connectivity_checks()]
    assert len(owners) == len(set(owners)) >= 5
