"""A small fleet whose every event is real: leaves that somebody minted, judged here, taken and kept as the collector does."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from addons.fleet.database import FleetDatabase
from addons.fleet.page.again import Judge
from addons.fleet.proving import prove
from addons.fleet.rows import kept, statements
from addons.fleet.sqlite_database import open_sqlite
from addons.fleet.taking import Taken, take
from detector.api import default_knowledge
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority
from detector.model.observation import Handshake, Judgement, Observation, Target
from detector.report.check_json import check_record
from detector.report.event_json import (
    EVENT_SCHEMA,
    DeviceRecord,
    EventKind,
    EventRecord,
    FindingKind,
    FindingRecord,
    HeartbeatRecord,
    NetworkRecord,
    NoticeRecord,
    SinkRecord,
    VersionsRecord,
    encode_event,
)

HOSTS = ("www.google.com", "github.com", "www.wikipedia.org")


class Gateway(NamedTuple):
    """Somebody who intercepts: a CA's names."""

    name: str
    organization: str


ZSCALER = Gateway("Zscaler Intermediate Root CA (zscalertwo.net)", "Zscaler Inc.")
FORTINET = Gateway("FGT60FTK20012345", "Fortinet")
KASPERSKY = Gateway("Kaspersky Anti-Virus Personal Root Certificate", "AO Kaspersky Lab")
WIFI = Gateway("Free WiFi Root CA", "Lounge Networks")


@cache
def knowledge() -> Knowledge:
    return default_knowledge(local=False)


@cache
def seen(gateway: Gateway, at: datetime) -> tuple[tuple[Judgement, ...], str]:
    """What is seen behind it, on three sites that everybody knows; and its key's digest."""
    ca = Authority(gateway.name, organization=gateway.organization, profile=False, now=at)
    shown = [
        Observation(
            at=at, target=Target(host, ip="142.250.0.1", sni=host), chain=(ca.issue(host).der, ca.der),
            handshake=Handshake(True, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519", "h2"),
        )
        for host in HOSTS
    ]  # fmt: skip
    return tuple(judge_all(shown, knowledge())), hashlib.sha256(ca.spki).hexdigest()


def digest(*words: object) -> str:
    """An id that is the same for the same words."""
    return hashlib.sha256("\0".join(map(str, words)).encode()).hexdigest()[:32]


class Story:
    """Events of a fleet, told to a database.

    Args:
        now: of the last one.

    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.told: list[Taken] = []

    def tell(
        self,
        agent: str,
        kind: EventKind,
        *,
        ago: timedelta = timedelta(),
        network: str = "",
        **more: object,
    ) -> str:
        """One event; its id."""
        at = self.now - ago
        event = EventRecord(
            schema=EVENT_SCHEMA, id=digest(agent, kind, at, len(self.told)), kind=kind, at=at,
            device=DeviceRecord(digest(agent), agent, "linux"), versions=VersionsRecord("3.1.0", digest("tables")),
            network=NetworkRecord(digest(network)) if network else None, run=digest(agent, at),
            **more,  # type: ignore[arg-type]
        )  # fmt: skip
        subject = f"tlsight.event.{event.device.id}"
        taken = take(subject, encode_event(event), at, timedelta(days=90))
        assert isinstance(taken, Taken), taken
        self.told.append(taken)
        return event.id

    def behind(
        self,
        agent: str,
        gateway: Gateway,
        network: str,
        *,
        ago: timedelta,
        kind: FindingKind = "interception",
        sanctioned: bool = False,
        closed: timedelta | None = None,
    ) -> tuple[str, str]:
        """An agent that finds a gateway; the finding's id, and the event's."""
        judged, key = seen(gateway, self.now - timedelta(days=9))
        first = replace(judged[0], sanctioned=sanctioned)
        finding = FindingRecord(
            id=digest(agent, gateway, network, kind), kind=kind, subject=f"spki:{key}", opened=self.now - ago,
            seen=self.now - (closed or timedelta(minutes=4)), hosts=tuple(f"{host}:443" for host in HOSTS), host_count=3,
        )  # fmt: skip
        event = self.tell(
            agent, "opened", ago=ago, network=network, finding=finding, sanctioned=sanctioned,
            check=check_record(first), observation=first.observation,
        )  # fmt: skip
        if closed is not None:
            self.tell(
                agent, "closed", ago=closed, network=network, finding=finding, changes=("not seen in three runs",)
            )  # fmt: skip
        return finding.id, event

    def lives(
        self,
        agent: str,
        network: str,
        *,
        ago: timedelta = timedelta(minutes=3),
        every: float = 900.0,
    ) -> None:
        """A heartbeat."""
        beat = HeartbeatRecord(
            up=86_400.0, every=every, checked=60, inconclusive=2, cpu=0.42, sent=51_300, memory=48 << 20,
            lists={"canaries": 7, "policy": 3}, sinks=(SinkRecord("nats", 0), SinkRecord("syslog", 3, "refused")),
        )  # fmt: skip
        self.tell(agent, "heartbeat", ago=ago, network=network, heartbeat=beat)

    async def keep(self, path: Path) -> FleetDatabase:
        """The open database with all of it."""
        database = await open_sqlite(path)
        await self.tell_to(database)
        return database

    async def tell_to(self, database: FleetDatabase) -> None:
        batch = sorted(self.told, key=lambda one: one.at)
        await database.write(statements([kept(one, HOSTS) for one in batch], []))
        await prove(database, Judge(knowledge))


def everyday(now: datetime, laptops: int = 48) -> Story:
    """An allowed gateway at work; a hotel's, an airport's and a virus scanner's that are not; some silent."""
    story, hour, day = Story(now), timedelta(hours=1), timedelta(days=1)
    for n in range(laptops):
        name = f"lap-{n:04}"
        place = ("Berlin office", "Lisbon office", f"home of {name}")[n % 3]
        story.lives(name, place, ago=30 * hour if n % 11 == 10 else timedelta(minutes=1 + n % 9))
        story.behind(name, ZSCALER, place, ago=20 * day + n * hour, sanctioned=True)
    for n in range(9):
        story.lives(f"lap-{100 + n:04}", "lounge")
        story.behind(f"lap-{100 + n:04}", WIFI, "lounge", ago=(3 + n) * hour)
    for n in range(4):
        story.lives(f"lap-{120 + n:04}", "hotel")
        story.behind(f"lap-{120 + n:04}", FORTINET, "hotel", ago=day + n * hour)
    story.lives("lap-0130", "home of ann")
    story.behind("lap-0130", KASPERSKY, "home of ann", ago=4 * day)
    story.lives("lap-0131", "hotel")
    story.behind("lap-0131", FORTINET, "hotel", ago=9 * hour, closed=2 * hour)
    story.tell(
        "lap-0131", "notice", ago=2 * hour, network="hotel",
        notice=NoticeRecord("portal-left", "the captive portal lets traffic through"),
    )  # fmt: skip
    return story
