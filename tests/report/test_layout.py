"""Tables at the widths that terminals have: what tells rows apart is whole, minor columns give way."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from detector.report.layout import Cell, Column, Fitted, Hanging, elided, torn
from tests.report.telling import plain

WIDTHS = (60, 80, 100, 200)
COLUMNS = (
    Column("host", kind="name"), Column("count", right=True, kind="figure", minor=2),
    Column("store", kind="path"), Column("used by", minor=1), Column("key", kind="figure"),
)  # fmt: skip
HOST = "outlook-with-a-long-label.mail.protection.regional.division.example.co.uk:8443"
PATH = "/home/somebody/.local/share/containers/storage/overlay/9f3c/merged/etc/ssl/certs/ca.crt"
WORDS = "OpenSSL, GnuTLS, curl, Go, and whatever reads this bundle beside them"
ROWS: tuple[tuple[Cell, ...], ...] = (
    ((HOST, "bold"), ("1,204", ""), (PATH, ""), (WORDS, ""), ("0123456789abcdef", "")),
    (("a.example", ""), ("7", ""), ("/etc/ssl", ""), ("curl", ""), ("fedcba9876543210", "")),
)


def printed(width: int) -> list[str]:
    return plain(Fitted(COLUMNS, ROWS), width=width).splitlines()


def column(lines: list[str], title: str, after: str) -> str:
    """All text of one column of the first row, its lines put together."""
    start, end = lines[0].index(title), lines[0].index(after)
    rows = lines[1 : next(n for n, line in enumerate(lines) if line.startswith("a.example"))]
    return "".join(line[start:end].strip() for line in rows)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal_and_none_ends_in_blanks(width: int) -> None:
    lines = printed(width)
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_what_tells_rows_apart_is_whole(width: int) -> None:
    lines = printed(width)
    after = "count" if "count" in lines[0] else "store"
    assert column(lines, "host", after) == HOST
    assert "0123456789abcdef" in "\n".join(lines)
    assert "…" not in column(lines, "host", after)


def test_minor_columns_are_left_out_the_least_of_them_first() -> None:
    heads = {width: printed(width)[0].split() for width in (*WIDTHS, 68, 74, 84)}
    assert "used" in heads[200]
    assert "count" in heads[200]
    assert "count" not in heads[60]
    assert all("host" in head and "key" in head for head in heads.values())
    for head in heads.values():
        if "count" in head:
            assert "used" in head  # what is more minor went first


def test_a_column_that_is_empty_takes_no_room() -> None:
    rows = [(("a", ""), ("", ""), ("b", ""))]
    columns = (Column("one"), Column("two"), Column("three"))
    assert plain(Fitted(columns, rows)).splitlines() == ["one  three", "a    b"]


def test_a_table_without_rows_is_nothing() -> None:
    assert plain(Fitted(COLUMNS, ())).strip() == ""


def test_a_path_keeps_its_ends() -> None:
    short = elided(PATH, 40)
    assert cell_len(short) <= 40
    assert short.startswith("/home/")
    assert short.endswith("/ca.crt")
    assert elided("/etc/ssl", 40) == "/etc/ssl"


def test_lines_beneath_a_row_are_torn_not_cut() -> None:
    text = "a sample of the log " * 9
    made = Fitted((Column("one"),), [(("a", ""),)], {0: (text.strip(), "dim")})
    lines = plain(made, width=60).splitlines()
    assert " ".join("".join(f"{line} " for line in lines[2:]).split()) == text.strip()


def test_a_paragraph_hangs_behind_its_mark() -> None:
    from rich.text import Text

    lines = plain(Hanging(Text("✗"), Text("word " * 30)), width=60).splitlines()
    assert lines[0].startswith("  ✗ word")
    assert {line[:4] for line in lines[1:]} == {"    "}


def test_wide_characters_count_twice() -> None:
    assert all(cell_len(line) <= 10 for line in torn("証明書が期限切れです" * 3, 10))
