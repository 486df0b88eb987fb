"""A database file: whose link is followed, and what a full disk leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from detector.errors import StoreError
from detector.knowledge.database import Database
from tests.knowledge.conftest import SmallDisk

NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
TABLE = ("CREATE TABLE one (value TEXT) STRICT",)
_OPENS = """
import sys
from pathlib import Path
from detector.errors import StoreError
from detector.knowledge.database import Database
scripts = tuple(
    f"CREATE TABLE t{n} (value BLOB); INSERT INTO t{n} VALUES (zeroblob(300000))" for n in range(9)
)
try:
    Database(Path(sys.argv[1]), "store", "do without", scripts)
except StoreError as error:
    print(error)
"""


def opened(path: Path) -> None:
    Database(path, "store", "do without", TABLE).close()


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    opened(tmp_path / "deep" / "one.sqlite3")
    assert (tmp_path / "deep" / "one.sqlite3").stat().st_mode & 0o777 == 0o600


def test_ones_own_link_to_a_database_is_followed(tmp_path: Path) -> None:
    opened(tmp_path / "there.sqlite3")
    (tmp_path / "here.sqlite3").symlink_to(tmp_path / "there.sqlite3")
    opened(tmp_path / "here.sqlite3")


def test_ones_own_link_that_leads_nowhere_yet_makes_a_private_file_there(tmp_path: Path) -> None:
    (tmp_path / "here.sqlite3").symlink_to(tmp_path / "there")
    opened(tmp_path / "here.sqlite3")
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o600


@AS_ROOT
def test_a_link_of_another_user_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("keep")
    link = tmp_path / "here.sqlite3"
    link.symlink_to(tmp_path / "theirs")
    os.lchown(link, NOBODY, NOBODY)
    with pytest.raises(StoreError, match="a link of another user"):
        opened(link)
    assert (tmp_path / "theirs").read_text() == "keep"


def test_a_disk_that_fills_up_while_it_is_made_is_told_as_such(small_disk: SmallDisk) -> None:
    command = [
        *small_disk.prefix,
        sys.executable,
        "-c",
        _OPENS,
        str(small_disk.folder / "one.sqlite3"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "rollback" not in done.stdout
    assert "full; free some space" in done.stdout or "disk I/O error" in done.stdout
