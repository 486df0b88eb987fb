"""Known texts are found however a text was wrapped and quoted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.messages.finding import Finder, Squeezed, outermost, squeezed

KNOWN = (
    "self-signed certificate",
    "self-signed certificate in certificate chain",
    "certificate for ... has expired",
)
FINDER = Finder((text, at) for at, text in enumerate(KNOWN))


def found(text: str) -> list[str]:
    return [KNOWN[hit.tag] for hit in outermost(list(FINDER.find(Squeezed(text))))]


@pytest.mark.parametrize("column", range(1, 43))
def test_a_wrap_at_any_column_changes_nothing(column: int) -> None:
    text = f"error: {KNOWN[1]}!"
    assert found(f"{text[:column]}\n{text[column:]}") == [KNOWN[1]]


def test_hyphens_quotes_and_case_change_nothing() -> None:
    assert found("Self signed certificate") == [KNOWN[0]]
    assert found("“self‑signed   certificate”") == [KNOWN[0]]


def test_the_longer_text_counts_where_one_lies_in_it() -> None:
    assert found("self-signed certificate in certificate chain") == [KNOWN[1]]
    text = "self-signed certificate in certificate chain; self-signed certificate"
    assert found(text) == [KNOWN[1], KNOWN[0]]


def test_a_part_of_longer_words_is_not_found() -> None:
    assert found("unself-signed certificate") == []
    assert found("self-signed certificates_x") == []


def test_what_ends_in_a_joint_is_the_beginning_of_many_names() -> None:
    beginning = Finder([("code: 'ERR_SSL_", 0)])
    assert [hit.tag for hit in beginning.find(Squeezed("{ code: 'ERR_SSL_NO_CIPHERS' }"))] == [0]
    assert not list(beginning.find(Squeezed("barcode: 'ERR_SSL_X'")))


def test_a_gap_stands_for_a_few_words() -> None:
    assert found("the certificate for www.a.example has expired") == [KNOWN[2]]
    assert found("certificate for " + "x" * 90 + " has expired") == []


def test_a_hit_knows_its_line_and_place() -> None:
    (hit,) = FINDER.find(Squeezed("a\nb self-signed\ncertificate c"))
    assert (hit.line, hit.start, hit.end) == (1, 4, 27)


@given(st.text(max_size=200))
def test_any_text_is_squeezed_the_same_way_with_and_without_the_way_back(text: str) -> None:
    whole = Squeezed(text)
    if len(text.lower()) == len(text):
        assert whole.squeezed == squeezed(text)
    places = [whole.place(at) for at in range(len(whole.squeezed))]
    assert places == sorted(set(places))
