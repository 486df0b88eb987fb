"""What is said of a whole fleet: each kind where it holds, and nothing at all of innocent fleets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from addons.fleet.correlated import correlate_now
from addons.fleet.database import FleetDatabase, open_database
from addons.fleet.overview import Correlation
from detector.report.event_json import EventRecord, NetworkRecord
from tests.fleet.keeping import keep
from tests.fleet.telling import DAY, HOUR, MINUTE, START, finding, heartbeat, network

CANARIES = frozenset(("www.google.com", "www.example.org"))
OFFICE = network("office")
# Agents that are there a week before anything happens.
EARLY = START - 8 * DAY


def said(tmp_path: Path, events: Iterable[EventRecord], at: datetime) -> list[Correlation]:
    """What is said at one time of all that was told before."""

    async def run(database: FleetDatabase) -> list[Correlation]:
        await keep(database, sorted(events, key=lambda one: one.at), canaries=CANARIES)
        return await correlate_now(database, at)

    return with_database(tmp_path, run)


def with_database[T](tmp_path: Path, run: Callable[[FleetDatabase], Awaitable[T]]) -> T:
    async def whole() -> T:
        # In memory where there is such a place: weeks are played here, and every commit is flushed.
        with TemporaryDirectory(
            dir="/dev/shm" if Path("/dev/shm").is_dir() else tmp_path
        ) as folder:
            database = await open_database(f"{folder}/fleet.sqlite3")
            try:
                return await run(database)
            finally:
                await database.close()

    return asyncio.run(whole())


def kinds(found: Sequence[Correlation]) -> dict[str, int]:
    """Kind and number of agents."""
    return {one.kind: one.agents for one in found}


def alive(
    devices: Iterable[object], at: datetime, where: NetworkRecord | None = OFFICE
) -> list[EventRecord]:
    return [heartbeat(one, at, where=where) for one in devices]


@pytest.mark.parametrize(
    ("agents", "met", "told"),
    [(3, 3, True), (4, 2, False), (14, 3, True), (20, 3, False), (200, 10, True), (200, 9, False)],
)
def test_an_issuer_is_told_that_many_on_one_network_meet(
    agents: int, met: int, told: bool, tmp_path: Path
) -> None:
    events = alive(range(agents), START) + [finding(n, where=OFFICE) for n in range(met)]
    found = said(tmp_path, events, START + HOUR)
    assert kinds(found) == ({"issuer-on-network": met} if told else {})


def test_a_sanctioned_gateway_a_portal_and_antivirus_of_each_machine_are_none(
    tmp_path: Path,
) -> None:
    events = alive(range(30), START)
    events += [finding(n, where=OFFICE, sanctioned=True) for n in range(30)]
    events += [
        finding(n, where=OFFICE, key=f"own {n}", product="AV", category="antivirus")
        for n in range(10)
    ]
    events += [finding(n, at=START + 55 * MINUTE, where=OFFICE, key="portal") for n in range(30)]
    assert said(tmp_path, events, START + HOUR) == []


def test_a_key_at_two_places_is_told_where_agents_differ(tmp_path: Path) -> None:
    events = [finding(1, where=OFFICE), finding(2, where=network("branch"))]
    (found,) = said(tmp_path, events, START + HOUR)
    assert (found.kind, found.agents, len(found.networks)) == ("key-at-places", 2, 2)


@pytest.mark.parametrize(
    "second",
    [
        network("branch", gateway=OFFICE.gateway or ""),
        network("other", ssid="same wireless name"),
    ],
)
def test_two_networks_of_one_place_are_no_two_places(second: NetworkRecord, tmp_path: Path) -> None:
    first = network("office", ssid="same wireless name")
    events = [finding(1, where=first), finding(2, where=second)]
    assert said(tmp_path, events, START + HOUR) == []


def test_a_laptop_that_carries_its_proxy_with_it_is_no_key_at_places(tmp_path: Path) -> None:
    events = [finding(1, where=network(n)) for n in range(9)] + [finding(2, where=network(3))]
    assert said(tmp_path, events, START + HOUR) == []


def test_a_product_that_more_agents_meet_every_day_is_a_rollout(tmp_path: Path) -> None:
    events = alive(range(30), EARLY, None)
    events += [
        finding(n, at=START + n * 12 * HOUR, where=network(n), key=f"own {n}", product="AV", category="antivirus")
        for n in range(8)
    ]  # fmt: skip
    assert kinds(said(tmp_path, events, START + 5 * DAY)) == {"rollout": 8}


def test_agents_that_are_installed_with_their_antivirus_are_no_rollout(tmp_path: Path) -> None:
    events = []
    for n in range(20):
        at = START + n * 6 * HOUR
        events += alive([n], at, network(n))
        events += [finding(n, at=at + MINUTE, where=network(n), key=f"own {n}", product="AV", category="antivirus")]  # fmt: skip
    assert said(tmp_path, events, START + 5 * DAY) == []


@pytest.mark.parametrize(("days", "lifetime", "told"), [(20, 3650, True), (40, 3650, False)])
def test_an_interceptors_end_is_told_a_month_ahead_also_of_a_sanctioned_one(
    days: int, lifetime: int, told: bool, tmp_path: Path
) -> None:
    until = START + days * DAY
    events = [finding(n, where=OFFICE, sanctioned=True, until=until) for n in range(3)]
    found = said(tmp_path, events, START + HOUR)
    assert kinds(found) == ({"expiry": 3} if told else {})


def test_a_canary_intercepted_in_one_place_only_is_told(tmp_path: Path) -> None:
    events = [finding(n, where=OFFICE, host="www.google.com") for n in range(2)]
    late = START + 30 * MINUTE
    elsewhere = [heartbeat(n, late, where=network(n % 4)) for n in range(2, 14)]
    assert kinds(said(tmp_path, events + elsewhere, START + HOUR)) == {"one-place": 2}


@pytest.mark.parametrize("doubt", ["one agent", "few", "earlier", "judged nothing", "elsewhere too", "an ordinary gateway"])  # fmt: skip
def test_one_place_is_not_told_where_nobody_can_tell(doubt: str, tmp_path: Path) -> None:
    at = START - HOUR if doubt == "earlier" else START + 30 * MINUTE
    checked = 0 if doubt == "judged nothing" else 12
    many = range(2, 6 if doubt == "few" else 14)
    met = range(1 if doubt == "one agent" else 2)
    events = [finding(n, where=OFFICE, host="www.google.com") for n in met]
    events += [heartbeat(n, at, where=network(n % 4), checked=checked) for n in many]
    if doubt == "elsewhere too":
        events += [finding(3, where=network(3), host="www.google.com", key="other")]
    if doubt == "an ordinary gateway":
        events += [
            finding(1, at=START + n * MINUTE, where=OFFICE, host=host, key=f"k{n}")
            for n, host in enumerate(
                ("github.com", "www.wikipedia.org", "www.debian.org", "pypi.org")
            )
        ]
    assert said(tmp_path, events, START + HOUR) == []


def test_an_interceptor_that_spares_the_canaries_is_told(tmp_path: Path) -> None:
    events = [finding(n, where=OFFICE, host="github.com", spares=True) for n in range(2)]
    assert kinds(said(tmp_path, events, START + HOUR)) == {"spares-canaries": 2}


def test_one_that_showed_itself_on_a_canary_anywhere_spares_none(tmp_path: Path) -> None:
    events = [finding(n, where=OFFICE, host="github.com", spares=True) for n in range(2)]
    events += [finding(0, where=network("home"), host="www.google.com")]
    assert said(tmp_path, events, START + HOUR) == []


def silence(tmp_path: Path, *, dark_before: bool, others: int = 10) -> dict[str, int]:
    """Ten agents that are always on for the days that it takes, then all fall silent; `others` live on elsewhere."""
    hours = 7 * 24 + 2

    def beats(
        agents: Iterable[int], at: datetime, where: str | NetworkRecord, apart: timedelta
    ) -> list[EventRecord]:
        place = where if isinstance(where, NetworkRecord) else network(where)
        return [heartbeat(n, at + n * apart, where=place, every=3600.0) for n in agents]

    async def run(database: FleetDatabase) -> dict[str, int]:
        there = range(20, 20 + others)
        for hour in range(hours):
            at = START + hour * HOUR
            night = dark_before and at.hour >= 18
            here = [] if night else beats(range(10), at, OFFICE, MINUTE / 2)
            await keep(database, here + beats(there, at, "b", 0 * MINUTE))
            assert await correlate_now(database, at + 5 * MINUTE) == []
        end = START + (hours + 2) * HOUR
        for minutes in range(-115, 1, 5):  # some are overdue before the others are
            at = end + minutes * MINUTE
            await keep(database, beats(there, at, "b", 0 * MINUTE))
            if minutes < 0:
                await correlate_now(database, at)
        found = await correlate_now(database, end + MINUTE)
        # It still holds an hour later, though by then the network is known to be dark.
        later = await correlate_now(database, end + 40 * MINUTE)
        assert kinds(found) == kinds(later)
        return kinds(found)

    return with_database(tmp_path, run)


def test_agents_that_fall_silent_together_are_told_where_that_never_happens(
    tmp_path: Path,
) -> None:
    assert silence(tmp_path, dark_before=False) == {"silent-together": 10}


def test_an_office_that_goes_home_every_evening_is_not(tmp_path: Path) -> None:
    assert silence(tmp_path, dark_before=True) == {}


def test_a_bus_that_hears_nobody_is_no_silence_of_agents(tmp_path: Path) -> None:
    assert silence(tmp_path, dark_before=False, others=0) == {}


def test_many_that_meet_something_within_an_hour_are_told(tmp_path: Path) -> None:
    events = alive(range(40), EARLY, None)
    events += [
        finding(n, at=START + n * MINUTE, where=network(n), key=f"own {n}", product="AV", category="antivirus")
        for n in range(12)
    ]  # fmt: skip
    assert kinds(said(tmp_path, events, START + HOUR)) == {"mass-change": 12}


@pytest.mark.parametrize("ours", ["tables", "lists", "enrolment", "met before"])
def test_what_we_changed_ourselves_is_no_mass_change(ours: str, tmp_path: Path) -> None:
    import msgspec

    from detector.report.event_json import VersionsRecord

    early = START - 2 * HOUR
    events: list[EventRecord] = []
    if ours != "enrolment":
        events += alive(range(40), EARLY, None)
    if ours == "tables":
        events += [
            msgspec.structs.replace(one, versions=VersionsRecord("1.0", "t2"))
            for one in alive(range(40), early, None)
        ]
    if ours == "lists":
        events += [heartbeat(n, early, lists={"canaries": 7}) for n in range(40)]
    for n in range(40):
        if ours == "met before":
            more = {
                "where": network(n),
                "product": "AV",
                "category": "antivirus",
                "key": f"own {n}",
            }
            events += [finding(n, at=EARLY + n * HOUR, **more)]
            events += [finding(n, "closed", at=EARLY + n * HOUR + HOUR, bare=True, where=network(n), key=f"own {n}")]  # fmt: skip
        told = finding(n, at=START + n * MINUTE, where=network(n), key=f"own {n}", product="AV", category="antivirus")  # fmt: skip
        if ours == "tables":
            told = msgspec.structs.replace(told, versions=VersionsRecord("1.0", "t2"))
        events.append(told)
    found = said(tmp_path, events, START + HOUR)
    assert "mass-change" not in kinds(found)


class InnocentFleet:
    """Laptops of a firm: an office with a sanctioned gateway, homes, a café with a portal, hotels; antivirus on each with
    a key of its own; some are installed and some retired as the days go by; in the evening all are closed.
    """

    def __init__(self, seed: int, laptops: int, days: int) -> None:
        self.chance = random.Random(seed)
        self.days = days
        self.first_day = {n: 0 if self.chance.random() < 0.7 else self.chance.randrange(days) for n in range(laptops)}  # fmt: skip
        self.last_day = {n: days if self.chance.random() < 0.9 else self.chance.randrange(days) for n in range(laptops)}  # fmt: skip
        self.antivirus = {n for n in range(laptops) if self.chance.random() < 0.5}
        self.developer = self.chance.randrange(laptops)
        self.told: set[tuple[int, str, str]] = set()

    def hour(self, at: datetime) -> list[EventRecord]:
        """What is told in one hour."""
        day = (at - START).days
        found: list[EventRecord] = []
        for n in self.first_day:
            works = self.first_day[n] <= day < self.last_day[n] and 9 <= at.hour < 18
            if not works or (at.weekday() >= 5 and self.chance.random() < 0.9):
                continue
            found += self._laptop(n, at + timedelta(seconds=self.chance.randrange(1800)))
        return found

    def _laptop(self, n: int, at: datetime) -> list[EventRecord]:
        lot = self.chance.random()
        place = "office" if lot < 0.5 else f"home {n}" if lot < 0.85 else self.chance.choice(["café", "hotel a", "hotel b"])  # fmt: skip
        where = network(place)
        found: list[EventRecord] = [heartbeat(n, at, where=where, every=3600.0)]
        if place == "office":
            found += self._once(n, place, "gateway", at, product="Corp Gate", category="enterprise-gateway", sanctioned=True)  # fmt: skip
        if n in self.antivirus:
            found += self._once(n, place, f"antivirus {n}", at, product="AV", category="antivirus")
        if n == self.developer:
            found += self._once(n, place, "developer", at, product="Debugger", category="debugging-proxy", host="www.google.com")  # fmt: skip
        if place == "café":
            end = at + 4 * MINUTE
            found += [
                finding(n, at=at, where=where, key="portal", host="www.google.com"),
                finding(n, "closed", end, where=where, key="portal", opened=at, bare=True),
            ]
        return found

    def _once(
        self, n: int, place: str, key: str, at: datetime, **judged: object
    ) -> list[EventRecord]:
        if (n, place, key) in self.told:
            return []
        self.told.add((n, place, key))
        return [finding(n, at=at, where=network(place), key=key, **judged)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("seed", "laptops", "days"), [(0, 6, 10), (1, 30, 9)])
def test_nothing_is_said_of_an_innocent_fleet(
    seed: int, laptops: int, days: int, tmp_path: Path
) -> None:
    fleet = InnocentFleet(seed, laptops, days)

    async def run(database: FleetDatabase) -> None:
        for hour in range(days * 24):
            at = START.replace(hour=0) + hour * HOUR
            events = sorted(fleet.hour(at), key=lambda one: one.at)
            if events:
                await keep(database, events, canaries=CANARIES)
            assert await correlate_now(database, at + 35 * MINUTE) == []

    with_database(tmp_path, run)
