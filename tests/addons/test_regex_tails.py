"""How the names end that a regex fits, and so whose they are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.regex_tails import MOST, Tail, tails


@pytest.mark.parametrize(
    ("regex", "expected"),
    [
        (r"bank\.example", {Tail("bank.example", whole=True)}),
        # Python warns of it: it may read this otherwise one day.
        (r"[[bank\.example", {Tail("", whole=False)}),
        (
            r"[[a]bank\.example",
            {Tail("[bank.example", whole=True), Tail("abank.example", whole=True)},
        ),
        (
            r"(.+\.)?bank\.example",
            {Tail("bank.example", whole=True), Tail(".bank.example", whole=False)},
        ),
        (r"[^.]+\.bank[.]example", {Tail(".bank.example", whole=False)}),
        (r".*bank\.example", {Tail("bank.example", whole=True), Tail("bank.example", whole=False)}),
        (
            r"api\d\.bank\.(com|net)",
            {Tail(".bank.com", whole=False), Tail(".bank.net", whole=False)},
        ),
        (r"bank.*", {Tail("bank", whole=True), Tail("", whole=False)}),
        (r"BANK\.com", {Tail("bank.com", whole=True)}),
        (r"[ab]\.com", {Tail("a.com", whole=True), Tail("b.com", whole=True)}),
        (r"(", {Tail("", whole=False)}),
    ],
)
def test_each_branch_is_read_from_its_end(regex: str, expected: set[Tail]) -> None:
    assert set(tails(regex)) == expected


def test_so_many_branches_are_anything() -> None:
    assert tails("(a|b|c|d)" * 8) == (Tail("", whole=False),)
    assert len(tails("(a|b|c|d)" * 3)) < MOST


PIECES = st.sampled_from(
    ("a", "b", r"\.", ".", "[ab]", "[^.]", "(a|b)", "(a)?", "(b.)*", "a+", "a{2}")
)


@given(st.lists(PIECES, max_size=6).map("".join), st.text("ab.", max_size=8))
def test_whatever_a_regex_fits_ends_in_one_of_its_tails(regex: str, name: str) -> None:
    if re.fullmatch(regex, name):
        assert any(
            name == tail.text if tail.whole else name.endswith(tail.text) for tail in tails(regex)
        )
