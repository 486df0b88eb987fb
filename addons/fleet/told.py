"""What the page asks the database of all that was told: events, correlations, questions and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from addons.fleet.conditions import MOST_COUNTED, SIZE, Where, number, paged, stamp, window
from addons.fleet.database import FleetDatabase, Row, Value
from addons.fleet.query_rows import AnswerRow, CorrelationRow, EventRow, Paged, QuestionRow

GRACE = timedelta(minutes=5)  # beyond what `due` has of slack
_EVENT = ", ".join(EventRow._fields)
_CORRELATION = ", ".join(CorrelationRow._fields)


class ToldQueries:
    """One half of FleetQueries. Every verb raises StoreError.

    Args:
        database: an open one.
        now: what is due is measured by it.

    """

    def __init__(self, database: FleetDatabase, now: datetime) -> None:
        self.database = database
        self.late = stamp(now - GRACE)  # an agent that was due before is silent

    async def events(
        self, device: str, finding: str | None = None, page: int = 1
    ) -> Paged[EventRow]:
        """What a device told, of one finding or of all, the latest first."""
        where = Where()
        where.add("device = ?", device)
        if finding is not None:
            where.add("finding = ?", finding)
        total = await self.count(f"FROM event{where}", where.values)
        rows = await self.database.read(
            f"SELECT {_EVENT} FROM event{where} ORDER BY at DESC, id LIMIT ? OFFSET ?",
            *where.values, *window(page, SIZE),
        )  # fmt: skip
        return paged([EventRow(*row) for row in rows], total, page)  # type: ignore[arg-type]

    async def event(self, id_: str) -> tuple[EventRow, str] | None:
        """One, and its body."""
        rows = await self.database.read(f"SELECT {_EVENT}, body FROM event WHERE id = ?", id_)
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
        where = Where()
        where.add(f"closed IS {'NOT ' if closed else ''}NULL")
        for column, value in (("subject", subject), ("network", network)):
            if value:
                where.add(f"{column} = ?", value)
        total = await self.count(f"FROM correlation{where}", where.values)
        rows = await self.database.read(
            f"SELECT {_CORRELATION} FROM correlation{where} ORDER BY opened DESC, id LIMIT ? OFFSET ?",
            *where.values, *window(page, size),
        )  # fmt: skip
        return paged([CorrelationRow(*row) for row in rows], total, page, size)  # type: ignore[arg-type]

    async def correlation(self, id_: str) -> CorrelationRow | None:
        rows = await self.database.read(f"SELECT {_CORRELATION} FROM correlation WHERE id = ?", id_)
        return CorrelationRow(*rows[0]) if rows else None  # type: ignore[arg-type]

    async def questions(self, page: int = 1) -> Paged[QuestionRow]:
        total = await self.count("FROM question", [])
        rows = await self.database.read(
            f"{_question('')} ORDER BY q.asked DESC, q.id LIMIT ? OFFSET ?", *window(page, SIZE)
        )
        return paged([QuestionRow(*row) for row in rows], total, page)  # type: ignore[arg-type]

    async def question(self, id_: str) -> QuestionRow | None:
        rows = await self.database.read(_question(" WHERE q.id = ?"), id_)
        return QuestionRow(*rows[0]) if rows else None  # type: ignore[arg-type]

    async def verdicts(self, question: str) -> dict[str, int]:
        """How many answered what."""
        rows = await self.database.read(
            "SELECT verdict, COUNT(*) FROM answer WHERE question = ? GROUP BY verdict ORDER BY 2 DESC, 1",
            question,
        )
        return {str(verdict): number(count) for verdict, count in rows}

    async def answers(self, question: str, page: int = 1) -> Paged[AnswerRow]:
        total = await self.count("FROM answer WHERE question = ?", [question])
        rows = await self.database.read(
            "SELECT w.device, COALESCE(a.name, ''), w.at, w.verdict, w.event FROM answer w"
            " LEFT JOIN agent a ON a.device = w.device WHERE w.question = ?"
            " ORDER BY w.verdict, w.at DESC, w.device LIMIT ? OFFSET ?",
            question, *window(page, SIZE),
        )  # fmt: skip
        return paged([AnswerRow(*row) for row in rows], total, page)  # type: ignore[arg-type]

    async def stamp(self) -> str:
        """Another text whenever something that the page shows first did change."""
        findings = await self.one("SELECT MAX(changed) FROM finding")
        opened = await self.one("SELECT COUNT(*) FROM finding WHERE closed IS NULL")
        seen = await self.one("SELECT COUNT(*), MAX(opened), MAX(closed) FROM correlation")
        asked = await self.one(
            "SELECT COUNT(*), (SELECT COUNT(*) FROM answer WHERE question = (SELECT id FROM question"
            " ORDER BY asked DESC LIMIT 1)) FROM question"
        )
        return " ".join(str(one) for one in (*findings, *opened, *seen, *asked))

    async def count(self, what: str, values: Sequence[Value]) -> int:
        row = await self.one(
            f"SELECT COUNT(*) FROM (SELECT 1 {what} LIMIT {MOST_COUNTED + 1}) AS counted", *values
        )
        return number(row[0])

    async def one(self, query: str, *values: Value) -> Row:
        (row,) = await self.database.read(query, *values)
        return row


def _question(where: str) -> str:
    return (
        "SELECT q.id, q.host, q.asked, q.until, q.by, q.wanted, q.network,"
        f" (SELECT COUNT(*) FROM answer w WHERE w.question = q.id) FROM question q{where}"
    )
