"""The files of a grading are read whole or refused in one line, with the schema that is wanted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from detector.errors import ConfigError
from detector.model.grades import GRADES_SCHEMA, SERVERS_SCHEMA, Seen
from detector.runs.grade_files import read_seen, read_servers, seen_of

SEEN = Seen(
    schema=GRADES_SCHEMA, at=datetime(2026, 1, 1, tzinfo=UTC), route="straight", name="grade.test", leaves={}, visits=(),
)  # fmt: skip


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "seen.json"
    path.write_bytes(msgspec.json.encode(SEEN))
    assert seen_of(path) == SEEN


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cannot be read"),
        (b"[]", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b'{"schema": "tlsight.grade/1"}', "missing required field"),
        (b'{"schema": "tlsight.grade/2", "visits": 1}', "is of another kind: 'tlsight.grade/2'"),
        (b'{"schema": "\\u001b[31m"}', "another kind"),
        (b"[" * 100_000, "cannot be read"),
    ],
)
def test_everything_else_is_refused_in_one_line(data: bytes, why: str) -> None:
    for read, schema in ((read_seen, GRADES_SCHEMA), (read_servers, SERVERS_SCHEMA)):
        with pytest.raises(ConfigError) as refused:
            read(data.replace(b"tlsight.grade/", schema[:-1].encode()), "seen.json")
        text = str(refused.value)
        assert text.isprintable()
        assert why in text.replace("-servers", "")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        seen_of(tmp_path / "none.json")
