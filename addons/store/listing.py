"""Looking rules up without reading all of them: a page of a list, and those that could decide about a host.

Theory of operation
-------------------
A hundred thousand rules take a second to decode, and a page shows fifty. So SQLite filters, sorts and counts, and only
what is shown is decoded. What a text or a filter is looked for in is read once, and no further than to a thousand. What
passed is kept as sums by rule (traffic.py), in order. The column `pattern` is unique, so it has an index; it begins with what a rule names. The
rules that could decide about a host are thus a few ranges of that index: the name itself, its parent behind "*.", each
parent behind ".", each range that holds the address, all regexes, and all rules for any host. A matcher of those alone
decides as one of all would.
"""

from __future__ import annotations

import ipaddress
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from addons.bypass import due
from addons.bypass.matcher import Arrival, Matcher, name_of
from addons.bypass.rule import Rule, RuleRow, kept_rule
from addons.store.stored import StoredRule
from addons.store.traffic import RuleUse
from detector.chain.names import as_address
from detector.errors import TargetError
from detector.model.no_json import NO_JSON

Life = Literal["any", "in-force", "expiring", "ended", "trial", "draft"]
Order = Literal["pattern", "owner", "ends", "made", "used", "bytes", "last"]
LIVES: tuple[Life, ...] = get_args(Life)
ORDERS: tuple[Order, ...] = get_args(Order)
# Days before its end from which a rule counts as expiring.
SOON = timedelta(days=due.SOON)
# So many are counted where each has to be looked at.
COUNTED = 1000
_ALL = 1 << 40
# The end as text that sorts and compares: a day ends behind all of its hours. What a moment is compared with has an
# end of its own (_moments), so that JSON is read once for a row.
_ENDS = "(json_extract(row, '$.expires') || 'T24')"
_OWNER = "coalesce(json_extract(row, '$.owner'), '')"
_THERE = "(until IS NULL OR until > :iso)"
_LIVES: dict[Life, str] = {
    "any": "1",
    "in-force": f"state != 'draft' AND coalesce({_ENDS}, '9') > :now",
    "expiring": f"state = 'approved' AND {_ENDS} BETWEEN :now AND :soon",
    "ended": f"state != 'draft' AND {_ENDS} <= :now",
    "trial": "state = 'trial'",
    "draft": "state = 'draft'",
}
_ORDERS: dict[Order, str] = {"pattern": "pattern", "owner": _OWNER, "ends": _ENDS, "made": "id"}
_USES: dict[Order, str] = {"used": "connections", "bytes": "bytes", "last": "last"}
_UNUSED = "pattern NOT IN (SELECT rule FROM passage_sum)"
_SAID = " OR ".join(
    f"json_extract(row, '$.{name}') LIKE :text ESCAPE '!'"
    for name in ("reason", "owner", "ticket", "evidence")
)
_COLUMNS = "SELECT id, row, state, until FROM rule"


class Wanted(msgspec.Struct, frozen=True):
    """Which rules, in which order.

    Attributes:
        text: stands somewhere in the pattern, the reason, the owner, the ticket or the evidence.
        action: of these alone; empty for every one.
        unused: those alone by which nothing has passed.
        page: counts from 1.

    """

    text: str = ""
    action: str = ""
    life: Life = "any"
    owner: str | None = None
    unused: bool = False
    order: Order = "pattern"
    backwards: bool = False
    page: int = 1
    size: int = 50


class Found(msgspec.Struct, frozen=True):
    """One page of them, and how many there are.

    Attributes:
        more: there are more than `total`; what has to be looked through is counted up to COUNTED.

    """

    rules: tuple[StoredRule, ...]
    total: int
    more: bool = False


class Overview(msgspec.Struct, frozen=True):
    """All rules in short.

    Attributes:
        soon: those that end next.
        ended: those that ended last.

    """

    counts: dict[Life, int]
    soon: tuple[StoredRule, ...]
    ended: tuple[StoredRule, ...]


class Listing:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self,
        db: sqlite3.Connection,
        failing: Callable[[], AbstractContextManager[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._failing = failing
        self._now = now

    def page(self, wanted: Wanted) -> Found:
        """Rules and drafts; trials that are over are not there."""
        clauses, values = self._where(wanted)
        where = " AND ".join(clauses)
        start, end = (wanted.page - 1) * wanted.size, wanted.page * wanted.size
        most, exact = _reach(wanted, end)
        with self._failing():
            ids = self._ordered(wanted, where, values, most)
            total = len(ids) if exact else min(len(ids), most - 1)
            if exact and len(ids) == most:
                count = f"SELECT count(*) FROM rule WHERE {where}"  # noqa: S608 (literals)
                total = int(self._db.execute(count, values).fetchone()[0])
            rows = self._rows(ids[start:end])
        return Found(tuple(self._read(rows)), total, not exact and len(ids) == most)

    def _ordered(
        self, wanted: Wanted, where: str, values: dict[str, object], most: int
    ) -> list[int]:
        """Ids of the first so many."""
        down = "DESC" if wanted.backwards else "ASC"
        use = _USES.get(wanted.order)
        # Those that were never used have all been used alike.
        order = f"{_ORDERS[wanted.order]} {down} NULLS LAST, " if use is None else ""
        rest = f"SELECT id FROM rule WHERE {where}%s ORDER BY {order}pattern LIMIT :most"  # noqa: S608
        if use is None or wanted.unused:
            return self._ids(rest % "", values, most)
        if wanted.owner is not None or wanted.life not in ("any", "in-force"):
            few = (
                f"SELECT id FROM rule LEFT JOIN passage_sum ON rule = pattern WHERE {where}"  # noqa: S608
                f" ORDER BY {use} {down} NULLS LAST, pattern LIMIT :most"
            )
            return self._ids(few, values, most)
        # A cross join keeps its order: along the sums, until there are enough.
        used = (
            f"SELECT id FROM passage_sum CROSS JOIN rule ON pattern = rule WHERE {where}"  # noqa: S608
            f" ORDER BY {use} {down}, rule LIMIT :most"
        )
        found = self._ids(used, values, most)
        if len(found) < most:
            found += self._ids(rest % f" AND {_UNUSED}", values, most - len(found))
        return found

    def _ids(self, query: str, values: dict[str, object], most: int) -> list[int]:
        return [number for (number,) in self._db.execute(query, values | {"most": most})]

    def _rows(self, ids: Sequence[int]) -> list[tuple[int, str, str, str | None]]:
        """In the order of their ids."""
        query = f"{_COLUMNS} WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 (literals)
        found = {
            row[0]: row for row in self._db.execute(query, (msgspec.json.encode(ids).decode(),))
        }
        return [found[number] for number in ids if number in found]

    def overview(self, soon: int, ended: int) -> Overview:
        """What a start page says of all of them, read once: so many that end next, and that ended last."""
        told = {life: _LIVES[life].replace(_ENDS, "ends") for life in LIVES}
        ends: tuple[tuple[Life, str, int], ...] = (
            ("expiring", "ASC", soon),
            ("ended", "DESC", ended),
        )
        parts = [
            f"SELECT * FROM (SELECT '{life}', id FROM m WHERE {told[life]}"  # noqa: S608 (literals)
            f" ORDER BY ends {down}, pattern LIMIT {most:d})"
            for life, down, most in ends
        ]
        sums = " || ' ' || ".join(f"coalesce(sum({one}), 0)" for one in told.values())
        parts.append(f"SELECT 'counts', {sums} FROM m")  # noqa: S608 (literals)
        query = (
            f"WITH m AS MATERIALIZED (SELECT id, pattern, state, {_ENDS} AS ends FROM rule WHERE {_THERE})"  # noqa: S608
            f" {' UNION ALL '.join(parts)}"
        )
        with self._failing():
            rows = self._db.execute(query, self._moments()).fetchall()
            found = {
                kind: self._rows([number for one, number in rows if one == kind])
                for kind, _, _ in ends
            }
        numbers = str(dict(rows)["counts"]).split()
        counts: dict[Life, int] = dict(zip(LIVES, map(int, numbers), strict=True))
        return Overview(
            counts, tuple(self._read(found["expiring"])), tuple(self._read(found["ended"]))
        )

    def counts(self) -> dict[Life, int]:
        """How many are in each stage of their lives."""
        lives = (_LIVES[life].replace(_ENDS, "ends") for life in LIVES)
        sums = ", ".join(f"coalesce(sum({one}), 0)" for one in lives)
        # The limit keeps SQLite from reading the JSON again for each of them.
        rows = f"SELECT state, {_ENDS} AS ends FROM rule WHERE {_THERE} LIMIT -1"  # noqa: S608
        query = f"SELECT {sums} FROM ({rows})"  # noqa: S608 (literals)
        with self._failing():
            row = self._db.execute(query, self._moments()).fetchone()
        return dict(zip(LIVES, row, strict=True))

    def owners(self, most: int = 500) -> list[str]:
        """Who answers for rules, by name."""
        every = f"SELECT {_OWNER} AS owner FROM rule LIMIT -1"  # noqa: S608
        query = f"SELECT owner FROM ({every}) GROUP BY owner ORDER BY owner LIMIT ?"  # noqa: S608
        with self._failing():
            return [owner for (owner,) in self._db.execute(query, (most,))]

    def one(self, pattern: str) -> StoredRule | None:
        """The rule with this pattern, also a draft."""
        with self._failing():
            rows = self._db.execute(f"{_COLUMNS} WHERE pattern = ?", (pattern,)).fetchall()
        return next(iter(self._read(rows)), None)

    def near(self, connection: Arrival, *, drafts: bool = False) -> list[StoredRule]:
        """Every rule whose pattern could fit it, in the order in which they were made."""
        found: dict[int, tuple[int, str, str, str | None]] = {}
        with self._failing():
            for low, high in _ranges(connection):
                query = f"{_COLUMNS} WHERE pattern >= ? AND pattern < ?"
                found |= {row[0]: row for row in self._db.execute(query, (low, high))}
        rows = [found[number] for number in sorted(found)]
        return [one for one in self._read(rows) if drafts or one.state != "draft"]

    def below(self, name: str, most: int = 500) -> list[StoredRule]:
        """Rules for a name or for names below it, up to so many."""
        query = f"{_COLUMNS} WHERE instr(pattern, ?) LIMIT ?"
        with self._failing():
            rows = self._db.execute(query, (name, most)).fetchall()
        return [one for one in self._read(rows) if one.state != "draft"]

    def uses(self, patterns: Sequence[str]) -> dict[str, RuleUse]:
        """What passed by each of these."""
        query = (
            "SELECT rule, sum(connections), sum(up), sum(down), sum(seconds), max(last)"
            " FROM passage_day WHERE rule = ? GROUP BY rule"
        )
        found: dict[str, RuleUse] = {}
        with self._failing():
            for pattern in patterns:
                for rule, count, up, down, seconds, last in self._db.execute(query, (pattern,)):
                    use = RuleUse(rule, count, up, down, seconds, datetime.fromisoformat(last))
                    found[rule] = use
        return found

    def _where(self, wanted: Wanted) -> tuple[list[str], dict[str, object]]:
        clauses = [_THERE, _LIVES[wanted.life]]
        values: dict[str, object] = dict(self._moments())
        if wanted.text:
            # The JSON holds its own keys, and is quicker to look through: first the one, then the other.
            clauses.append(
                f"(pattern LIKE :text ESCAPE '!' OR (row LIKE :json ESCAPE '!' AND ({_SAID})))"
            )
            values["text"] = _like(wanted.text)
            values["json"] = _like(msgspec.json.encode(wanted.text).decode()[1:-1])
        if wanted.action:
            clauses.append("coalesce(json_extract(row, '$.action'), 'pass') = :action")
            values["action"] = wanted.action
        if wanted.owner is not None:
            clauses.append(f"{_OWNER} = :owner")
            values["owner"] = wanted.owner
        if wanted.unused:
            clauses.append(_UNUSED)
        return clauses, values

    def _moments(self) -> dict[str, str]:
        now = self._now()
        soon = now + SOON
        return {
            "iso": now.isoformat(),
            # Behind what ends at this second, and before it.
            "now": f"{now:%Y-%m-%dT%H:%M:%SZ}T25",
            "soon": f"{soon:%Y-%m-%dT%H:%M:%SZ}T23",
        }

    def _read(self, rows: Iterable[tuple[int, str, str, str | None]]) -> Iterator[StoredRule]:
        decoder = msgspec.json.Decoder(RuleRow)
        now = self._now()
        for number, row, state, until in rows:
            end = datetime.fromisoformat(until) if until else None
            if end is not None and end <= now:
                continue
            try:
                with self._failing():
                    rule = _kept(decoder, row)
            except (*NO_JSON, ValueError, TargetError) as error:
                with self._failing():
                    raise sqlite3.DatabaseError(f"malformed: {error}") from None
            yield StoredRule(number, rule, state, end)  # type: ignore[arg-type]


def _reach(wanted: Wanted, end: int) -> tuple[int, bool]:
    """How many ids to read up to a page's end, and whether the number of all will be told."""
    if wanted.text or wanted.action or wanted.unused:
        return max(COUNTED, end) + 1, False
    if wanted.owner is not None or wanted.life in ("expiring", "ended"):
        return _ALL, True  # each row is looked at anyway
    return end, True


def _kept(decoder: msgspec.json.Decoder[RuleRow], row: str) -> Rule:
    return kept_rule(decoder.decode(row))


class Nearby:
    """Decides as a Matcher of all rules would, and reads only those that could fit.

    Args:
        listing: one's own rules.
        beneath: those of feeds.

    """

    def __init__(self, listing: Listing, beneath: Iterable[Rule] = ()) -> None:
        self._listing = listing
        self._beneath = Matcher(beneath)

    def match(self, connection: Arrival, now: datetime) -> Rule | None:
        own = Matcher(one.rule for one in self._listing.near(connection))
        return own.match(connection, now) or self._beneath.match(connection, now)


def _ranges(connection: Arrival) -> Iterator[tuple[str, str]]:
    """Ranges of patterns, the upper end excluded. Behind what a rule names comes its end, a colon or a space."""
    yield "/", "0"  # regexes
    for start in ("*:", "* "):  # any host
        yield start, _after(start)
    for text in {*_names(connection), *_networks(connection)}:
        yield text, f"{text}\0"
        for mark in (":", " "):
            yield f"{text}{mark}", _after(f"{text}{mark}")


def _names(connection: Arrival) -> Iterator[str]:
    for name in {name_of(connection.sni), name_of(connection.host)} - {None}:
        assert name is not None
        yield name
        yield f"*.{name.partition('.')[2]}"
        rest = name
        while rest:
            yield f".{rest}"
            rest = rest.partition(".")[2]


def _networks(connection: Arrival) -> Iterator[str]:
    for text in (connection.address, connection.host):
        address = as_address(text) if text else None
        if address is None:
            continue
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        address = mapped or address
        network = ipaddress.IPv4Network if address.version == 4 else ipaddress.IPv6Network
        for length in range(address.max_prefixlen + 1):
            yield str(network((int(address), length), strict=False))


def _like(text: str) -> str:
    """A pattern for LIKE ... ESCAPE '!' that finds the text itself anywhere."""
    return "%" + "".join(f"!{c}" if c in "!%_" else c for c in text) + "%"


def _after(text: str) -> str:
    """The first text behind all that begin so."""
    return text[:-1] + chr(ord(text[-1]) + 1)
