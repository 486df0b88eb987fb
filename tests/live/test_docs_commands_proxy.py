"""The half of test_docs_commands.py that is about a proxy of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documented import ROOT, pages
from tests.live.docs_commands import follow
from tests.live.docs_world import reader, world
from tests.live.test_docs_commands import PROXY

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

PAGES = [page for page in pages() if str(page.relative_to(ROOT)) in PROXY]


@pytest.fixture(scope="module")
def around() -> Iterator[tuple[Path, int]]:
    with world() as made:
        yield made


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_command_of_the_page_works(
    page: Path, around: tuple[Path, int], tmp_path: Path
) -> None:
    with reader(*around, tmp_path) as one:
        assert not (said := follow(page, one)), "\n\n".join(said)
