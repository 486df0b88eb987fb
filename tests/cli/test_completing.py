"""What a shell shows when TAB is pressed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from detector import clock
from detector.cli import command_tree
from detector.cli.completing import FILES, answer, split
from detector.knowledge.causes import cause_table
from detector.knowledge.folders import HISTORY
from detector.knowledge.history import History
from detector.knowledge.programs import programs
from detector.lab.cases import CASES
from detector.model.targets import STARTTLS_PORTS
from tests.cli.conftest import Run


def shown(line: str, shell: str = "fish") -> list[str]:
    """The words, without what they are for."""
    return [one.partition("\t")[0] for one in answer(split(line)[1:], shell)]


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hosts that earlier runs saw."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    path = tmp_path / "tlsight" / HISTORY
    History(path, clock.now).close()
    with closing(sqlite3.connect(path)) as store, store:
        store.executemany(
            "INSERT INTO baseline (host, port, leaf_spki, seen) VALUES (?, ?, 'x', '2026')",
            [("bank.example", 443), ("mail.example", 993), ("bad\x1b[2J$(reboot)", 443)],
        )
    return path


def test_the_table_is_the_command_tree() -> None:
    """Write it again with: python -m detector.cli.command_tree."""
    assert command_tree.FILE.read_text(encoding="utf-8") == command_tree.table()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tlsight diag", ["diagnose"]),
        ("tlsight trust w", ["why"]),
        ("tlsight check --com", ["--compare-direct"]),
        ("tlsight --color ", ["auto", "always", "never"]),
        ("tlsight check --starttls ", list(STARTTLS_PORTS)),
        ("tlsight check --starttls=sm", ["--starttls=smtp"]),
        ("tlsight check --fail-on ", ["private", "consistent", "suspect", "intercepted"]),
        ("tlsight trust --fail-on ", ["note", "warning", "error"]),
        ("tlsight diagnose --for n", ["nginx"]),
        ("tlsight diagnose --json --for=ng", ["--for=nginx"]),
        ("tlsight explain --side ", ["client", "server"]),
        ("tlsight explain evil.", [FILES]),
        ("tlsight pins export --format and", ["android"]),
        ("tlsight logs --format haprox", ["haproxy"]),
        ("tlsight update log_", ["log_list"]),
        ("tlsight agent once --fail-on s", ["suspect"]),
        ("tlsight trust why gi", ["git", "github-cli"]),
        ("tlsight lab serve expired-", ["expired-intermediate"]),
        ("tlsight ct sh", ["show"]),
        ("tlsight ct --refr", ["--refresh"]),
        ("tlsight check --roots ", [FILES]),
        ("tlsight check --roots=", [FILES]),
        ("tlsight judge ", [FILES]),
        ("tlsight check -- --st", []),
        ("tlsight no-such-verb --", None),
        ("cd /tmp; tlsight pol", ["policy"]),
        ("tlsight 'che", ["check"]),
    ],
)
def test_words(line: str, words: list[str] | None, history: Path) -> None:
    found = shown(line)
    if words is None:
        assert "--version" in found
    elif words == ["git", "github-cli"]:
        assert "git" in found
    else:
        assert found == words


def test_values_are_those_of_our_tables() -> None:
    assert set(shown("tlsight trust fix ")) == set(programs())
    assert set(shown("tlsight lab serve ")) == {one.id for one in CASES}
    assert set(shown("tlsight diagnose --expect ")) == {row.id for row in cause_table().rows} | {
        "healthy"
    }


def test_bash_is_given_what_follows_its_last_break(history: Path) -> None:
    assert shown("tlsight check --starttls=sm", "bash") == ["smtp"]
    assert shown("tlsight check mail.example:9", "bash") == ["993"]


def test_hosts_are_those_of_earlier_runs_and_pins(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown("tlsight check ") == ["bank.example", "mail.example:993"]
    pins = tmp_path / "pins.toml"
    pins.write_text('[[pin]]\nhost = "pinned.example"\nspki = "x"\n')
    monkeypatch.setenv("TLSIGHT_PINS", str(pins))
    assert shown("tlsight diagnose pi") == ["pinned.example"]


def test_a_word_that_a_shell_or_a_terminal_obeys_is_left_out(history: Path) -> None:
    assert not [one for one in shown("tlsight check ") if "reboot" in one]


@pytest.mark.parametrize(
    "content", [b"", b"no database at all" * 99, b"SQLite format 3\x00" + bytes(99)]
)
def test_a_broken_store_is_quiet(history: Path, content: bytes) -> None:
    history.write_bytes(content)
    assert shown("tlsight check ") == []


def test_the_store_is_not_written(history: Path) -> None:
    before = {one.name: one.stat().st_mtime_ns for one in history.parent.iterdir()}
    shown("tlsight check ")
    assert {one.name: one.stat().st_mtime_ns for one in history.parent.iterdir()} == before


def test_the_command_answers_shells(tlsight: Run) -> None:
    done = tlsight("tlsight j", _TLSIGHT_COMPLETE="bash")
    assert (done.returncode, done.stdout, done.stderr) == (0, "judge\n", "")


def test_nothing_is_loaded_for_a_key_press(tlsight: Run) -> None:
    done = tlsight(
        "tlsight check --starttls ", _TLSIGHT_COMPLETE="bash", PYTHONPROFILEIMPORTTIME="1",
        PYTHONPATH=Path.cwd(),
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "smtp" in done.stdout
    assert "detector.cli.completing" in loaded
    assert not loaded & {
        "click",
        "rich",
        "ssl",
        "asyncio",
        "sqlite3",
        "pathlib",
        "inspect",
        "detector.cli.app",
    }


def test_a_script_is_shown_and_a_shell_that_is_not_known_refused(tlsight: Run) -> None:
    assert tlsight("--show-completion", "zsh").stdout.startswith("#compdef tlsight\n")
    done = tlsight("--show-completion", "tcsh")
    assert done.returncode == 2
    assert "'tcsh' is none of bash, zsh, fish" in done.stderr
