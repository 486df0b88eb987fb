"""What all readers share."""

from __future__ import annotations

from detector.stores.formats import decoded, read_format
from detector.stores.formats.entry import lines_of, unquoted


def test_quotes_come_off_in_pairs() -> None:
    assert [unquoted(text) for text in ('"a"', "'a'", "\"a'", '"', " a ")] == [
        "a",
        "a",
        "\"a'",
        '"',
        "a",
    ]


def test_line_ends_of_all_systems_are_one() -> None:
    assert lines_of("a\r\nb\rc\nd") == ["a", "b", "c", "d"]


def test_utf_16_and_broken_text_are_read() -> None:
    assert decoded("a=é".encode("utf-16")) == "a=é"
    assert read_format("ini", b"a=\xff\n")[0].path == ("a",)
