from datetime import UTC, datetime

import pytest

from detector.known.hosts import HostPattern
from detector.known.issuers import IssuerTable, KnownIssuers, merged


def row(pattern: str, key: str = "k") -> KnownIssuers:
    return KnownIssuers(HostPattern(pattern), frozenset((key,)), pattern)


@pytest.mark.parametrize("host", ["a.com", "www.a.com", "deep.www.a.com", "com", "b.org"])
@pytest.mark.parametrize("pattern", ["a.com", ".a.com", "*.a.com", "*", "www.a.com", ".com"])
def test_the_index_finds_what_the_pattern_matches(host: str, pattern: str) -> None:
    found = IssuerTable((row(pattern),)).find(host)
    assert (found is not None) == HostPattern(pattern).matches(host)


def test_what_several_rows_know_is_one_answer_as_old_as_the_oldest() -> None:
    first, second = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2))
    one = KnownIssuers(
        HostPattern("a.com"), frozenset("x"), "one", exact=False, fetched=second, until=second
    )
    other = KnownIssuers(HostPattern("a.com"), frozenset("y"), "two", complete=False, fetched=first)
    found = merged([one, other])
    assert found is not None
    assert (found.spki, found.source) == ({"x", "y"}, "one, two")
    assert (found.exact, found.complete) == (True, False)
    assert (found.fetched, found.until) == (first, second)


def test_no_row_is_no_answer_and_an_empty_row_is_one() -> None:
    assert merged([]) is None
    assert not KnownIssuers(HostPattern("a.com"))


def test_wildcards_of_several_sources_are_still_wildcards() -> None:
    rows = [KnownIssuers(HostPattern("a.com"), frozenset(k), exact=False) for k in "xy"]
    found = merged(rows)
    assert found is not None
    assert not found.exact
