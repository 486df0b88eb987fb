"""Who stands in a sink's own connection, and how often that is asked."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from detector.agent.sinks import SinkError, Surroundings
from detector.agent.sinks.standing import Standing, looked_at
from detector.model.observation import Observation, Target
from tests.agent.sample_events import NOON

SEEN = Observation(NOON, Target("siem.example"), chain=(b"leaf", b"gateway"))
OTHER = Observation(NOON, Target("siem.example"), chain=(b"leaf", b"own"))


class Judge:
    def __init__(self) -> None:
        self.now = NOON
        self.asked: list[Observation] = []
        self.who: str | None = "Example Gateway"

    def around(self, path: Path) -> Surroundings:
        def now() -> datetime:
            return self.now

        return Surroundings("d" * 32, path, now, print, self.look)

    def look(self, seen: Observation) -> str | None:
        self.asked.append(seen)
        return self.who if seen is SEEN else None


def test_who_stands_there_ends_the_delivery_and_is_named(tmp_path: Path) -> None:
    judge = Judge()
    standing = Standing(judge.around(tmp_path), through=False)
    standing.look(OTHER)
    for _ in range(2):
        with pytest.raises(
            SinkError, match=r"siem\.example is intercepted by Example Gateway"
        ) as it:
            standing.look(SEEN)
        assert it.value.seen is SEEN
        assert "through-interceptor" in it.value.remedy
    assert judge.asked == [OTHER, SEEN]


def test_a_policy_that_allows_it_meanwhile_counts_within_the_hour(tmp_path: Path) -> None:
    judge = Judge()
    standing = Standing(judge.around(tmp_path), through=False)
    with pytest.raises(SinkError):
        standing.look(SEEN)
    judge.who = None
    judge.now += timedelta(hours=1)
    standing.look(SEEN)
    judge.now -= timedelta(days=400)  # a clock that was set back keeps no old word for ever
    standing.look(SEEN)
    assert len(judge.asked) == 3


def test_where_the_settings_say_so_it_is_told_and_delivered_all_the_same(tmp_path: Path) -> None:
    judge = Judge()
    Standing(judge.around(tmp_path), through=True).look(SEEN)
    assert judge.asked == [SEEN]


def test_a_second_look_that_shows_nothing_is_no_evidence() -> None:
    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async def main() -> SinkError:
        server = await asyncio.start_server(closes, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        error = await looked_at("127.0.0.1", port, NOON, text="not trusted")
        server.close()
        return error

    error = asyncio.run(main())
    assert (str(error), error.seen) == ("not trusted", None)
