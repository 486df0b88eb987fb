"""PAN-OS's lists as text: the exclusion list as CSV, and what an External Dynamic List holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import msgspec

from addons.formats import panos_names
from addons.formats.conditions import check, may_condition
from addons.formats.exported import Unread
from addons.formats.settling import MOST_TEXT, Named
from addons.formats.table_cells import UnclearError
from detector.errors import ConfigError

_MAX_LINES = 500_000
_OWN = ("hostname", "location", "description")
_YES = ("yes", "true", "1")


def table(text: str, source: str) -> tuple[list[Named], list[Unread], dict[int, str]]:
    """The exclusion list as the web interface exports it; with the descriptions by line."""
    rows = csv.reader(io.StringIO(text), strict=False)
    head: list[str] = []
    named: list[Named] = []
    unread: list[Unread] = []
    about: dict[int, str] = {}
    try:
        for row in rows:
            line = rows.line_num
            if line > _MAX_LINES:
                raise ConfigError(source, f"more than {_MAX_LINES} lines")
            if not any(cell.strip() for cell in row):
                continue
            if not head:
                head = [_plain(cell) for cell in row]
                continue
            cells = dict(zip(head, (cell.strip() for cell in row), strict=False))
            host, excluded = cells.get("hostname", ""), _excludes(cells)
            why = _condition(cells)
            if not host or why:
                text = host or ",".join(row)
                unread.append(Unread(line, text[:MOST_TEXT], why or "no hostname in this row"))
            elif excluded:
                named.append(panos_names.excluded(host, line))
                about[line] = cells.get("description", "")
            else:
                unread.append(Unread(line, host[:MOST_TEXT], "not excluded from decryption"))
    except csv.Error as error:
        raise ConfigError(source, str(error), line=rows.line_num) from None
    return named, unread, about


def is_table(text: str) -> bool:
    """Whether the first line is the head of that table."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    cells = [_plain(cell) for cell in first.split(",")]
    return "hostname" in cells and len(cells) > 1


def entries(text: str, source: str) -> Iterator[Named]:
    """Entries of an EDL: URLs, domains or addresses, one a line; what stands behind is a comment."""
    for number, line in enumerate(text.splitlines(), 1):
        if number > _MAX_LINES:
            raise ConfigError(source, f"more than {_MAX_LINES} lines")
        words = line.split()
        if words and not words[0].startswith(("#", ";", "//")):
            rest = words[1:]
            found = panos_names.url(words[0], number)
            if rest and not rest[0].startswith(("#", ";", "//", "-")):
                why = "several words: an entry is one"
                found = [msgspec.structs.replace(one, why=why, text=line.strip()) for one in found]
            yield from found


def _excludes(cells: dict[str, str]) -> bool:
    said = next((v for k, v in cells.items() if k.startswith("exclude")), "yes")
    return said.lower() in _YES


def _condition(cells: dict[str, str]) -> str:
    """Why a row is not one of the product's own, which has no column that switches it off or is a condition."""
    others = (
        (head, cell)
        for head, cell in cells.items()
        if not head.startswith("exclude") and head not in _OWN and may_condition(head, head)
    )
    try:
        check(others)
    except UnclearError as error:
        return f"{error}: import it as csv"
    return ""


def _plain(cell: str) -> str:
    return cell.strip().strip('"\ufeff').strip().lower()
