"""Attempts as the command prints them, read back."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.attempt import Attempt
from addons.store.attempt_file import MAX_LINE, read_attempts
from detector.errors import ConfigError

ONE = Attempt(
    datetime(2026, 11, 23, tzinfo=UTC), "client", "a.com", 443, "10.0.0.1", "failed", alert=46
)
LINE = msgspec.json.encode(ONE) + b"\n"


def test_what_was_printed_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(LINE * 3)
    assert list(read_attempts(path)) == [ONE] * 3


def test_a_last_line_that_was_cut_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(LINE + LINE[:30])
    assert list(read_attempts(path)) == [ONE]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{}\n", "no attempt"),
        (b"\xff\n", "no attempt"),
        (b"x" * (MAX_LINE + 1), "too long"),
        (LINE.replace(b"Z", b""), "time without zone"),
    ],
)
def test_what_is_no_attempt_is_told_with_its_line(line: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(LINE + line)
    with pytest.raises(ConfigError, match=rf"a\.ndjson:2: .*{why}|a\.ndjson:2: {why}"):
        list(read_attempts(path))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        list(read_attempts(tmp_path / "none"))


@given(data=st.binary(max_size=300))
def test_any_bytes_are_attempts_or_one_error(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("a") / "a"
    path.write_bytes(data)
    with suppress(ConfigError):
        assert all(isinstance(one, Attempt) for one in read_attempts(path))
