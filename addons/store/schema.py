"""The tables of the bypass store. The n-th script turns version n into n + 1.

No index is on an expression: a copy is read with an untrusted schema (backup.py), where SQLite of before 3.41 refuses
json_extract.
"""

from __future__ import annotations

MIGRATIONS = (
    """
CREATE TABLE rule (
    id INTEGER PRIMARY KEY, pattern TEXT NOT NULL UNIQUE, row TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('approved', 'trial')), until TEXT
) STRICT;
CREATE TABLE candidate (
    host TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'snoozed', 'cleared')),
    body TEXT NOT NULL, until TEXT, tried TEXT
) STRICT;
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, host TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX attempt_host ON attempt (host, id);
CREATE TABLE attempt_day (
    day TEXT NOT NULL, host TEXT NOT NULL, side TEXT NOT NULL, class TEXT NOT NULL,
    count INTEGER NOT NULL, PRIMARY KEY (day, host, side, class)
) STRICT, WITHOUT ROWID;
CREATE TABLE passage_day (
    day TEXT NOT NULL, host TEXT NOT NULL, rule TEXT NOT NULL, connections INTEGER NOT NULL,
    up INTEGER NOT NULL, down INTEGER NOT NULL, seconds REAL NOT NULL, last TEXT NOT NULL,
    PRIMARY KEY (day, host, rule)
) STRICT, WITHOUT ROWID;
CREATE INDEX passage_rule ON passage_day (rule);
CREATE TABLE audit (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL,
    subject TEXT NOT NULL, details TEXT NOT NULL, digest TEXT NOT NULL
) STRICT;
CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO setting VALUES ('revision', '0');
""",
    """
ALTER TABLE audit ADD COLUMN who TEXT;
ALTER TABLE audit ADD COLUMN signature TEXT;
""",
    # attempt.bound: whether the name was bound to the address: 1, else 0; NULL where an earlier version did not ask.
    # In attempt_day, how many of the attempts were.
    """
CREATE TABLE unbound (
    name TEXT NOT NULL, place TEXT NOT NULL, rule TEXT NOT NULL, why TEXT NOT NULL,
    count INTEGER NOT NULL, last TEXT NOT NULL, PRIMARY KEY (name, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE proxy (
    id TEXT NOT NULL PRIMARY KEY, seen TEXT NOT NULL, body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE leaf (
    digest TEXT NOT NULL PRIMARY KEY, at TEXT NOT NULL, host TEXT NOT NULL, address TEXT,
    port INTEGER NOT NULL, names TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX leaf_at ON leaf (at);
ALTER TABLE attempt ADD COLUMN bound INTEGER;
ALTER TABLE attempt ADD COLUMN client TEXT;
ALTER TABLE attempt_day ADD COLUMN bound INTEGER;
""",
    # A draft is a rule that waits for a person, and is not in force.
    """
CREATE TABLE rule_with_drafts (
    id INTEGER PRIMARY KEY, pattern TEXT NOT NULL UNIQUE, row TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'approved', 'trial')), until TEXT
) STRICT;
INSERT INTO rule_with_drafts SELECT id, pattern, row, state, until FROM rule;
DROP TABLE rule;
ALTER TABLE rule_with_drafts RENAME TO rule;
CREATE TABLE feed (name TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE feed_list (
    name TEXT NOT NULL, place TEXT NOT NULL CHECK (place IN ('accepted', 'waiting')), rows TEXT NOT NULL,
    PRIMARY KEY (name, place)
) STRICT;
CREATE TABLE recheck (
    pattern TEXT NOT NULL PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE reminded (
    pattern TEXT NOT NULL PRIMARY KEY, until TEXT NOT NULL, days INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE gateway (
    id TEXT NOT NULL PRIMARY KEY, seen TEXT NOT NULL, body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE attempt_hour (
    hour TEXT NOT NULL, host TEXT NOT NULL, class TEXT NOT NULL, client TEXT NOT NULL,
    count INTEGER NOT NULL, PRIMARY KEY (hour, host, class, client)
) STRICT, WITHOUT ROWID;
CREATE TABLE central (
    pattern TEXT NOT NULL PRIMARY KEY, said TEXT NOT NULL, aside TEXT, counts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE outgoing (number INTEGER PRIMARY KEY, blob BLOB NOT NULL) STRICT;
CREATE TABLE passage_told (
    day TEXT NOT NULL, host TEXT NOT NULL, rule TEXT NOT NULL, connections INTEGER NOT NULL,
    up INTEGER NOT NULL, down INTEGER NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (day, host, rule)
) STRICT, WITHOUT ROWID;
DROP INDEX passage_rule;
CREATE INDEX passage_use ON passage_day (rule, connections, up, down, seconds, last);
CREATE INDEX attempt_day_host ON attempt_day (host, day, class, count);
CREATE INDEX rule_state ON rule (state);
CREATE INDEX attempt_hour_host ON attempt_hour (host, hour);
CREATE TABLE passage_sum (
    rule TEXT NOT NULL PRIMARY KEY, connections INTEGER NOT NULL, bytes INTEGER NOT NULL,
    last TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO passage_sum SELECT rule, sum(connections), sum(up + down), max(last)
    FROM passage_day GROUP BY rule;
CREATE INDEX passage_sum_used ON passage_sum (connections);
CREATE INDEX passage_sum_bytes ON passage_sum (bytes);
CREATE INDEX passage_sum_last ON passage_sum (last);
CREATE INDEX passage_size ON passage_day (day, up + down);
CREATE INDEX passage_host ON passage_day (host);
CREATE TABLE alteration (
    what TEXT NOT NULL, subject TEXT NOT NULL, at TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (what, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE episode (
    id TEXT NOT NULL PRIMARY KEY, key TEXT NOT NULL, opened TEXT NOT NULL, closed TEXT,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX episode_open ON episode (key) WHERE closed IS NULL;
CREATE TABLE notice (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, due TEXT NOT NULL, tries INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
""",
)
# From here on a store that may not be written can be read as it is.
OLDEST_READABLE = 1
