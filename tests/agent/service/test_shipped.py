"""Files of services, filled in and written: never over somebody's own, and with no command that a unit cannot start."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.agent.service import KINDS, shipped
from detector.agent.service.shipped import Shipped, command_fits, sees_no_home, write_all
from detector.errors import ConfigError


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_whole_and_belongs_below_where_it_is_written(kind: str) -> None:
    files = shipped(kind, "/opt/tlsight/bin/tlsight", "1.2.3")
    assert files
    for one in files:
        assert "@TLSIGHT@" not in one.text
        assert "@VERSION@" not in one.text
        assert not Path(one.place).is_absolute()
        assert ".." not in Path(one.place).parts


def test_the_units_start_the_command_that_was_named() -> None:
    for one in shipped("systemd", "/opt/tlsight/bin/tlsight", "1"):
        assert "ExecStart=/opt/tlsight/bin/tlsight agent run" in one.text


def test_what_somebody_changed_is_left_and_nothing_else_is_written_beside_it(
    tmp_path: Path,
) -> None:
    files = [Shipped("a/one", "1"), Shipped("a/two", "2")]
    assert write_all(files, tmp_path, force=False) == [tmp_path / "a/one", tmp_path / "a/two"]
    assert write_all(files, tmp_path, force=False)  # the same again
    (tmp_path / "a/two").write_text("mine")
    (tmp_path / "a/one").unlink()
    with pytest.raises(ConfigError, match="says something else"):
        write_all(files, tmp_path, force=False)
    assert not (tmp_path / "a/one").exists()
    write_all(files, tmp_path, force=True)
    assert (tmp_path / "a/two").read_text() == "2"


def test_a_place_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(ConfigError, match="cannot be"):
        write_all([Shipped("a/one", "1")], tmp_path, force=False)


@pytest.mark.parametrize(
    "path", ["tlsight", "/opt/my tls/tlsight", "/opt/%h/tlsight", "/opt/$X", "/a;b", "/a\nb"]
)
def test_a_path_that_a_unit_would_read_otherwise_is_refused(path: str) -> None:
    assert command_fits(Path(path)) is not None


def test_a_path_in_a_home_is_told() -> None:
    assert command_fits(Path("/opt/tlsight/bin/tlsight")) is None
    assert sees_no_home(Path("/home/me/.venv/bin/tlsight"))
    assert not sees_no_home(Path("/opt/tlsight"))
