"""Variables that start files set."""

from __future__ import annotations

import pytest

from detector.stores.formats.shell import read, read_unit


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("export A=1", {"A": "1"}),
        ("export A=1 B='x y' # C=2", {"A": "1", "B": "x y"}),
        ("A=1; export A", {"A": "1"}),
        ("if true; then export A=1; fi", {"A": "1"}),
        ("declare -x A=1", {"A": "1"}),
        ("setenv A 1", {"A": "1"}),
        ("set -gx A 1", {"A": "1"}),
        ('$env:A = "1"', {"A": "1"}),
        ('A="b#c"', {"A": "b#c"}),
        ("# export A=1", {}),
        ("A=1 git clone x", {}),
        ("echo A=1", {}),
        ("alias a='b=c d'", {}),
        ('export A="unfinished', {"A": "unfinished"}),
    ],
)
def test_assignments_that_stay_are_read(line: str, expected: dict[str, str]) -> None:
    entries = [*read(f"\n{line}\n")]
    assert {entry.path[0]: entry.value for entry in entries} == expected
    assert all(entry.line == 2 for entry in entries)


def test_a_units_environment_is_read() -> None:
    text = '[Service]\nEnvironment="A=b c" D=e\nExecStart=/bin/x F=g\n'
    assert [*read_unit(text)] == [(("A",), "b c", 2), (("D",), "e", 2)]
