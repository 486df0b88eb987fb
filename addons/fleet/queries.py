"""All that the page asks the fleet's database, in SQL that SQLite and PostgreSQL share.

Rules
-----
1. Every list has an end: SIZE rows a page, and what is counted is counted up to MOST_COUNTED.
2. A silent agent is one whose heartbeat is due for longer than GRACE. What it told last still stands, and nothing else
   is known of it: no query counts it as free of findings.
3. Texts are compared in lower case, with LIKE's own characters escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from addons.fleet.database import FleetDatabase, Row, Value
from addons.fleet.rows import (
    AgentRow,
    AnswerRow,
    Changes,
    CorrelationRow,
    Counts,
    EventRow,
    FindingRow,
    NetworkRow,
    Paged,
    Place,
    ProductRow,
    QuestionRow,
    Standing,
    Who,
)

SIZE, MOST_COUNTED = 50, 10_000
GRACE = timedelta(minutes=15)
AgentState = Literal["", "heard", "silent", "intercepted", "revoked"]
AgentOrder = Literal["name", "last", "version", "network"]
_AGENT = ", ".join(f"a.{one}" for one in AgentRow._fields)
_FINDING = ", ".join(f"f.{one}" for one in FindingRow._fields[:-1]) + ", COALESCE(a.name, '')"
_EVENT = ", ".join(EventRow._fields)
_CORRELATION = ", ".join(CorrelationRow._fields)
_FINDINGS = "FROM finding f LEFT JOIN agent a ON a.device = f.device"
# What the index finding_open covers. A finding is about one network and one subject: in a group of both, or of a
# network, one row is one agent.
_STANDS = "closed IS NULL AND kind = 'interception'"
_AGENT_ORDERS: dict[AgentOrder, tuple[str, str]] = {
    "name": ("a.name", "ASC"),
    "last": ("a.last", "DESC"),
    "version": ("a.tlsight", "ASC"),
    "network": ("a.network", "ASC"),
}


class _Where:
    """Conditions, and their values in the same order."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.values: list[Value] = []

    def add(self, condition: str, *values: Value) -> None:
        self._parts.append(condition)
        self.values += values

    def __str__(self) -> str:
        return f" WHERE {' AND '.join(self._parts)}" if self._parts else ""


class FleetQueries:
    """What the page asks. Every verb raises StoreError.

    Args:
        database: an open one.
        now: what is due is measured by it.

    """

    def __init__(self, database: FleetDatabase, now: datetime) -> None:
        self._database = database
        self.late = stamp(now - GRACE)  # an agent that was due before is silent

    async def counts(self) -> Counts:
        (silent,) = await self._one(
            "SELECT COUNT(*) FROM agent WHERE due < ? AND revoked IS NULL", self.late
        )
        (agents, revoked) = await self._one("SELECT COUNT(*), COUNT(revoked) FROM agent")
        (unsanctioned,) = await self._one(
            f"SELECT COUNT(DISTINCT device) FROM finding WHERE {_STANDS} AND sanctioned = 0"
        )
        found = await self._database.read(
            "SELECT kind, sanctioned, COUNT(*) FROM finding WHERE closed IS NULL GROUP BY kind, sanctioned"
        )
        kinds = {str(kind): _number(count) for kind, allowed, count in found if not allowed}
        allowed = sum(_number(count) for _, allowed, count in found if allowed)
        gone = _number(revoked)
        return Counts(
            _number(agents) - gone, _number(silent), gone, _number(unsanctioned), allowed, kinds
        )

    async def changes(self, since: str) -> Changes:
        """Findings that opened, changed otherwise, and closed."""
        row = await self._one(
            "SELECT COUNT(CASE WHEN opened >= ? THEN 1 END), COUNT(CASE WHEN closed >= ? THEN 1 END),"
            " COUNT(CASE WHEN opened < ? AND closed IS NULL THEN 1 END) FROM finding WHERE changed >= ?",
            since, since, since, since,
        )  # fmt: skip
        return Changes(_number(row[0]), _number(row[2]), _number(row[1]))

    async def standing(self, page: int = 1, size: int = SIZE) -> Paged[Standing]:
        """Who intercepts now; who is not allowed to, first."""
        (total,) = await self._one(
            f"SELECT COUNT(*) FROM (SELECT DISTINCT subject FROM finding WHERE {_STANDS}) AS some"
        )
        rows = await self._database.read(
            f"{_standing()} ORDER BY CASE WHEN COUNT(bad) > 0 THEN 0 ELSE 1 END, 2 DESC, subject LIMIT ? OFFSET ?",
            *_window(page, size),
        )
        return _paged([Standing(*row) for row in rows], _number(total), page, size)  # type: ignore[arg-type]

    async def standing_of(self, subject: str) -> Standing | None:
        """One of them; None where nothing of it is open."""
        rows = await self._database.read(_standing(" AND subject = ?"), subject)
        return Standing(*rows[0]) if rows else None  # type: ignore[arg-type]

    async def standing_as(self, product: str, engine: str, most: int = SIZE) -> list[Standing]:
        """Those of one product."""
        rows = await self._database.read(
            f"{_standing(' AND product = ? AND engine = ?')} ORDER BY 2 DESC, subject LIMIT ?",
            product, engine, most,
        )  # fmt: skip
        return [Standing(*row) for row in rows]  # type: ignore[arg-type]

    async def who(self, subject: str) -> Who | None:
        """As a finding of this subject names him, an open one where there is one."""
        columns = "SELECT product, engine, category, issuer, issuer_spki FROM finding"
        for more in (f" AND {_STANDS}", ""):
            rows = await self._database.read(f"{columns} WHERE subject = ?{more} LIMIT 1", subject)
            if rows:
                return Who(*rows[0])  # type: ignore[arg-type]
        return None

    async def places(self, subject: str, most: int) -> tuple[list[Place], int]:
        """Networks in which a subject intercepts, those with the most agents; and on how many it is."""
        rows = await self._database.read(
            "SELECT f.network, COALESCE(n.label, ''), f.agents FROM (SELECT network, COUNT(*) AS agents"
            f" FROM finding WHERE {_STANDS} AND subject = ? GROUP BY network ORDER BY 2 DESC, network LIMIT ?) f"
            " LEFT JOIN network n ON n.id = f.network ORDER BY 3 DESC, 1",
            subject, most,
        )  # fmt: skip
        (total,) = await self._one(
            f"SELECT COUNT(DISTINCT network) FROM finding WHERE {_STANDS} AND subject = ?", subject
        )
        return [Place(*row) for row in rows], _number(total)  # type: ignore[arg-type]

    async def named(self, text: str, most: int) -> list[tuple[str, Who]]:
        """Subjects that intercept now and whose product, engine or issuer has this text."""
        names = ("product", "engine", "issuer")
        rows = await self._database.read(
            "SELECT DISTINCT subject, product, engine, category, issuer, issuer_spki FROM finding"
            f" WHERE {_STANDS} AND ({' OR '.join(f"LOWER({one}) LIKE ? ESCAPE '!'" for one in names)}) LIMIT ?",
            *(_within(text) for _ in names), most,
        )  # fmt: skip
        return [(str(row[0]), Who(*row[1:])) for row in rows]  # type: ignore[arg-type]

    async def hosts_of(self, subject: str, most: int) -> list[tuple[str, int]]:
        """Hosts on which a subject was seen last, by agent; those of the most agents."""
        rows = await self._database.read(
            f"SELECT host, COUNT(*) FROM finding WHERE {_STANDS} AND subject = ?"
            " GROUP BY host ORDER BY 2 DESC, host LIMIT ?",
            subject, most,
        )  # fmt: skip
        return [(str(host), _number(count)) for host, count in rows]

    async def products(self) -> list[ProductRow]:
        rows = await self._database.read(
            "SELECT product, engine, category, COUNT(DISTINCT device), COUNT(DISTINCT network),"
            f" COUNT(DISTINCT CASE WHEN sanctioned = 0 THEN device END) FROM finding WHERE {_STANDS}"
            " GROUP BY product, engine, category ORDER BY 6 DESC, 4 DESC, product, engine LIMIT ?",
            SIZE * 4,
        )
        return [ProductRow(*row) for row in rows]  # type: ignore[arg-type]

    async def networks(self, text: str = "", page: int = 1) -> Paged[NetworkRow]:
        """Networks, those with agents that somebody intercepts against the policy first."""
        where = _Where()
        if text:
            where.add("(LOWER(n.label) LIKE ? ESCAPE '!' OR n.id LIKE ? ESCAPE '!')",
                      _within(text), _begins(text))  # fmt: skip
        total = await self._count(f"FROM network n{where}", where.values)
        rows = await self._database.read(
            "SELECT n.id, n.label, n.first, n.last, COALESCE(f.agents, 0), COALESCE(f.bad, 0) FROM network n"
            " LEFT JOIN (SELECT network, COUNT(DISTINCT device) AS agents,"
            f" COUNT(DISTINCT CASE WHEN sanctioned = 0 THEN device END) AS bad FROM finding WHERE {_STANDS}"
            f" GROUP BY network) f ON f.network = n.id{where} ORDER BY 6 DESC, 5 DESC, n.last DESC, n.id"
            " LIMIT ? OFFSET ?",
            *where.values, *_window(page, SIZE),
        )  # fmt: skip
        return _paged([NetworkRow(*row) for row in rows], total, page)  # type: ignore[arg-type]

    async def network(self, id_: str) -> NetworkRow | None:
        rows = await self._database.read(
            "SELECT id, label, first, last, (SELECT COUNT(DISTINCT device) FROM finding"
            f" WHERE {_STANDS} AND network = n.id), (SELECT COUNT(DISTINCT device) FROM finding WHERE {_STANDS}"
            " AND network = n.id AND sanctioned = 0) FROM network n WHERE id = ?",
            id_,
        )
        return NetworkRow(*rows[0]) if rows else None  # type: ignore[arg-type]

    async def labels(self, ids: Sequence[str]) -> dict[str, str]:
        """Labels of these networks; those without one are left out."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        rows = await self._database.read(
            f"SELECT id, label FROM network WHERE label <> '' AND id IN ({_marks(wanted)})", *wanted
        )
        return {str(id_): str(label) for id_, label in rows}

    async def label(self, id_: str, label: str) -> None:
        """What people call a network."""
        await self._database.write([("UPDATE network SET label = ? WHERE id = ?", [(label, id_)])])

    async def subjects_in(self, network: str, most: int) -> list[Standing]:
        """Who intercepts in a network."""
        rows = await self._database.read(
            f"{_standing(' AND network = ?')} ORDER BY 4 DESC, 2 DESC, subject LIMIT ?",
            network, most,
        )  # fmt: skip
        return [Standing(*row) for row in rows]  # type: ignore[arg-type]

    async def agents(
        self,
        *,
        text: str = "",
        state: AgentState = "",
        version: str = "",
        network: str = "",
        order: AgentOrder = "name",
        backwards: bool = False,
        page: int = 1,
    ) -> Paged[AgentRow]:
        where = _Where()
        if text:
            where.add("(LOWER(a.name) LIKE ? ESCAPE '!' OR a.device LIKE ? ESCAPE '!')",
                      _within(text), _begins(text))  # fmt: skip
        if state in ("silent", "heard"):
            where.add(f"a.due {'<' if state == 'silent' else '>='} ?", self.late)
        if state:
            where.add(f"a.revoked IS {'NOT ' if state == 'revoked' else ''}NULL")
        if state == "intercepted":
            where.add(
                f"a.device IN (SELECT device FROM finding WHERE {_STANDS} AND sanctioned = 0)"
            )
        if version:
            where.add("a.tlsight = ?", version)
        if network:
            where.add("a.network = ?", network)
        column, way = _AGENT_ORDERS[order]
        if backwards:
            way = "ASC" if way == "DESC" else "DESC"
        total = await self._count(f"FROM agent a{where}", where.values)
        rows = await self._database.read(
            f"SELECT {_AGENT} FROM agent a{where} ORDER BY {column} {way}, a.device LIMIT ? OFFSET ?",
            *where.values, *_window(page, SIZE),
        )  # fmt: skip
        return _paged([AgentRow(*row) for row in rows], total, page)  # type: ignore[arg-type]

    async def agent(self, device: str) -> AgentRow | None:
        rows = await self._database.read(f"SELECT {_AGENT} FROM agent a WHERE device = ?", device)
        return AgentRow(*rows[0]) if rows else None  # type: ignore[arg-type]

    async def unsanctioned_on(self, devices: Sequence[str]) -> dict[str, int]:
        """Open interceptions that no policy allows, by device."""
        if not devices:
            return {}
        rows = await self._database.read(
            f"SELECT device, COUNT(*) FROM finding WHERE {_STANDS} AND sanctioned = 0"
            f" AND device IN ({_marks(devices)}) GROUP BY device",
            *devices,
        )
        return {str(device): _number(count) for device, count in rows}

    async def versions(self) -> list[str]:
        """Of the program, those of the most agents first."""
        rows = await self._database.read(
            "SELECT tlsight, COUNT(*) FROM agent GROUP BY tlsight ORDER BY 2 DESC, 1 LIMIT 50"
        )
        return [str(version) for version, _ in rows]

    async def findings(
        self,
        *,
        state: Literal["", "open", "closed"] = "",
        kind: str = "",
        sanctioned: bool | None = None,
        host: str = "",
        device: str = "",
        subject: str = "",
        network: str = "",
        since: str = "",
        page: int = 1,
        size: int = SIZE,
    ) -> Paged[FindingRow]:
        """Findings, what changed last first."""
        where = _Where()
        if state:
            # Not "IS NULL" alone, or SQLite sorts all that are open, where the index by time needs a page of them.
            narrow = device or subject or network
            still = "f.closed IS NULL" if narrow else "COALESCE(f.closed, '') = ''"
            where.add(still if state == "open" else "f.closed IS NOT NULL")
        if sanctioned is not None:
            where.add("f.sanctioned = ?", int(sanctioned))
        for column, value in (
            ("kind", kind), ("device", device), ("subject", subject), ("network", network),
        ):  # fmt: skip
            if value:
                where.add(f"f.{column} = ?", value)
        if since:
            where.add("f.changed >= ?", since)
        if host:
            where.add("f.host LIKE ? ESCAPE '!'", _within(host))  # hosts are kept in lower case
        total = await self._count(f"FROM finding f{where}", where.values)
        rows = await self._database.read(
            f"SELECT {_FINDING} {_FINDINGS}{where} ORDER BY f.changed DESC, f.device, f.id LIMIT ? OFFSET ?",
            *where.values, *_window(page, size),
        )  # fmt: skip
        return _paged([FindingRow(*row) for row in rows], total, page, size)  # type: ignore[arg-type]

    async def finding(self, device: str, id_: str) -> FindingRow | None:
        rows = await self._database.read(
            f"SELECT {_FINDING} {_FINDINGS} WHERE f.device = ? AND f.id = ?", device, id_
        )
        return FindingRow(*rows[0]) if rows else None  # type: ignore[arg-type]

    async def events(
        self, device: str, finding: str | None = None, page: int = 1
    ) -> Paged[EventRow]:
        """What a device told, of one finding or of all, the latest first."""
        where = _Where()
        where.add("device = ?", device)
        if finding is not None:
            where.add("finding = ?", finding)
        total = await self._count(f"FROM event{where}", where.values)
        rows = await self._database.read(
            f"SELECT {_EVENT} FROM event{where} ORDER BY at DESC, id LIMIT ? OFFSET ?",
            *where.values, *_window(page, SIZE),
        )  # fmt: skip
        return _paged([EventRow(*row) for row in rows], total, page)  # type: ignore[arg-type]

    async def event(self, id_: str) -> tuple[EventRow, str] | None:
        """One, and its body."""
        rows = await self._database.read(f"SELECT {_EVENT}, body FROM event WHERE id = ?", id_)
        return (EventRow(*rows[0][:-1]), str(rows[0][-1])) if rows else None  # type: ignore[arg-type]

    async def correlations(
        self,
        *,
        subject: str = "",
        network: str = "",
        closed: bool = False,
        page: int = 1,
        size: int = SIZE,
    ) -> Paged[CorrelationRow]:
        """What no single agent can see, the latest first."""
        where = _Where()
        where.add(f"closed IS {'NOT ' if closed else ''}NULL")
        for column, value in (("subject", subject), ("network", network)):
            if value:
                where.add(f"{column} = ?", value)
        total = await self._count(f"FROM correlation{where}", where.values)
        rows = await self._database.read(
            f"SELECT {_CORRELATION} FROM correlation{where} ORDER BY opened DESC, id LIMIT ? OFFSET ?",
            *where.values, *_window(page, size),
        )  # fmt: skip
        return _paged([CorrelationRow(*row) for row in rows], total, page, size)  # type: ignore[arg-type]

    async def correlation(self, id_: str) -> CorrelationRow | None:
        rows = await self._database.read(
            f"SELECT {_CORRELATION} FROM correlation WHERE id = ?", id_
        )
        return CorrelationRow(*rows[0]) if rows else None  # type: ignore[arg-type]

    async def questions(self, page: int = 1) -> Paged[QuestionRow]:
        total = await self._count("FROM question", [])
        rows = await self._database.read(
            f"{_question('')} ORDER BY q.asked DESC, q.id LIMIT ? OFFSET ?", *_window(page, SIZE)
        )
        return _paged([QuestionRow(*row) for row in rows], total, page)  # type: ignore[arg-type]

    async def question(self, id_: str) -> QuestionRow | None:
        rows = await self._database.read(_question(" WHERE q.id = ?"), id_)
        return QuestionRow(*rows[0]) if rows else None  # type: ignore[arg-type]

    async def verdicts(self, question: str) -> dict[str, int]:
        """How many answered what."""
        rows = await self._database.read(
            "SELECT verdict, COUNT(*) FROM answer WHERE question = ? GROUP BY verdict ORDER BY 2 DESC, 1",
            question,
        )
        return {str(verdict): _number(count) for verdict, count in rows}

    async def answers(self, question: str, page: int = 1) -> Paged[AnswerRow]:
        total = await self._count("FROM answer WHERE question = ?", [question])
        rows = await self._database.read(
            "SELECT w.device, COALESCE(a.name, ''), w.at, w.verdict, w.event FROM answer w"
            " LEFT JOIN agent a ON a.device = w.device WHERE w.question = ?"
            " ORDER BY w.verdict, w.at DESC, w.device LIMIT ? OFFSET ?",
            question, *_window(page, SIZE),
        )  # fmt: skip
        return _paged([AnswerRow(*row) for row in rows], total, page)  # type: ignore[arg-type]

    async def stamp(self) -> str:
        """Another text whenever something that the page shows first did change."""
        findings = await self._one("SELECT MAX(changed) FROM finding")
        opened = await self._one("SELECT COUNT(*) FROM finding WHERE closed IS NULL")
        seen = await self._one("SELECT COUNT(*), MAX(opened), MAX(closed) FROM correlation")
        asked = await self._one(
            "SELECT (SELECT COUNT(*) FROM question), (SELECT COUNT(*) FROM answer)"
        )
        return " ".join(str(one) for one in (*findings, *opened, *seen, *asked))

    async def _count(self, what: str, values: Sequence[Value]) -> int:
        row = await self._one(
            f"SELECT COUNT(*) FROM (SELECT 1 {what} LIMIT {MOST_COUNTED + 1}) AS some", *values
        )
        return _number(row[0])

    async def _one(self, query: str, *values: Value) -> Row:
        (row,) = await self._database.read(query, *values)
        return row


def stamp(at: datetime) -> str:
    """A moment as the database writes it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _standing(more: str = "") -> str:
    """By subject. What is within comes in the index's order, so that nothing has to be sorted or kept."""
    return (
        "SELECT subject, COUNT(*), CAST(SUM(findings) AS BIGINT), COUNT(bad), MIN(since) FROM"
        " (SELECT subject, device, COUNT(*) AS findings, MIN(opened) AS since,"
        f" MAX(CASE WHEN sanctioned = 0 THEN 1 END) AS bad FROM finding WHERE {_STANDS}{more}"
        " GROUP BY subject, device) f GROUP BY subject"
    )


def _question(where: str) -> str:
    return (
        "SELECT q.id, q.host, q.asked, q.until, q.by, q.wanted, q.network,"
        f" (SELECT COUNT(*) FROM answer w WHERE w.question = q.id) FROM question q{where}"
    )


def _paged[T](rows: list[T], total: int, page: int, size: int = SIZE) -> Paged[T]:
    more = total > MOST_COUNTED
    total = min(total, MOST_COUNTED)
    return Paged(rows, total, page, max(1, -(-total // size)), more)


def _window(page: int, size: int) -> tuple[int, int]:
    """LIMIT and OFFSET; nobody leafs further than is counted."""
    return size, min(max(page, 1) - 1, MOST_COUNTED // size) * size


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _plain(text: str) -> str:
    text = text.lower()
    for one in "!%_":
        text = text.replace(one, f"!{one}")
    return text


def _within(text: str) -> str:
    return f"%{_plain(text)}%"


def _begins(text: str) -> str:
    return f"{_plain(text)}%"


def _number(value: Value) -> int:
    assert isinstance(value, int)
    return value
