"""YAML with lines, and what would cost a reader of trees dear."""

from __future__ import annotations

import pytest

from detector.stores.formats.yaml import read


def test_lists_leave_no_part_in_the_name() -> None:
    text = ":mode: 0\nclusters:\n- cluster:\n    skip: true\n  name: x\n- cluster: {skip: false}\nl: [1, 2]\n"
    assert [*read(text)] == [
        (("mode",), "0", 1),
        (("clusters", "cluster", "skip"), "true", 4),
        (("clusters", "name"), "x", 5),
        (("clusters", "cluster", "skip"), "false", 6),
        (("l",), "1", 7),
        (("l",), "2", 7),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n" * 50,
        "a: *nobody\n",
        "? [a, b]\n: c\n",
        "%YAML 9.9\n---\na: !!python/object/apply:os.system [x]\n",
        "\t: x",
        "a: 'unfinished",
    ],
)
def test_hostile_files_end(text: str) -> None:
    assert len([*read(text)]) < 1000


def test_what_comes_before_a_break_is_read() -> None:
    assert next(read("a: b\nc: [\n")) == (("a",), "b", 1)
