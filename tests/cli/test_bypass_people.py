"""`tlsight bypass user`, `backup`, `restore` and `service` as somebody types them."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

PASSWORD = "a good long passphrase"
ADD = ("bypass", "add", "a.example", "--reason", "x", "--owner", "x", "--expires", "9d")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "b.sqlite3"


def test_a_user_is_added_changed_and_removed_and_the_trail_knows(tlsight: Run, store: Path) -> None:
    at = ("--store", store)
    users = store.with_name("review-users")
    done = tlsight("bypass", "user", "add", "alice", "--role", "admin", *at, stdin=f"{PASSWORD}\n")
    assert (done.returncode, done.stdout) == (0, f"alice is an admin, in {users}\n")
    assert stat.S_IMODE(users.stat().st_mode) == 0o600
    assert PASSWORD not in users.read_text()
    for words, stdin, why in (
        (("add", "alice"), PASSWORD, "is there already"),
        (("add", "bob"), "short\n", "fewer than 12"),
        (("add", "bob", "--role", "root"), PASSWORD, "none of viewer, approver, admin"),
        (("add", "b:ob"), PASSWORD, "letters, digits"),
        (("password", "bob"), PASSWORD, "no user"),
    ):
        refused = tlsight("bypass", "user", *words, *at, stdin=stdin)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert why in refused.stderr
    before = users.read_text()
    assert tlsight("bypass", "user", "role", "alice", "viewer", *at).returncode == 0
    listed = tlsight("bypass", "user", "list", *at, "--json").stdout
    assert json.loads(listed) == {"name": "alice", "role": "viewer"}
    assert (
        tlsight("bypass", "user", "password", "alice", *at, stdin="another good one").returncode
        == 0
    )
    assert users.read_text().replace(":viewer:", ":admin:") != before
    assert tlsight("bypass", "user", "remove", "alice", *at).returncode == 0
    told = tlsight("bypass", "audit", "list", *at).stdout
    for action in ("user add", "user role", "user password", "user remove"):
        assert told.count(action) == 1
    assert "argon2" not in told
    assert tlsight("bypass", "audit", "verify", *at).returncode == 0


def test_a_password_is_typed_twice_and_not_shown(store: Path) -> None:
    """At a real terminal: once in two ways, then in one."""
    words = ("bypass", "user", "add", "alice", "--store", store)
    # setsid makes the terminal that of the process, as a login does.
    command = ("setsid", "--ctty", "--wait", sys.executable, "-m", "detector", *words)
    for again, code in ((b"something else ...\n", 2), (f"{PASSWORD}\n".encode(), 0)):
        leading, following = pty.openpty()
        process = subprocess.Popen(
            command, stdin=following, stdout=following, stderr=following,
        )  # fmt: skip
        os.close(following)
        said = b""
        for asked, typed in ((b"Password: ", f"{PASSWORD}\n".encode()), (b"Once more: ", again)):
            while asked not in said:
                said += os.read(leading, 1000)
            os.write(leading, typed)
        assert process.wait(60) == code
        try:
            while part := os.read(leading, 1000):
                said += part
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(leading)
        assert PASSWORD.encode() not in said


def test_a_copy_is_made_checked_and_put_back(tlsight: Run, store: Path, tmp_path: Path) -> None:
    at = ("--store", store)
    assert tlsight(*ADD, *at).returncode == 0
    folder = tmp_path / "copies"
    folder.mkdir()
    (folder / "bypass-2020.backup").write_text("somebody else's")
    for name in ("bypass-20200101T000000Z.backup", "bypass-20200102T000000Z.backup"):
        (folder / name).touch()
    made = tlsight("bypass", "backup", folder, "--keep", "2", *at)
    assert made.returncode == 0
    assert (
        "1 rules, 0 candidates, 1 entries of the trail, its heads, the key that signs"
        in made.stdout
    )
    names = sorted(path.name for path in folder.iterdir())
    assert names[:2] == ["bypass-2020.backup", "bypass-20200102T000000Z.backup"]
    copy = folder / names[2]
    checked = tlsight("bypass", "backup", copy, "--check", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["rules"]) == (0, 1)
    assert tlsight("bypass", "backup", copy, *at).returncode == 4
    assert tlsight("bypass", "remove", "a.example", *at).returncode == 0
    restore = ("bypass", "restore", copy, "--reason", "it was right", *at)
    refused = tlsight(*restore)
    assert refused.returncode == 2
    assert "nobody is here to ask" in refused.stderr
    planned = json.loads(tlsight(*restore, "--dry-run", "--json").stdout)
    assert (planned["added"], [one["action"] for one in planned["lost"]]) == (
        ["a.example"],
        ["remove"],
    )
    assert "a.example" not in tlsight("bypass", "list", *at).stdout
    assert tlsight(*restore, "--yes").returncode == 0
    assert "a.example" in tlsight("bypass", "list", *at).stdout
    assert tlsight("bypass", "audit", "verify", *at).returncode == 0
    refused = tlsight("bypass", "restore", store, "--reason", "x", "--yes", *at)
    assert (refused.returncode, refused.stderr.count("\n")) == (4, 1)
    assert "no backup of ours" in refused.stderr


def test_units_are_written_with_this_command_and_never_over_changed_ones(
    tlsight: Run, tmp_path: Path
) -> None:
    words = ("bypass", "service", "systemd", "--command", "/opt/tlsight/bin/tlsight")
    shown = tlsight(*words).stdout
    assert "# /etc/systemd/system/tlsight-proxy.service" in shown
    assert "ExecStart=/opt/tlsight/bin/tlsight bypass run " in shown
    assert "@" not in shown.replace("127.0.0.1:8080", "").replace("regular@", "").replace(
        "=@system", ""
    ).replace("~@privileged @resources", "")
    written = tlsight(*words, "--write", tmp_path / "root")
    assert len(written.stdout.splitlines()) == 6
    assert tlsight(*words, "--write", tmp_path / "root").returncode == 0
    unit = tmp_path / "root/etc/systemd/system/tlsight-proxy.service"
    unit.write_text("mine")
    assert tlsight(*words, "--write", tmp_path / "root").returncode == 2
    assert unit.read_text() == "mine"
    assert tlsight(*words, "--write", tmp_path / "root", "--force").returncode == 0
    assert tlsight("bypass", "service", "upstart").returncode == 2
    for path in ("tlsight", "/opt/a b/tlsight", "/opt/%n", "/opt/a\nExecStart=/bin/sh"):
        refused = tlsight("bypass", "service", "systemd", "--command", path)
        assert (refused.returncode, refused.stdout) == (2, "")
    told = tlsight("bypass", "service", "systemd", "--command", "/home/me/tlsight")
    assert "the units see no home folder" in told.stderr


def test_a_page_with_users_takes_no_token_and_options_that_contradict_are_refused(
    tlsight: Run, store: Path, tmp_path: Path
) -> None:
    at = ("--store", store, "--listen", "127.0.0.1:0")
    assert tlsight("bypass", "user", "add", "al", "--store", store, stdin=PASSWORD).returncode == 0
    (tmp_path / "password").write_text("one for all of them")
    users = store.with_name("review-users")
    for words, why in (
        (("--password-file", tmp_path / "password"), "beside named users"),
        (("--url", "ftp://x"), "--url"),
        (("--url", "https://x/below"), "--url"),
        (("--url", "https://a@x"), "--url"),
        (("--user-header", "X-User"), "anybody could send it"),
        (("--users", tmp_path / "none"), "not there"),
    ):
        refused = tlsight("bypass", "serve", *words, *at)
        assert (refused.returncode in (2, 4), refused.stderr.count("\n")) == (True, 1), refused
        assert why in refused.stderr
    users.chmod(0o644)
    refused = tlsight("bypass", "serve", *at)
    assert refused.returncode == 4
    assert f"chmod 600 {users}" in refused.stderr
    users.unlink()
    assert "one token is one person" in tlsight("bypass", "serve", "--two-person", *at).stderr
