"""How an agent fares, read from its state without touching it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detector import clock
from detector.agent import budget, spool
from detector.agent.findings import Place, stands_here
from detector.agent.identity import kept
from detector.agent.mood import Mood
from detector.agent.settings import find, load
from detector.agent.state import AgentState, is_alone
from detector.agent.store import FILE, open_store
from detector.errors import ConfigError, StoreError
from detector.knowledge.database import Database
from detector.report.agent_json import AgentStatusRecord, StandingRecord, UseRecord
from detector.report.event_json import EventRecord, NetworkRecord, SinkRecord

_REMEDY = "start one with tlsight agent run, or name its folder in STATE_DIRECTORY"


def status(environment: Mapping[str, str], folder: Path, named: Path | None) -> AgentStatusRecord:
    """Raises StoreError where there is no state, or it cannot be read."""
    database = _database(folder)
    try:
        state = AgentState(database)
        network = state.record("network", NetworkRecord)
        who = kept(folder)
        device = state.fact("device") or (who.device if who is not None else "")
        found = state.findings()
        here = {held.id for held in stands_here(found, Place(device, network))}
        return AgentStatusRecord(
            at=clock.now(), running=not is_alone(folder), device=device,
            settings=_settings(environment, named), network=network,
            last_run=state.moment("last-run"), next_run=state.moment("next-run"),
            findings=tuple(
                StandingRecord(held.record, held.id in here, held.sanctioned, held.who)
                for held in sorted(found.values(), key=lambda one: one.record.opened, reverse=True)
                if held.is_open
            ),
            sinks=_sinks(database), use=_use(state, environment, named), lists=state.serials(),
            lost=int(state.fact("lost") or 0), **_mood(state),
        )  # fmt: skip
    finally:
        database.close()


def events(folder: Path, most: int) -> tuple[EventRecord, ...]:
    """The newest that are kept, the oldest of them first. Raises StoreError."""
    database = _database(folder)
    try:
        return spool.latest(database, most)
    finally:
        database.close()


def _database(folder: Path) -> Database:
    path = folder / FILE
    if not path.exists():
        raise StoreError(str(folder), "there is no agent's state here", remedy=_REMEDY)
    return open_store(path, read_only=True)


def _mood(state: AgentState) -> dict[str, Any]:
    mood = state.record("mood", Mood)
    return {} if mood is None else {"mood": mood.word, "mood_since": mood.since}


def _settings(environment: Mapping[str, str], named: Path | None) -> str | None:
    path = find(environment, named)
    return str(path) if path is not None else None


def _sinks(database: Database) -> tuple[SinkRecord, ...]:
    try:
        names = [
            str(name) for (name,) in database.db.execute("SELECT name FROM sink ORDER BY name")
        ]
    except sqlite3.Error as error:
        raise database.failure(error) from None
    return tuple(
        SinkRecord(name, spool.waiting(database, name), spool.trouble(database, name)[0])
        for name in names
    )


def _use(state: AgentState, environment: Mapping[str, str], named: Path | None) -> UseRecord | None:
    use = state.record("use", budget.Use)
    if use is None:
        return None
    try:
        limits = load(find(environment, named)).limits
    except ConfigError:  # who looks on may not be let to read the settings
        limits = budget.Limits()
    return UseRecord(use.since, round(use.cpu, 2), limits.seconds, use.traffic, limits.traffic)
