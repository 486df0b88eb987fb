from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.cli.judge import parse_time, split_host
from detector.errors import ConfigError


def test_a_host_before_the_file(tmp_path: Path) -> None:
    assert split_host("a.com=chain.pem") == ("a.com", Path("chain.pem"))
    assert split_host("chain.pem") == (None, Path("chain.pem"))
    assert split_host("dir/a=b.pem") == (None, Path("dir/a=b.pem"))
    odd = tmp_path / "a=b.pem"
    odd.write_text("")
    assert split_host(str(odd)) == (None, odd)


def test_times_without_zone_are_utc() -> None:
    assert parse_time("2026-11-23T10:00:00") == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert parse_time("2026-11-23T10:00:00Z") == datetime(2026, 11, 23, 10, tzinfo=UTC)
    with pytest.raises(ConfigError):
        parse_time("yesterday")
