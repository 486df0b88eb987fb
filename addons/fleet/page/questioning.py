"""Asking agents from the page: over the bus, as the fleet's own keeper.

The question is in the database before it is on the bus: the collector takes answers to questions that are known alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from addons.fleet import lists
from addons.fleet.conditions import stamp
from addons.fleet.database import open_database
from addons.fleet.home import FleetHome
from addons.fleet.keeper import Keeper
from addons.fleet.members import Members
from addons.fleet.queries import FleetQueries
from addons.fleet.serving import servers_of
from detector.errors import ConfigError
from detector.model.targets import split_port
from detector.net.nats_link import dial

# As long as a laptop that was shut for lunch is waited for.
_OPEN = timedelta(hours=1)


class BusAsk:
    """Asks; see addons.fleet.page.look.Ask.

    Args:
        home: the fleet's folder, whose keys sign what is asked.
        database: where the question is kept.
        now: the clock.
        say: takes a line about the bus.

    """

    def __init__(
        self,
        home: FleetHome,
        database: str,
        now: Callable[[], datetime],
        say: Callable[[str], None],
    ) -> None:
        self._home = home
        self._database = database
        self._now = now
        self._say = say

    async def __call__(self, host: str, agents: int, network: str, by: str) -> str:
        """The question's id. Raises ConfigError, FetchError, StoreError."""
        now = self._now()
        name, port = split_port(host)
        question = lists.fresh_question(name.strip("[]"), port or 443, now + _OPEN)
        members = Members(self._home.members)
        try:
            _, local = servers_of(members)
            keeper = Keeper(self._home, members, (local,), self._home.ca(), 0, self._now, self._say)
            database = await open_database(self._database)
            try:
                devices = await FleetQueries(database, now).some_agents(agents, network)
                if not devices:
                    raise ConfigError("agents", "none was heard of lately that could be asked")
                link = await dial(keeper.login())
                try:
                    row = (
                        question.id,
                        host,
                        stamp(now),
                        stamp(now + _OPEN),
                        by,
                        len(devices),
                        network,
                    )
                    await database.write(
                        [("INSERT INTO question VALUES (?, ?, ?, ?, ?, ?, ?)", [row])]
                    )
                    await lists.ask(link, devices, question, self._home.keys.signer, now)
                finally:
                    await link.close()
            finally:
                await database.close()
        finally:
            members.close()
        return question.id
