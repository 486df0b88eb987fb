"""A bounded number of steps, whatever the span."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detector.model.timeline import MAX_STEPS, Timeline


@given(st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from("abc")), max_size=400))
def test_every_event_is_counted_once_in_few_steps(events: list[tuple[int, str]]) -> None:
    line = Timeline()
    for at, kind in events:
        line.add(at, kind)
    assert len(line.steps) <= MAX_STEPS
    assert sum(sum(counts.values()) for counts in line.steps.values()) == len(events)
    filled = line.filled(60)
    assert len(filled) <= 61
    assert sum(sum(counts.values()) for _, counts in filled) == len(events)


def test_steps_without_events_are_there_too() -> None:
    line = Timeline()
    line.add(100, "a")
    line.add(103, "a")
    assert [sum(counts.values()) for _, counts in line.filled()] == [1, 0, 0, 1]
    assert line.kinds == ["a"]
