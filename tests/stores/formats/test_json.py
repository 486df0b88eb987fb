"""JSON with lines, remarks and commas at the end."""

from __future__ import annotations

import pytest

from detector.stores.formats.json import read


def test_values_are_told_by_name_and_line() -> None:
    text = '{// r\n "http.x": false,\n /* "y": 1 */ "a": {"b": [1, "t\\u00e9",], "c": null,\n "d": "q"}, "e": true}'
    assert [*read(text)] == [
        (("http.x",), "false", 2),
        (("a", "b"), "1", 3),
        (("a", "b"), "té", 3),
        (("a", "d"), "q", 4),
        (("e",), "true", 4),
    ]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "}]", '"', '{"a" "b"}', "//", "/*"]
)
def test_broken_and_deep_files_end(text: str) -> None:
    assert len([*read(text)]) < 10
