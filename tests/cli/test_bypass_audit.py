"""`tlsight bypass audit` against somebody with sqlite3 in his hands; and verbs that read leave no trace."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from addons.store.syslog import SYSLOG_VARIABLE
from tests.cli.conftest import Run

ADD = ("--reason", "pinned app", "--owner", "network", "--expires", "90d")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "b.sqlite3"
    with BypassStore(path, lambda: datetime.now(UTC), environment={}) as store:
        for host in ("a.example", "b.example"):
            store.add_rule(RuleRow(host=host, reason="pinned app", owner="network"))
    return path


def edit(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()


def test_a_rule_changed_outside_is_found_until_a_person_accepts_it(
    tlsight: Run, path: Path
) -> None:
    verify = ("bypass", "audit", "verify", "--store", path)
    done = tlsight(*verify)
    assert (done.returncode, done.stdout.splitlines()[-1][:14]) == (0, "2 entries hold")
    edit(
        path, "UPDATE rule SET row = replace(row, 'inspect', 'pass'), state = 'trial' WHERE id = 1"
    )
    done = tlsight(*verify)
    assert done.returncode == 1
    assert "the rule a.example was changed" in done.stdout
    done = tlsight("bypass", "audit", "accept", "--reason", "it was me", "--store", path)
    assert (done.returncode, done.stdout[:34]) == (0, "accepted: the rule a.example was c")
    assert tlsight(*verify).returncode == 0
    found = json.loads(tlsight(*verify, "--json").stdout)
    assert (found["faults"], found["entries"]) == ([], 3)


def test_a_store_that_is_gone_is_told_by_the_heads_it_left(tlsight: Run, path: Path) -> None:
    verify = ("bypass", "audit", "verify", "--store", path)
    path.unlink()
    done = tlsight(*verify)
    assert (done.returncode, done.stdout) == (1, "the store is gone, and entry 2 was signed here\n")
    path.with_name("b.sqlite3.key.heads").unlink()
    done = tlsight(*verify)
    assert (done.returncode, done.stdout) == (4, "")
    assert "there is no bypass store here" in done.stderr
    assert not path.exists()


def test_the_list_names_the_real_user_and_not_who_a_variable_says_it_is(path: Path) -> None:
    environment = {**os.environ, "LOGNAME": "the boss", "SUDO_UID": "1001"}
    command = [sys.executable, "-m", "detector", "bypass"]
    words = ["add", "c.example", *ADD, "--store", path]
    subprocess.run([*command, *words], env=environment, check=True, capture_output=True)
    listed = subprocess.run(
        [*command, "audit", "list", "--store", path], capture_output=True, text=True, check=True
    ).stdout.splitlines()[-1]
    assert "the boss" not in listed
    assert f"uid {os.getuid()}" in listed
    assert "(sudo claims 1001)" in listed


def test_a_log_elsewhere_tells_what_the_machine_no_longer_knows(
    tlsight: Run, path: Path, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog:
        syslog.bind(("127.0.0.1", 0))
        syslog.settimeout(10)
        told = {SYSLOG_VARIABLE: f"udp://127.0.0.1:{syslog.getsockname()[1]}"}
        send = ("bypass", "audit", "send", "--store", path)
        assert tlsight(*send, **told).stdout == "sent entry 2\n"
        tlsight("bypass", "add", "c.example", *ADD, "--store", path, **told)
        lines = [syslog.recv(4096) for _ in range(2)]
    log = tmp_path / "syslog"
    log.write_bytes(b"\n".join([b"Nov 23 \xff noise", *lines, b""]))
    verify = ("bypass", "audit", "verify", "--log", log, "--store", path)
    assert tlsight(*verify).returncode == 0
    for one in path.parent.glob("b.sqlite3*"):
        one.unlink()
    assert "the store is gone, and entry 3 was signed" in tlsight(*verify).stdout
    tlsight("bypass", "add", "evil.example", *ADD, "--store", path)
    done = tlsight(*verify)
    assert (done.returncode, "which is not this store's" in done.stdout) == (1, True)


def test_sending_needs_a_syslog_that_is_there(tlsight: Run, path: Path, tmp_path: Path) -> None:
    send = ("bypass", "audit", "send", "--store", path)
    done = tlsight(*send)
    assert (done.returncode, "no syslog is named" in done.stderr) == (2, True)
    done = tlsight(*send, **{SYSLOG_VARIABLE: f"unix:{tmp_path}/none"})
    assert (done.returncode, "syslog was not told" in done.stderr) == (4, True)


@pytest.mark.parametrize(
    "words",
    [
        ("list",), ("candidates",), ("attempts",), ("stats",), ("replay",), ("lint",), ("export", "toml"),
        ("explain", "a.example"), ("test", "a.example"), ("audit", "list"), ("audit", "verify"),
    ],
)  # fmt: skip
def test_a_verb_that_reads_leaves_no_trace(
    tlsight: Run, path: Path, words: tuple[str, ...]
) -> None:
    def seen() -> dict[str, tuple[int, int, bytes]]:
        return {
            one.name: (one.stat().st_mtime_ns, one.stat().st_ino, one.read_bytes())
            for one in path.parent.iterdir()
            if one.is_file()
        }

    before = seen()
    assert tlsight("bypass", *words, "--store", path).returncode == 0
    assert seen() == before


def test_a_named_store_that_is_not_there_is_no_empty_list(tlsight: Run, tmp_path: Path) -> None:
    done = tlsight("bypass", "export", "squid", "--store", tmp_path / "typo.sqlite3")
    assert (done.returncode, done.stdout) == (4, "")
    assert list(tmp_path.glob("typo*")) == []
    assert tlsight("bypass", "list").returncode == 0
