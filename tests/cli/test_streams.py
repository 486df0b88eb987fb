"""The real command with every kind of stdout and stderr: no traceback, and 1 only for what was found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

# Verbs that print without a network, by every way of printing that there is: print, rich, bytes, help.
VERBS = (
    ("--version",), ("--help",), ("check", "--help"), ("lab", "list"), ("lab", "list", "--json"),
    ("explain", "certificate has expired"), ("explain", "--json", "certificate has expired"),
    ("check", "127.0.0.1:1"), ("check", "--json", "127.0.0.1:1"), ("diagnose", "127.0.0.1:1"),
    ("diagnose", "--json", "127.0.0.1:1"), ("trust",), ("trust", "--json"), ("policy", "schema"),
    ("bypass", "formats"), ("bypass", "explain", "a.example"), ("bypass", "seeds"), ("bypass", "script"),
    ("logs", "LOG"), ("logs", "--json", "LOG"), ("judge", "--json", "SAVED"), ("judge", "SAVED"),
    ("pcap", "CAPTURE"), ("pcap", "--json", "CAPTURE"),
)  # fmt: skip
# Enough of them for every encoding and terminal: print, rich with a table, rich with marks, bytes.
FEW = (("--help",), ("lab", "list"), ("diagnose", "127.0.0.1:1"), ("trust",), ("logs", "LOG"))
SAVED = Path(__file__).parents[1] / "data" / "forged_chains.ndjson"
CAPTURE = Path(__file__).parents[1] / "data" / "captures" / "clock_steady.pcap"
LOG = (
    "2026/11/23 09:00:00 [info] 7#7: *1 SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::"
    "tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking, client: 192.0.2.1, server: 0.0.0.0:443\n"
)


def start(
    words: tuple[str, ...], folder: Path, stdout: int, stderr: int = subprocess.PIPE, **more: str
) -> subprocess.CompletedProcess[bytes]:
    (folder / "error.log").write_text(LOG)
    with SAVED.open() as rows:
        (folder / "saved.ndjson").write_text(json.dumps(json.loads(next(rows))["observation"]))
    files = {
        "LOG": str(folder / "error.log"), "SAVED": str(folder / "saved.ndjson"), "CAPTURE": str(CAPTURE),
    }  # fmt: skip
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TLSIGHT_", "PYTHON"))}
    clean.pop("COLUMNS", None)
    home = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
    command = [sys.executable, "-m", "detector", *(files.get(word, word) for word in words)]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, timeout=60, check=False,
        env=clean | home | more,
    )  # fmt: skip


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_reader_that_went_away_ends_the_run_quietly_with_0(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = start(words, tmp_path, writer, PYTHONUNBUFFERED="1" if len(words) == 2 else "")
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_full_disk_is_told_in_one_line_with_4(words: tuple[str, ...], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = start(words, tmp_path, full.fileno())
    assert done.returncode == 4
    said = b"tlsight: standard output: No space left on device; free some space\n"
    assert done.stderr == said


@pytest.mark.parametrize("words", [("--version",), ("lab", "list"), ("check", "127.0.0.1:1")])
def test_a_closed_stdout_is_told_in_one_line_with_4(words: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "detector", *words]
    done = subprocess.run(
        ["sh", "-c", '"$@" >&- <&-', "sh", *command], capture_output=True, timeout=60, check=False,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (4, b"")
    assert done.stderr.startswith(b"tlsight: standard output is closed; ")
    assert done.stderr.count(b"\n") == 1


def test_without_stderr_nothing_of_it_gets_into_the_objects(tmp_path: Path) -> None:
    words = ("check", "--json", "127.0.0.1:1", "not a host")
    command = [sys.executable, "-m", "detector", *words]
    done = subprocess.run(
        ["sh", "-c", '"$@" 2>&-', "sh", *command], capture_output=True, timeout=60, check=False,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert all(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize("encoding", ["cp1252", "iso-8859-1", "ascii"])
@pytest.mark.parametrize("words", FEW, ids=" ".join)
def test_marks_that_the_terminal_lacks_become_ascii(
    words: tuple[str, ...], encoding: str, tmp_path: Path
) -> None:
    plain = start(words, tmp_path, subprocess.PIPE)
    done = start(words, tmp_path, subprocess.PIPE, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr)
    assert done.stdout
    assert done.stdout.count(b"?") == plain.stdout.count(b"?")


def test_a_marks_meaning_survives_ascii(tmp_path: Path) -> None:
    words = ("diagnose", "127.0.0.1:1")
    lines = {
        encoding: start(words, tmp_path, subprocess.PIPE, PYTHONIOENCODING=encoding).stdout.decode(
            encoding
        )
        for encoding in ("utf-8", "ascii")
    }
    assert any(line.lstrip().startswith("✗ tcp") for line in lines["utf-8"].splitlines())
    assert any(line.lstrip().startswith("x tcp") for line in lines["ascii"].splitlines())


def test_objects_are_utf_8_whatever_the_terminal(tmp_path: Path) -> None:
    words = ("explain", "--json", "сертификат истёк: certificate has expired")
    first, second = (
        start(words, tmp_path, subprocess.PIPE, PYTHONIOENCODING=encoding).stdout
        for encoding in ("utf-8", "cp1252")
    )
    assert first == second
    assert "сертификат" in json.loads(first)["text"]


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
     {"TERM": "dumb"}, {"TERM": "dumb", "LC_ALL": "POSIX"}, {"COLUMNS": "0"}, {"COLUMNS": "1"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("words", FEW, ids=" ".join)
def test_nothing_is_lost_on_a_poor_terminal(
    words: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    plain = start(words, tmp_path, subprocess.PIPE)
    done = start(words, tmp_path, subprocess.PIPE, **environment)
    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr)
    assert len(done.stdout.splitlines()) == len(plain.stdout.splitlines())


def test_what_nobody_foresaw_is_4_in_one_line_and_a_traceback_only_when_asked(
    tlsight: Run, tmp_path: Path
) -> None:
    # A package that is missing, as in a broken installation.
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "certifi.py").write_text("raise ModuleNotFoundError('No module named certifi')\n")
    where = os.pathsep.join((str(broken), str(Path(__file__).parents[2])))
    done = tlsight("check", "127.0.0.1:1", PYTHONPATH=where)
    assert done.returncode == 4
    assert done.stderr == (
        "tlsight: unexpected error: ModuleNotFoundError: No module named certifi;"
        " rerun with TLSIGHT_DEBUG=1 to see where, and report it\n"
    )
    done = tlsight("check", "127.0.0.1:1", PYTHONPATH=where, TLSIGHT_DEBUG="1")
    assert done.returncode == 4
    assert "Traceback" in done.stderr


def test_an_installation_without_its_own_command_line_library_says_so(
    tlsight: Run, tmp_path: Path
) -> None:
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError('No module named click')\n")
    where = os.pathsep.join((str(tmp_path), str(Path(__file__).parents[2])))
    done = tlsight("lab", "list", PYTHONPATH=where)
    assert done.returncode == 4
    assert done.stderr.startswith("tlsight: unexpected error: ModuleNotFoundError: ")
    assert done.stderr.count("\n") == 1
