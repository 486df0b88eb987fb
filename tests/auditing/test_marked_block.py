"""Blocks between marks, and files that come back to the byte."""

from __future__ import annotations

from itertools import permutations

import pytest

from detector.auditing.marked_block import has_block, with_block, without_block

FILES = (None, b"", b"a=1\n", b"a=1", b"a=1\r\nb=2\r\n", b"\xff\xfe no text", b"\n\n")


@pytest.mark.parametrize("before", FILES)
def test_a_block_is_taken_out_to_the_byte(before: bytes | None) -> None:
    there = with_block(before, "git", "export A=1\nexport B=2")
    assert b"export A=1\nexport B=2\n" in there
    assert has_block(there, "git")
    assert without_block(there, "git") == before


@pytest.mark.parametrize("before", FILES)
def test_a_second_time_it_takes_its_own_place(before: bytes | None) -> None:
    once = with_block(before, "git", "x")
    assert with_block(once, "git", "x") == once
    other = with_block(once, "git", "y")
    assert b"\nx\n" not in other
    assert without_block(other, "git") == before


@pytest.mark.parametrize("before", FILES)
@pytest.mark.parametrize("order", [*permutations(("a", "b", "c"))])
def test_blocks_are_taken_out_in_any_order(before: bytes | None, order: tuple[str, ...]) -> None:
    text: bytes | None = before
    for name in ("a", "b", "c"):
        text = with_block(text, name, f"export {name}")
    for name in order:
        assert text is not None
        text = without_block(text, name)
    assert text == before


def test_what_stands_behind_a_block_stays() -> None:
    text = with_block(b"a", "git", "x") + b"mine\n"
    assert without_block(text, "git") == b"a\nmine\n"
    made = with_block(None, "git", "x") + b"mine\n"
    assert without_block(made, "git") == b"mine\n"


def test_a_block_without_an_end_and_one_of_another_name_are_none() -> None:
    text = with_block(None, "git", "x")
    assert not has_block(text, "gi")
    cut = text[: text.find(b"# <<<")]
    assert not has_block(cut, "git")
    assert without_block(cut, "git") == cut


def test_a_name_with_a_space_is_none() -> None:
    with pytest.raises(ValueError, match="a b"):
        with_block(b"", "a b", "x")
