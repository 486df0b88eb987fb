"""The table of what vendors publish: each row has its page, and nothing of it is claimed that may not be."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from addons.bypass import feed
from addons.bypass.feed_sources import Source, sources
from addons.bypass.guarded import guarded
from addons.formats.feed_list import forms

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("source", sources().values(), ids=lambda one: one.name)
def test_each_row_has_its_page_its_day_and_what_is_asked(source: Source) -> None:
    assert urlsplit(source.page).scheme == "https"
    assert source.read.year >= 2026
    assert source.text
    assert (source.kind == "allow-only") == (source.says == "allow-only")
    if source.kind == "machine":
        assert urlsplit(source.url).scheme == "https"
        assert source.form in forms()
    assert bool(source.group) == (source.kind == "shipped")


def test_no_name_that_is_shipped_is_one_that_a_feed_may_not_have() -> None:
    for source in sources().values():
        kept, left = feed.admitted(source.rows(), NOW, guarded())
        assert left == [], source.name
        assert len(kept) == len(source.rows()), source.name


def test_each_rule_has_the_vendors_page_and_the_day_as_its_evidence() -> None:
    for row in sources()["apple"].rows():
        assert row.reason.startswith("Apple")
        assert row.evidence == "https://support.apple.com/101555, read on 2026-11-30"
