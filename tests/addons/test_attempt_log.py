"""The log of attempts: bounded, private, and readable after a kill or a full disk."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addons.bypass.attempt import Attempt
from addons.store.attempt_log import AttemptLog, read_attempts
from detector.errors import ConfigError

ONE = Attempt(datetime(2026, 11, 23, tzinfo=UTC), "client", "a.com", 443, "10.0.0.1", "accepted")


def test_what_was_put_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "attempts.ndjson"
    log = AttemptLog(path)
    for _ in range(2500):
        log.put(ONE)
    log.close()
    assert list(read_attempts(path)) == [ONE] * 2500
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert log.dropped == 0


def test_the_log_is_bounded_and_keeps_one_older_file(tmp_path: Path) -> None:
    path = tmp_path / "attempts.ndjson"
    for _ in range(5):
        log = AttemptLog(path, max_bytes=2000)
        for _ in range(10):
            log.put(ONE)
        log.close()
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) < 5000
    assert len(list(tmp_path.iterdir())) == 2
    assert len(list(read_attempts(path))) > 10


def test_a_disk_that_cannot_be_written_is_told_once_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    log = AttemptLog(tmp_path / "file" / "attempts.ndjson")
    for _ in range(3):
        log.put(ONE)
    log.close()
    assert log.dropped == 3
    assert len(caplog.records) == 1


def test_a_last_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "attempts.ndjson"
    log = AttemptLog(path)
    log.put(ONE)
    log.close()
    with path.open("ab") as file:
        file.write(path.read_bytes()[:40])
    assert list(read_attempts(path)) == [ONE]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{}\n", "attempts.ndjson:1: no attempt"),
        (b"\xff\xfe\n", "no attempt"),
        (b"x" * 70_000, "a line too long"),
        (b'{"at":"2026-11-23T00:00:00","side":"client","host":"a","port":1,"client":"b","outcome":"quiet"}\n',
         "time without zone"),
    ],
)  # fmt: skip
def test_what_is_no_log_is_told_with_its_line(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "attempts.ndjson"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=why):
        list(read_attempts(path))
