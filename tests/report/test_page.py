"""One self-contained page: what it allows, what it lets nobody do, and how it is written."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from detector.errors import StoreError
from detector.report.page import Block, Code, Page, Point, TableOf, html, shown, write_page

HOSTILE = "</style><script>alert(1)</script>\u202e\x1b[31m\r\n'\"&{{7*7}}"


def a_page(text: str = "x") -> Page:
    """`text` wherever a page has one."""
    table = TableOf(text, (text, text), ((text, text),), anchors=("a",), kinds=("direct",))
    inner = Block(text, (text,), codes=(Code(text, text),))
    block = Block(
        text, (text,), badge=text, kind="direct", beside=text, anchor="a", folded=text,
        steps=(("✓", text, text, text),), points=(Point("✗", text, "bad", text),),
        codes=(Code(text, text),), facts=((text, text),), tables=(table,), more=(Code(text, text),),
        inner=(inner,), links=((text, "https://crt.sh/"),), tone="intercepted",
    )  # fmt: skip
    return Page(
        title=text, lead=text, figures=((text, text),), first=(block,), leading=(table,),
        choices=(("direct", 1), ("suspect", 2)), blocks=(block,), blocks_title=text, tables=(table,), notes=(text,),
    )  # fmt: skip


def test_the_policy_allows_the_one_style_sheet_and_nothing_else() -> None:
    made = html(a_page())
    found = re.search(r"<style>(.*?)</style>", made, re.DOTALL)
    assert found is not None
    digest = b64encode(sha256(found[1].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', made)
    assert policy is not None
    assert policy[1] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"<script|<link|<img|<iframe|\bsrc=|style=|url\(|@import", made)


def test_no_text_becomes_markup_or_steers_a_terminal() -> None:
    calm, made = html(a_page()), html(a_page(HOSTILE))
    assert re.findall(r"<[a-z/!][^ >]*", made) == re.findall(r"<[a-z/!][^ >]*", calm)
    assert "{{7*7}}" in made
    assert all(line.isprintable() for line in made.split("\n"))


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    assert shown("a" * 65536, 10) == "aaaaaaaaaa… (65,536 characters)"
    assert shown("\u202eevil\n") == "�evil�"


def test_verdicts_can_be_hidden_without_a_script() -> None:
    made = html(a_page())
    assert 'id="show-direct"' in made
    assert 'body:has(#show-direct:not(:checked)) [data-kind="direct"] { display: none }' in made


def test_headings_are_in_order_and_every_table_says_what_its_rows_are() -> None:
    made = html(a_page())
    levels = [int(level) for level in re.findall(r"<h(\d)", made)]
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert made.count("<table>") == made.count('scope="row"')
    assert '<html lang="en">' in made


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "made" / "report.html"
    write_page(path, a_page())
    assert path.read_text() == html(a_page())
    broken = a_page()
    table = TableOf("t", ("a",), ((object(),),))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        write_page(path, Page("t", "l", (), leading=broken.leading, tables=(table,)))
    assert path.read_text() == html(a_page())
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]


def test_a_folder_that_cannot_be_made_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        write_page(tmp_path / "file" / "report.html", a_page())
