"""What stands around a line's words goes, its words stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.messages.layout import plain_line, unwrapped

WORDS = "x509: certificate signed by unknown authority"


@pytest.mark.parametrize(
    "line",
    [
        f"\x1b[31m│\x1b[0m {WORDS}",
        f"[31m│[0m [0m{WORDS}",
        f"web-1  | {WORDS}",
        f"[pod/web-7f9c/app] {WORDS}",
        f"Mar  3 10:11:12 build dockerd[812]: {WORDS}",
        f"> > {WORDS}",
        f"  ╰─▶ {WORDS}",
        f"<p>{WORDS}</p>",
        f"{WORDS}\r",
        "x509: certificate signed by unknown&nbsp;authority",
    ],
)
def test_prefixes_colours_and_frames_go(line: str) -> None:
    assert " ".join(plain_line(line).split()) == WORDS


def test_escapes_inside_a_line_of_json_are_its_characters() -> None:
    line = r'{"log":"Get \"https://a.example/\": tls: failed\n","stream":"stderr"}'
    assert 'Get "https://a.example/": tls: failed ' in plain_line(line)


def test_escapes_of_half_a_character_are_no_error() -> None:
    assert plain_line(r'"\ud800 SSL error"') == '"  SSL error"'


@given(st.text(max_size=300))
def test_any_line_gives_a_line(line: str) -> None:
    assert "\x00" not in plain_line(line)


def test_lines_cut_at_one_column_are_whole_again() -> None:
    text = "Get https://registry.a.example/v2/x: x509: certificate signed by unknown authority, and more of it"
    cut = "\n".join(text[at : at + 30] for at in range(0, len(text), 30))
    assert unwrapped(cut) == text


def test_lines_of_their_own_stay_apart() -> None:
    text = "a line that is the longest of all of them, by far\nshort\nanother one"
    assert unwrapped(text) == text
