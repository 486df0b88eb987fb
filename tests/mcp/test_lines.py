"""Lines of any length, in any pieces, in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detector.mcp.lines import Lines


def test_a_line_that_is_too_long_is_dropped_while_it_comes() -> None:
    lines = Lines(10)
    assert list(lines.feed(b"short\n" + b"x" * 8)) == [b"short"]
    assert list(lines.feed(b"y" * 8)) == []
    assert not lines._rest
    assert list(lines.feed(b"z\nnext\n")) == [None, b"next"]


@given(st.binary(max_size=200), st.lists(st.integers(1, 20), max_size=30))
def test_chunks_make_no_difference(data: bytes, sizes: list[int]) -> None:
    whole = list(Lines(16).feed(data))
    pieces, at, found = Lines(16), 0, []
    for size in sizes:
        found += pieces.feed(data[at : at + size])
        at += size
    assert [*found, *pieces.feed(data[at:])] == whole
    assert all(line is None or len(line) <= 16 for line in whole)
