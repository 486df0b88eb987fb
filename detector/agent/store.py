"""The agent's database: who it is, what stands, what is still to be told. One file, so that a finding and the event
that tells of it are kept in one transaction: a kill between the two does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from detector.knowledge.database import Database
from detector.knowledge.folders import service_state, state_folder

FILE = "agent.sqlite3"
# What is made for tlsight-agent.service.
SERVICE = service_state("tlsight-agent")
# fact: by name, e.g. device, salt, next-run.  finding: what stands, FindingRecord and more as JSON.
# event: what is to be told; urgent is 0 for heartbeats.  sink: how far each has come.  list: signed lists in force.
_FIRST = """
CREATE TABLE fact (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE finding (
    id TEXT NOT NULL PRIMARY KEY, network TEXT NOT NULL, seen TEXT NOT NULL, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, urgent INTEGER NOT NULL, at TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE sink (
    name TEXT NOT NULL PRIMARY KEY, done INTEGER NOT NULL, trouble TEXT NOT NULL DEFAULT '', since TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE list (
    name TEXT NOT NULL PRIMARY KEY, serial INTEGER NOT NULL, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE question (id TEXT NOT NULL PRIMARY KEY, answered TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
# only: the sink that an event is for, where it is for no other.
_SECOND = "ALTER TABLE event ADD COLUMN only TEXT"
_REMEDY = "stop the agent and move the file away: what stands is found again"


def shown_folder(environment: Mapping[str, str]) -> Path:
    """Whose state is shown: the caller's own agent's, else that of the machine's service."""
    own = state_folder(environment)
    return SERVICE if not (own / FILE).exists() and (SERVICE / FILE).exists() else own


def default_path(environment: Mapping[str, str]) -> Path:
    """In systemd's STATE_DIRECTORY, else in the XDG state folder."""
    return state_folder(environment) / FILE


def open_store(path: Path, *, read_only: bool = False) -> Database:
    """The open database. Raises StoreError."""
    return Database(path, "agent's state", _REMEDY, (_FIRST, _SECOND), read_only=read_only)
