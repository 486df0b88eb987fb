"""A short run of every fuzz target, and everything that ever broke one; `make fuzz` gives each a minute."""

import pytest

from tests.fuzz import by_coverage, by_hypothesis, corpus
from tests.fuzz.target import TooSlowError, attempt, bounded_memory
from tests.fuzz.targets import all_targets

TARGETS = all_targets()


@pytest.mark.parametrize("name", TARGETS)
def test_foreign_bytes_give_a_value_or_our_own_error(name: str) -> None:
    for data in (*corpus.finds(name), *corpus.kept(name)):
        attempt(TARGETS[name].parse, data)
    count, trouble = by_hypothesis.fuzz(name, 0.1)
    assert count > 0
    assert trouble == ""


def test_every_target_says_what_holds() -> None:
    assert [name for name, target in TARGETS.items() if not target.claim] == []


def test_the_corpus_is_small_and_of_targets_that_are() -> None:
    files = [*corpus.CORPUS.iterdir(), *corpus.FINDS.glob("*.txt")]
    assert {file.stem for file in files} <= TARGETS.keys()
    assert sum(file.stat().st_size for file in files) < 300_000


def test_an_input_that_takes_long_or_much_is_a_find() -> None:
    def for_ever(_: bytes) -> None:
        while True:
            pass

    with pytest.raises(TooSlowError):
        attempt(for_ever, b"", 0.05)
    with bounded_memory(), pytest.raises(MemoryError):
        attempt(lambda _: bytes(2 << 30), b"")


@pytest.mark.skipif(not by_coverage.is_here(), reason="atheris has no wheel for this machine")
def test_coverage_finds_what_stands_behind_several_conditions() -> None:
    ((name, count, trouble),) = by_coverage.fuzz(["planted"], 60, 1)
    assert name == "planted"
    assert count > 0
    assert "KeyError" in trouble
    assert "planted.py" in trouble
