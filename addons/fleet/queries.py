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
from typing import Literal

from addons.fleet.conditions import SIZE, Where, begins, marks, number, paged, window, within
from addons.fleet.database import Row
from addons.fleet.mood import CANNOT_LOOK
from addons.fleet.proof import JUDGED_KINDS
from addons.fleet.query_rows import (
    AgentRow,
    Changes,
    Counts,
    FindingRow,
    NetworkRow,
    Paged,
    Place,
    ProductRow,
    Standing,
    Who,
    is_version,
)
from addons.fleet.told import ToldQueries

AgentState = Literal["", "heard", "silent", "cannot look", "intercepted", "revoked"]
AgentOrder = Literal["name", "last", "version", "network"]
_AGENT = ", ".join(f"a.{one}" for one in AgentRow._fields)
_FINDING = ", ".join(f"f.{one}" for one in FindingRow._fields[:-1]) + ", COALESCE(a.name, '')"
_FINDINGS = "FROM finding f LEFT JOIN agent a ON a.device = f.device"
# What the index finding_open covers. A finding is about one network and one subject: in a group of both, or of a
# network, one row is one agent.
_STANDS = "closed IS NULL AND kind = 'interception' AND proven = 1"
# The same, in words that no index of open findings covers: for one network its own index is the quicker one.
_STANDS_HERE = "COALESCE(closed, '') = '' AND kind = 'interception' AND proven = 1"
_AGENT_ORDERS: dict[AgentOrder, tuple[str, str]] = {
    "name": ("a.name", "ASC"),
    "last": ("a.last", "DESC"),
    "version": ("a.tlsight", "ASC"),
    "network": ("a.network", "ASC"),
}


class FleetQueries(ToldQueries):
    """What the page asks. Every verb raises StoreError.

    Args:
        database: an open one.
        now: what is due is measured by it.

    """

    async def counts(self) -> Counts:
        (silent,) = await self.one(
            "SELECT COUNT(*) FROM agent WHERE due < ? AND revoked IS NULL", self.late
        )
        (agents, revoked) = await self.one("SELECT COUNT(*), COUNT(revoked) FROM agent")
        (unsanctioned,) = await self.one(
            f"SELECT COUNT(DISTINCT device) FROM finding WHERE {_STANDS} AND sanctioned = 0"
        )
        found = await self.database.read(
            "SELECT kind, sanctioned, COUNT(*), SUM(proven) FROM finding WHERE closed IS NULL GROUP BY kind, sanctioned"
        )
        kinds: dict[str, int] = {}
        allowed = claimed = 0
        for kind, sanctioned, count, proven in found:
            stands = int(proven or 0) if kind in JUDGED_KINDS else number(count)
            claimed += number(count) - stands
            if sanctioned:
                allowed += stands
            else:
                kinds[str(kind)] = kinds.get(str(kind), 0) + stands
        gone = number(revoked)
        return Counts(
            number(agents) - gone, number(silent), gone, number(unsanctioned), allowed, kinds, claimed,
            await self.cannot_look(),
        )  # fmt: skip

    async def cannot_look(self) -> int:
        """Agents that are heard and whose last word is that they cannot look: none of them is clean."""
        rows = await self.database.read(
            f"SELECT COUNT(*) FROM agent a WHERE a.due >= ? AND a.revoked IS NULL AND {CANNOT_LOOK}",
            self.late,
        )
        return number(rows[0][0])

    async def changes(self, since: str) -> Changes:
        """Findings that opened, changed otherwise, and closed."""
        row = await self.one(
            "SELECT COUNT(CASE WHEN opened >= ? THEN 1 END), COUNT(CASE WHEN closed >= ? THEN 1 END),"
            " COUNT(CASE WHEN opened < ? AND closed IS NULL THEN 1 END) FROM finding WHERE changed >= ?",
            since, since, since, since,
        )  # fmt: skip
        return Changes(number(row[0]), number(row[2]), number(row[1]))

    async def standing(self, page: int = 1, size: int = SIZE) -> Paged[Standing]:
        """Who intercepts now; who is not allowed to, first."""
        rows = await self.database.read(
            f"{_standing()} ORDER BY CASE WHEN bad > 0 THEN 0 ELSE 1 END, 2 DESC, 1 LIMIT ? OFFSET ?",
            *window(page, size),
        )
        total = number(rows[0][-1]) if rows else 0
        return paged([_a_standing(row) for row in rows], total, page, size)

    async def standing_of(self, subject: str) -> Standing | None:
        """One of them; None where nothing of it is open."""
        rows = await self.database.read(_standing(" AND subject = ?"), subject)
        return _a_standing(rows[0]) if rows else None

    async def standing_as(self, product: str, engine: str, most: int = SIZE) -> list[Standing]:
        """Those of one product."""
        rows = await self.database.read(
            f"{_standing(' AND product = ? AND engine = ?')} ORDER BY 2 DESC, 1 LIMIT ?",
            product, engine, most,
        )  # fmt: skip
        return [_a_standing(row) for row in rows]

    async def who(self, subject: str) -> Who | None:
        """As a finding of this subject names him, an open one where there is one."""
        columns = "SELECT product, engine, category, issuer, issuer_spki FROM finding"
        for more in (f" AND {_STANDS}", ""):
            rows = await self.database.read(f"{columns} WHERE subject = ?{more} LIMIT 1", subject)
            if rows:
                return Who(*rows[0])  # type: ignore[arg-type]
        return None

    async def places(self, subject: str, most: int) -> tuple[list[Place], int]:
        """Networks in which a subject intercepts, those with the most agents; and on how many it is."""
        rows = await self.database.read(
            "SELECT f.network, COALESCE(n.label, ''), f.agents, f.total FROM"
            " (SELECT network, COUNT(*) AS agents, COUNT(*) OVER () AS total"
            f" FROM finding WHERE {_STANDS} AND subject = ? GROUP BY network ORDER BY 2 DESC, network LIMIT ?) f"
            " LEFT JOIN network n ON n.id = f.network ORDER BY 3 DESC, 1",
            subject, most,
        )  # fmt: skip
        total = number(rows[0][-1]) if rows else 0
        return [Place(*row[:-1]) for row in rows], total  # type: ignore[arg-type]

    async def named(self, text: str, most: int) -> list[tuple[str, Who]]:
        """Subjects that intercept now and whose product, engine or issuer has this text."""
        names = ("product", "engine", "issuer")
        rows = await self.database.read(
            "SELECT f.subject, f.product, f.engine, f.category, f.issuer, f.issuer_spki FROM"
            f" (SELECT subject, MIN(device) AS device FROM finding WHERE {_STANDS} GROUP BY subject) s"
            # In this order: a subject has one row to be looked up, and not each row its subject.
            f" CROSS JOIN finding f WHERE f.subject = s.subject AND f.device = s.device AND f.{_STANDS}"
            f" AND ({' OR '.join(f"LOWER(f.{one}) LIKE ? ESCAPE '!'" for one in names)}) LIMIT ?",
            *(within(text) for _ in names), most,
        )  # fmt: skip
        return list({str(row[0]): Who(*row[1:]) for row in rows}.items())  # type: ignore[arg-type]

    async def hosts_of(self, subject: str, most: int) -> list[tuple[str, int]]:
        """Hosts on which a subject was seen last, by agent; those of the most agents."""
        rows = await self.database.read(
            f"SELECT host, COUNT(*) FROM finding WHERE {_STANDS} AND subject = ?"
            " GROUP BY host ORDER BY 2 DESC, host LIMIT ?",
            subject, most,
        )  # fmt: skip
        return [(str(host), number(count)) for host, count in rows]

    async def products(self) -> list[ProductRow]:
        rows = await self.database.read(
            "SELECT product, engine, category, COUNT(DISTINCT device), COUNT(DISTINCT subject),"
            f" COUNT(DISTINCT CASE WHEN sanctioned = 0 THEN device END) FROM finding WHERE {_STANDS}"
            " GROUP BY product, engine, category ORDER BY 6 DESC, 4 DESC, product, engine LIMIT ?",
            SIZE * 4,
        )
        return [ProductRow(*row) for row in rows]  # type: ignore[arg-type]

    async def networks(self, text: str = "", page: int = 1) -> Paged[NetworkRow]:
        """Networks, those with agents that somebody intercepts against the policy first."""
        where = Where()
        if text:
            where.add("(LOWER(n.label) LIKE ? ESCAPE '!' OR n.id LIKE ? ESCAPE '!')",
                      within(text), begins(text))  # fmt: skip
        total = await self.count(f"FROM network n{where}", where.values)
        rows = await self.database.read(
            "SELECT n.id, n.label, n.first, n.last, COALESCE(f.agents, 0), COALESCE(f.bad, 0) FROM network n"
            " LEFT JOIN (SELECT network, COUNT(DISTINCT device) AS agents,"
            f" COUNT(DISTINCT CASE WHEN sanctioned = 0 THEN device END) AS bad FROM finding WHERE {_STANDS}"
            f" GROUP BY network) f ON f.network = n.id{where} ORDER BY 6 DESC, 5 DESC, n.last DESC, n.id"
            " LIMIT ? OFFSET ?",
            *where.values, *window(page, SIZE),
        )  # fmt: skip
        return paged([NetworkRow(*row) for row in rows], total, page)  # type: ignore[arg-type]

    async def network(self, id_: str) -> NetworkRow | None:
        rows = await self.database.read(
            "SELECT id, label, first, last,"
            f" (SELECT COUNT(DISTINCT device) FROM finding WHERE network = n.id AND {_STANDS_HERE}),"
            f" (SELECT COUNT(DISTINCT device) FROM finding WHERE network = n.id AND {_STANDS_HERE} AND sanctioned = 0)"
            " FROM network n WHERE id = ?",
            id_,
        )
        return NetworkRow(*rows[0]) if rows else None  # type: ignore[arg-type]

    async def labels(self, ids: Sequence[str]) -> dict[str, str]:
        """Labels of these networks; those without one are left out."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        rows = await self.database.read(
            f"SELECT id, label FROM network WHERE label <> '' AND id IN ({marks(wanted)})", *wanted
        )
        return {str(id_): str(label) for id_, label in rows}

    async def label(self, id_: str, label: str) -> None:
        """What people call a network."""
        await self.database.write([("UPDATE network SET label = ? WHERE id = ?", [(label, id_)])])

    async def subjects_in(self, network: str, most: int) -> list[Standing]:
        """Who intercepts in a network."""
        rows = await self.database.read(
            f"{_standing(' AND network = ?', _STANDS_HERE)} ORDER BY 4 DESC, 2 DESC, 1 LIMIT ?",
            network, most,
        )  # fmt: skip
        return [_a_standing(row) for row in rows]

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
        where = Where()
        if text:
            where.add("(LOWER(a.name) LIKE ? ESCAPE '!' OR a.device LIKE ? ESCAPE '!')",
                      within(text), begins(text))  # fmt: skip
        if state in ("silent", "heard"):
            where.add(f"a.due {'<' if state == 'silent' else '>='} ?", self.late)
        if state:  # each but one is of agents that are none
            where.add(f"a.revoked IS {'NOT ' if state == 'revoked' else ''}NULL")
        if state == "intercepted":
            where.add(
                f"a.device IN (SELECT device FROM finding WHERE {_STANDS} AND sanctioned = 0)"
            )
        if state == "cannot look":
            where.add(f"a.due >= ? AND {CANNOT_LOOK}", self.late)
        if version:
            where.add("a.tlsight = ?", version)
        if network:
            where.add("a.network = ?", network)
        column, way = _AGENT_ORDERS[order]
        if backwards:
            way = "ASC" if way == "DESC" else "DESC"
        total = await self.count(f"FROM agent a{where}", where.values)
        rows = await self.database.read(
            f"SELECT {_AGENT} FROM agent a{where} ORDER BY {column} {way}, a.device LIMIT ? OFFSET ?",
            *where.values, *window(page, SIZE),
        )  # fmt: skip
        return paged([AgentRow(*row) for row in rows], total, page)  # type: ignore[arg-type]

    async def agent(self, device: str) -> AgentRow | None:
        rows = await self.database.read(f"SELECT {_AGENT} FROM agent a WHERE device = ?", device)
        return AgentRow(*rows[0]) if rows else None  # type: ignore[arg-type]

    async def some_agents(self, most: int, network: str = "") -> list[str]:
        """Devices that were heard of as they should be, drawn by chance."""
        where = Where()
        where.add("due >= ? AND revoked IS NULL", self.late)
        if network:
            where.add("network = ?", network)
        rows = await self.database.read(
            f"SELECT device FROM agent{where} ORDER BY RANDOM() LIMIT ?", *where.values, most
        )
        return [str(device) for (device,) in rows]

    async def unsanctioned_on(self, devices: Sequence[str]) -> dict[str, int]:
        """Open interceptions that no policy allows, by device."""
        if not devices:
            return {}
        rows = await self.database.read(
            f"SELECT device, COUNT(*) FROM finding WHERE {_STANDS} AND sanctioned = 0"
            f" AND device IN ({marks(devices)}) GROUP BY device",
            *devices,
        )
        return {str(device): number(count) for device, count in rows}

    async def versions(self) -> list[str]:
        """Of the program, those of the most agents first."""
        rows = await self.database.read(
            "SELECT tlsight, COUNT(*) FROM agent GROUP BY tlsight ORDER BY 2 DESC, 1 LIMIT 200"
        )
        return [str(version) for version, _ in rows if is_version(str(version))][:30]

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
        where = Where()
        if state:
            where.add(f"f.closed IS {'' if state == 'open' else 'NOT '}NULL")
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
            where.add("f.host LIKE ? ESCAPE '!'", within(host))  # hosts are kept in lower case
        total = await self.count(f"FROM finding f{where}", where.values)
        chosen = str(where)
        if not (device or subject or network):
            # Else SQLite would sort all that are open, where the index by time has a page of them at once.
            chosen = chosen.replace("f.closed IS NULL", "COALESCE(f.closed, '') = ''")
        # Keys alone within: they are in the index, and the rows of one page are all that is looked up.
        rows = await self.database.read(
            f"SELECT {_FINDING} FROM (SELECT f.device, f.id FROM finding f{chosen}"
            " ORDER BY f.changed DESC, f.device, f.id LIMIT ? OFFSET ?) k"
            " JOIN finding f ON f.device = k.device AND f.id = k.id LEFT JOIN agent a ON a.device = f.device"
            " ORDER BY f.changed DESC, f.device, f.id",
            *where.values, *window(page, size),
        )  # fmt: skip
        return paged([FindingRow(*row) for row in rows], total, page, size)  # type: ignore[arg-type]

    async def finding(self, device: str, id_: str) -> FindingRow | None:
        rows = await self.database.read(
            f"SELECT {_FINDING} {_FINDINGS} WHERE f.device = ? AND f.id = ?", device, id_
        )
        return FindingRow(*rows[0]) if rows else None  # type: ignore[arg-type]


def _standing(more: str = "", stands: str = _STANDS) -> str:
    """By subject, in one pass: a subject may be on every agent."""
    return (
        "SELECT subject, agents, findings, bad, since, COUNT(*) OVER () FROM"
        " (SELECT subject, COUNT(DISTINCT device) AS agents, COUNT(*) AS findings,"
        " COUNT(DISTINCT CASE WHEN sanctioned = 0 THEN device END) AS bad, MIN(opened) AS since"
        f" FROM finding WHERE {stands}{more} GROUP BY subject) s"
    )


def _a_standing(row: Row) -> Standing:
    return Standing(*row[:-1])  # type: ignore[arg-type]
