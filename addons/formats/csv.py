"""A table: CSV with commas, semicolons or tabs, of any order of columns.

Rules
-----
1. The first row is the head where it names a column of hosts, in one of the spellings below or by `ReadOptions.columns`.
   A table without a head is read by what stands in its cells: the column of names is the one of hosts, no other column
   is guessed. How columns were taken is told in `notes`.
2. Hosts are spelt as a person spells them for us (addons/bypass/pattern.py): x, .x, *.x, /regex/, ranges, ports. A cell
   may hold several, one below the other or behind commas. A cell that begins with "=" is a formula, not a host.
3. A day is 2027-03-31, a moment has its zone; "31 Mar 2027" and 31.03.2027, which has its day in front
   wherever dots are written, are plain, too. 03/04/2027 is another day in another country: a row with slashes is
   refused, with its line. So is an action that is no word for one, and an empty one.
4. What a row cannot mean is told; no row is read in part. Columns that switch it off or are conditions of it are in
   conditions.py.

Source: RFC 4180; Excel writes a BOM, "sep=;" as its first line, semicolons where the comma is the decimal point. Cells
that a spreadsheet would compute (OWASP, "CSV Injection") are written with an apostrophe before them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from addons.bypass.reach import in_force
from addons.bypass.rule import Rule
from addons.bypass.shown import shown
from addons.formats import conditions, shapes
from addons.formats.columns import Columns, columns_of, names_columns
from addons.formats.exported import Exported, Imported, ReadOptions, Refused
from addons.formats.gathered import Found, Gathered
from addons.formats.remark import fields
from addons.formats.spelling import Grammar, meaning
from addons.formats.table_cells import UnclearError, action_of, day_of, whole_number
from detector.errors import ConfigError

MAX_ROWS = 2_000_000
MAX_HEAD = 1 << 14
GRAMMAR = Grammar(plain="host", dot="suffix", star="wildcard")
FIELDS = ("host", "port", "action", "client", "ja4", "owner", "reason", "ticket", "expires",
          "created", "evidence", "bind")  # fmt: skip
_FORMULA = "=+-@\t\r'"
_IGNORED = ": --map '{}=ignore' where that does not matter"
_SEPARATORS = ",;\t|"
# Kinds of entries that are named, and are no hosts.
_NO_HOST = re.compile(
    r"categor|kategor|catégor|applica|anwendung|\bapps?\b|group|grupp|user|countr|\bgeo|keyword|process|certificate|issuer",
    re.IGNORECASE,
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """Every rule in force, with all of its fields."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(FIELDS)
    refused: list[Refused] = []
    for rule in in_force(rules, now):
        if rule.regex is not None and not rule.regex.isprintable():
            refused.append(Refused(rule, "the expression holds characters that cannot be seen"))
            continue
        pattern = msgspec.structs.replace(rule, port=None, client=None, ja4=None).pattern
        about = [getattr(rule, field) for field in FIELDS[1:]]
        about[FIELDS.index("expires") - 1] = rule.until
        rows.writerow([_cell(one) for one in (pattern, *about)])
    return Exported(out.getvalue(), tuple(refused))


def _cell(value: object) -> str:
    text = "" if value is None else shown(str(value))
    return f"'{text}" if text and text[0] in _FORMULA else text


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """Raises ConfigError for what is no table, or has no column of hosts."""
    return table(text, source, options, GRAMMAR)


def is_table(text: str) -> bool:
    """Whether the first line is the head of a table of several columns, or of one that is quoted."""
    try:
        head = next(_rows(text[:MAX_HEAD].removeprefix("\ufeff"), "its head"), None)
    except ConfigError:
        return False
    return head is not None and names_columns(head.cells)


def table(text: str, source: str, options: ReadOptions, grammar: Grammar) -> Imported:
    """A table of which a product's grammar says what its hosts mean. Raises ConfigError."""
    rows = list(_rows(text.removeprefix("\ufeff"), source))
    columns = columns_of([one.cells for one in rows[:50]], options.columns, source)
    gathered = Gathered()
    for note in columns.notes:
        gathered.note(note)
    for row in rows[columns.heads :]:
        _gather(gathered, row, columns, grammar)
    return gathered.done()


class _Row(NamedTuple):
    line: int
    cells: list[str]


def _rows(text: str, source: str) -> Iterator[_Row]:
    """Rows that are not empty, each with the line that it begins on."""
    separator, text, skipped = _separated(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    line = skipped + 1
    try:
        for number, cells in enumerate(reader):
            if number > MAX_ROWS:
                raise ConfigError(source, f"has more than {MAX_ROWS} rows")
            if any(one.strip() for one in cells) and not cells[0].lstrip().startswith("#"):
                yield _Row(line, [_bare(one) for one in cells])
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        raise ConfigError(source, f"no table: {error}", line=line) from None


def _separated(text: str) -> tuple[str, str, int]:
    """What separates cells, the text of the table, and how many lines were left out before it."""
    head, _, rest = text.partition("\n")
    told = head.strip().strip('"')
    if told.lower().startswith("sep=") and len(told) == 5:
        return told[4], rest, 1
    if told.lower() == "sep=":  # a tab, which the strip took
        return "\t", rest, 1
    counts = {one: _outside(head, one) for one in _SEPARATORS}
    best = max(counts, key=lambda one: counts[one])
    return (best if counts[best] else ","), text, 0


def _outside(line: str, separator: str) -> int:
    """How often it stands outside of quotes."""
    return sum(part.count(separator) for part in line.split('"')[::2])


def _bare(cell: str) -> str:
    """Without blanks around it, and without the apostrophe that keeps a spreadsheet from computing it."""
    cell = cell.strip(" \u00a0\n\r")
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in _FORMULA else cell


def _gather(gathered: Gathered, row: _Row, columns: Columns, grammar: Grammar) -> None:
    told = {field: row.cells[at] for field, at in columns.at.items() if at < len(row.cells)}
    cell = told.get("host", "")
    if not cell:
        gathered.unread(
            row.line, " ".join(filter(None, row.cells)), "its cell for the host is empty"
        )
        return
    try:
        conditions.check(((name, _at(row, at)) for at, name in columns.conditions), _IGNORED)
        switched = conditions.switched(
            [(f, name, _at(row, at)) for f, at, name in columns.switches]
        )
        about = _about(told)
        if switched is not None and about.setdefault("action", switched) != switched:
            raise UnclearError("its columns say two actions")
    except UnclearError as error:
        gathered.unread(row.line, cell, str(error))
        return
    for entry in _hosts(cell):
        found = _said(entry, told.get("kind", ""), grammar)
        fields = dict(about)
        port = fields.pop("port", None)
        if port is not None and not isinstance(found, str):
            own = {one.port for one in found}
            if own - {None, port}:
                found = f"is for port {max(filter(None, own))}, and its column says {port}"
            else:
                found = [one._replace(port=port) for one in found]
        gathered.add(row.line, entry, found, **fields)


def _at(row: _Row, number: int) -> str:
    return row.cells[number] if number < len(row.cells) else ""


def _hosts(cell: str) -> list[str]:
    if cell.startswith("/"):
        return [cell]
    if not any(one in cell for one in ", ;\n\r\t"):
        return [cell]
    parts = cell.replace(",", " ").replace(";", " ").split()
    return [cell] if "-" in parts else parts


def _said(entry: str, kind: str, grammar: Grammar) -> Found:
    if entry[0] in "=@+":
        return "a formula, not a host"
    if len(entry) > 2 and entry[0] == "/" and entry[-1] == "/":
        return shapes.whole(entry[1:-1])
    if entry == "*":
        return shapes.any_host()
    if _NO_HOST.search(kind):
        why = f"its column says {kind[:40]!r}, which is no host"
        return f"{why}: --map ignore=COLUMN where that does not matter"
    if "regex" in kind.lower() or "regular" in kind.lower():
        return "its column says regular expression: write it between slashes, as /x/, to have it read so"
    return meaning(entry, grammar)


def _about(told: dict[str, str]) -> dict[str, Any]:
    """The other fields of a row. Raises UnclearError."""
    about: dict[str, Any] = {}
    for field in ("owner", "reason", "ticket", "evidence", "client", "ja4", "bind"):
        if told.get(field):
            about[field] = " ".join(told[field].split())
    # A table without a column for it has the ticket among the remarks.
    if "reason" in about and not {"ticket", "owner"} <= told.keys():
        remarked = fields(about["reason"])
        about |= {
            key: remarked[key] for key in ("ticket", "owner") if key in remarked.keys() - told
        }
    if "bind" in about and about["bind"] not in ("resolve", "certificate", "none"):
        raise UnclearError(f"bind {about['bind']!r} is none of resolve, certificate, none")
    if "client" in about and about["client"] in ("*", "any", "all"):
        del about["client"]
    for field in ("expires", "created"):
        end = day_of(told.get(field, ""))
        if end is not None:
            about[field] = end
    if "action" in told:
        about["action"] = action_of(told["action"])
    port = told.get("port", "")
    if port and port.lower() not in ("*", "any", "all"):
        about["port"] = whole_number(port)
    return about
