"""The rows of data/programs held against the programs themselves: which store each reads, and what changes that.

Each run has a server of its own, a home folder of its own, and a folder of the test's in the place of /etc/ssl/certs.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from detector.knowledge.programs import programs
from tests.live.conftest import TABLES
from tests.live.trusting.recipe import recipes
from tests.live.trusting.stores import Stores
from tests.live.trusting.trials import Outcome, run, trials

# All runs are begun by the first test, and take their time together.
pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
TABLE = recipes()
NAMES = [recipe.name or recipe.program for recipe in TABLE.run]
SEEN: dict[str, dict[str, str]] = {}
TABLES["programs and their stores, runs as the row says"] = SEEN
Runs = dict[str, list[Future[Outcome]]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """All runs of all programs, side by side: most of the time they start up."""
    folder = tmp_path_factory.mktemp("trusting")
    stores = Stores(folder)
    rows = programs()
    with ThreadPoolExecutor(4) as pool:
        found: Runs = {}
        for recipe in TABLE.run:
            for number, trial in enumerate(trials(rows[recipe.program], recipe, stores)):
                name = recipe.name or recipe.program
                home = folder / name.replace(" ", "-") / str(number)
                future = pool.submit(run, trial, recipe, TABLE.kind, stores, home)
                found.setdefault(name, []).append(future)
        yield found
        pool.shutdown(cancel_futures=True)


def test_a_row_is_marked_as_proved_where_its_program_is_run_here() -> None:
    proved = {name for name, row in programs().items() if row.proved}
    assert proved == {recipe.program for recipe in TABLE.run}
    assert len(proved) >= 25


@pytest.mark.parametrize("claim", ["default", "setting", "order", "line", "unsafe"])
@pytest.mark.parametrize("name", NAMES)
def test_a_program_does_as_its_row_says(name: str, claim: str, runs: Runs) -> None:
    outcomes = [one for one in (f.result() for f in runs[name]) if one.trial.claim == claim]
    SEEN.setdefault(name, {})[claim] = str(len(outcomes) or "-")
    assert [one.complaint for one in outcomes if one.complaint] == []
