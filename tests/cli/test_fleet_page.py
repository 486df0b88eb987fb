"""`tlsight fleet page` and `tlsight fleet user` as somebody types them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from tests.cli.conftest import Run

PASSWORD = "a good long passphrase"


def test_users_of_the_fleet_page_are_a_file_beside_its_database(
    tlsight: Run, tmp_path: Path
) -> None:
    at = ("--database", tmp_path / "fleet.sqlite3")
    users = tmp_path / "fleet-users"
    done = tlsight("fleet", "user", "add", "ann", "--role", "approver", *at, stdin=f"{PASSWORD}\n")
    assert (done.returncode, done.stdout) == (0, f"ann is an approver, in {users}\n")
    assert stat.S_IMODE(users.stat().st_mode) == 0o600
    assert "tlsight fleet user changes it" in users.read_text()
    again = tlsight("fleet", "user", "add", "ann", *at, stdin=f"{PASSWORD}\n")
    assert again.returncode == 2
    assert "tlsight fleet user password ann" in again.stderr
    assert tlsight("fleet", "user", "role", "ann", "viewer", *at).returncode == 0
    listed = tlsight("fleet", "user", "list", *at, "--json").stdout
    assert json.loads(listed) == {"name": "ann", "role": "viewer"}
    assert tlsight("fleet", "user", "remove", "ann", *at).returncode == 0
    assert not [*tmp_path.glob("review-*")]


def test_a_page_that_cannot_be_served_is_one_line_and_a_code(tlsight: Run, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database, but a text of some length")
    for words, code in (
        (("--database", tmp_path / "text"), 4),
        (("--database", "mysql://x"), 2),
        (("--database", tmp_path / "f.sqlite3", "--listen", "nowhere"), 2),
        (("--database", tmp_path / "f.sqlite3", "--listen", "0.0.0.0:0"), 2),
        (("--database", tmp_path / "f.sqlite3", "--users", tmp_path / "none"), 4),
        (("--database", tmp_path / "f.sqlite3", "--group", "a=admin"), 2),
    ):
        done = tlsight("fleet", "page", *words)
        assert done.returncode == code, done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
