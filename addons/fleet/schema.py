"""The collector's tables, in SQL that SQLite and PostgreSQL share but for the types' names.

Times are ISO 8601 in UTC with a final Z and seconds, so that they sort as text. `body` is JSON.

Indexes are few: ids are random, so every further one makes each event write one more page. A finding is asked for with
its device, and so are its events. Rows of finding are long and stand as they came; only the short entries of its
indexes are put where they belong.
"""

from __future__ import annotations

# agent: the last that was heard of each: `last` by the bus's clock, `told` by its own, `due` the next heartbeat at the
#   latest, `settled` since when its program, tables and lists are what they are.
# finding: each one's last state; `event` told it; `canary`: a site of everybody's list shows it; `spares`: such sites
#   do not, by the same way; `issuer_until`: when its CA ends, of one that was made for long;
#   `met`: when it opened for the first time, of all times that it did; `judged`:
#   when what was seen was told last, which a finding that closes does not; `proved`, `proven`: what was judged again, and whether it proves it, see
#   addons.fleet.proof.
# event: all that was told but heartbeats, for a while.  network: `dark`: when last nearly all that were there fell silent.
# correlation: what no single agent can see.  question, answer: what agents were asked.
# refused: events that were none, by the subject's device.  fact: the collector's own state.
FIRST = """
CREATE TABLE agent (
    device TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, system TEXT NOT NULL, tlsight TEXT NOT NULL,
    tables TEXT NOT NULL, network TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, due TEXT NOT NULL,
    heartbeat TEXT, revoked TEXT, told TEXT NOT NULL, lists TEXT NOT NULL, settled TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_by_due ON agent (due);
CREATE TABLE finding (
    id TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    network TEXT NOT NULL, verdict TEXT NOT NULL, sanctioned INTEGER NOT NULL, product TEXT NOT NULL,
    engine TEXT NOT NULL, category TEXT NOT NULL, issuer TEXT NOT NULL, issuer_spki TEXT NOT NULL, host TEXT NOT NULL,
    hosts TEXT NOT NULL, host_count INTEGER NOT NULL, opened TEXT NOT NULL, changed TEXT NOT NULL, seen TEXT NOT NULL,
    closed TEXT, event TEXT NOT NULL, canary INTEGER NOT NULL, spares INTEGER NOT NULL, issuer_until TEXT,
    met TEXT NOT NULL, judged TEXT NOT NULL, proved TEXT NOT NULL DEFAULT '',
    proven INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device, id)
) STRICT;
CREATE INDEX finding_open ON finding (
    kind, proven, subject, device, sanctioned, network, opened, product, engine, category, host, closed)
    WHERE closed IS NULL;
CREATE INDEX finding_by_subject ON finding (subject, changed, closed);
CREATE INDEX finding_by_changed ON finding (changed, host, kind, sanctioned, closed, device, id);
CREATE TABLE event (
    id TEXT NOT NULL PRIMARY KEY, device TEXT NOT NULL, at TEXT NOT NULL, received TEXT NOT NULL, kind TEXT NOT NULL,
    severity TEXT NOT NULL, finding TEXT NOT NULL, headline TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_at ON event (at);
CREATE INDEX event_by_device ON event (device, at);
CREATE TABLE network (
    id TEXT NOT NULL PRIMARY KEY, first TEXT NOT NULL, last TEXT NOT NULL, label TEXT NOT NULL,
    gateway TEXT NOT NULL, ssid TEXT NOT NULL, dark TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE correlation (
    id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, network TEXT NOT NULL,
    headline TEXT NOT NULL, agents INTEGER NOT NULL, opened TEXT NOT NULL, seen TEXT NOT NULL, closed TEXT,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE question (
    id TEXT NOT NULL PRIMARY KEY, host TEXT NOT NULL, asked TEXT NOT NULL, until TEXT NOT NULL, by TEXT NOT NULL,
    wanted INTEGER NOT NULL, network TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE answer (
    question TEXT NOT NULL, device TEXT NOT NULL, at TEXT NOT NULL, verdict TEXT NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (question, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE refused (
    device TEXT NOT NULL, why TEXT NOT NULL, times INTEGER NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL,
    PRIMARY KEY (device, why)
) STRICT, WITHOUT ROWID;
CREATE TABLE fact (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX finding_by_network ON finding (network, changed, closed);
"""


def for_postgresql(script: str) -> str:
    """The same tables there."""
    for ours, theirs in (
        (") STRICT, WITHOUT ROWID", ")"),
        (") STRICT", ")"),
        (" INTEGER ", " BIGINT "),
        (" REAL ", " DOUBLE PRECISION "),
        (
            " TEXT",
            ' TEXT COLLATE "C"',
        ),  # by bytes, as SQLite orders, whatever the cluster's language
    ):
        script = script.replace(ours, theirs)
    return script
