"""A centre and gateways over a folder, each with a store of its own; a round is a call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from addons.bypass.attempt import Attempt
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from addons.sync.centre import Centre, CentreRound
from addons.sync.enrolment import Enrolment, enrol, enrolled
from addons.sync.gateway import Gateway, Round
from addons.sync.shelf import FolderShelf
from tests.addons.conftest import Clock
from tests.addons.learning_attacks import refuses, trusts

OPEN: list[BypassStore] = []


def close_all() -> None:
    """Every store that was opened here."""
    while OPEN:
        OPEN.pop().close()


def both(centre: CentrePlace, *gateways: GatewayPlace) -> None:
    """Until everybody has heard of everything."""
    for _ in range(3):
        for one in gateways:
            one.round()
        centre.round()


class CentrePlace:
    """A centre in a folder, with the shelf below it."""

    def __init__(self, folder: Path, clock: Clock, shelf: Path | None = None) -> None:
        self.clock = clock
        self.path = folder / "centre.sqlite3"
        self.shelf = shelf or folder / "shelf"
        self.shelf.mkdir(parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        self.open()

    def open(self) -> None:
        """Again, as another process would."""
        self.store = BypassStore(self.path, self.clock)
        OPEN.append(self.store)
        shelf = FolderShelf(self.shelf)
        self.centre = Centre(self.store, shelf, lambda: enrolled(self.path), self.clock)

    def round(self) -> CentreRound:
        return asyncio.run(self.centre.round())

    def passes(self, *hosts: str) -> None:
        for host in hosts:
            self.store.add_rule(RuleRow(host=host))

    def enrol(self, name: str, site: str | None = None) -> Enrolment:
        self.store.note("enrol", name, {})
        key = self.store.trail.seal.public_key()
        assert key is not None
        return Enrolment(name, key, enrol(self.path, name, site), str(self.shelf))

    @property
    def candidates(self) -> list[str]:
        return sorted(one.candidate.host for one in self.store.candidates("pending"))

    def count(self, host: str) -> int:
        return len(list(self.store.traffic.attempts(host)))


class GatewayPlace:
    """A gateway in a folder."""

    def __init__(self, folder: Path, clock: Clock, enrolment: Enrolment) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        self.path = folder / f"{enrolment.name}.sqlite3"
        self.enrolment = enrolment
        self.open()

    def open(self) -> None:
        """Again, as another process would."""
        self.store = BypassStore(self.path, self.clock)
        OPEN.append(self.store)
        shelf = FolderShelf(Path(self.enrolment.shelf))
        self.gateway = Gateway(self.store, shelf, self.enrolment, self.clock)

    def round(self) -> Round:
        return asyncio.run(self.gateway.round())

    def sees(self, attempts: Iterable[Attempt]) -> None:
        self.store.traffic.write(list(attempts), [])

    @property
    def patterns(self) -> set[str]:
        return {one.rule.pattern for one in self.store.rules()}


def pinned(host: str, *clients: str, at: datetime, times: int = 3) -> list[Attempt]:
    """Clients that trust the proxy elsewhere and refuse it there."""
    found = [trusts(client, at) for client in clients]
    for turn in range(times):
        later = at + timedelta(seconds=turn)
        found += [refuses(client, later, host) for client in clients]
    return found
