"""The command from the servers to the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run
from tests.judging.graded_seen import instead, met, strict, visit


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Path]:
    """Servers that the command itself runs: the file that tells of them."""
    command = [
        sys.executable, "-m", "detector", "lab", "serve", "--grade", "grade.test", "--json", "--dir", str(tmp_path / "lab"),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        assert json.loads(lab.stdout.readline())["name"] == "grade.test"
        yield tmp_path / "lab" / "grade.json"
        lab.terminate()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A strict interceptor but for dates."""
    path = tmp_path / "seen.json"
    path.write_bytes(msgspec.json.encode(instead(strict(), visit("expired", "answered"))))
    return path


def test_where_nobody_stands_in_between_there_is_no_grade_and_exit_3(
    tlsight: Run, served: Path, tmp_path: Path
) -> None:
    done = tlsight("grade", "--servers", served, "--save", tmp_path / "kept.json")
    assert (done.returncode, done.stderr) == (3, "")
    assert "nobody stands in between" in done.stdout
    again = tlsight("grade", "--from", tmp_path / "kept.json")
    assert (again.returncode, again.stdout) == (3, done.stdout)


@pytest.mark.parametrize(("least", "code"), [("A", 1), ("C", 1), ("D", 0), ("F", 0)])
def test_a_saved_grade_is_judged_again_and_held_against_a_letter(
    tlsight: Run, saved: Path, least: str, code: int
) -> None:
    done = tlsight("grade", "--from", saved, "--at-least", least)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.startswith("Grade D  through http://proxy.example:3128")
    assert "It accepts a certificate that has ended." in done.stdout


def test_json_has_every_test_with_what_its_maker_can_do(tlsight: Run, saved: Path) -> None:
    done = tlsight("grade", "--from", saved, "--json")
    told = json.loads(done.stdout)
    assert (told["schema"], told["letter"], told["reasons"]) == (
        "tlsight.grade/1",
        "D",
        ["expired"],
    )
    expired = next(one for one in told["answers"] if one["test"] == "expired")
    assert expired["outcome"] == "failed"
    assert expired["vendor"].startswith("Verify the server's chain")


def test_a_letter_of_little_says_so(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "seen.json"
    path.write_bytes(msgspec.json.encode(instead(strict(), visit("good", "page"), met("good"))))
    done = tlsight("grade", "--from", path)
    assert "tests had no answer, 21 because the good server was refused too" in done.stdout
    told = json.loads(tlsight("grade", "--from", path, "--json").stdout)
    assert told["unasked"].startswith("The letter is of what could be asked: ")


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_the_report_fits_the_terminal(tlsight: Run, saved: Path, columns: int) -> None:
    for more in ((), ("-v",)):
        done = tlsight("grade", "--from", saved, *more, COLUMNS=str(columns))
        assert max(map(len, done.stdout.splitlines())) <= columns
        assert "Grade D" in done.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "--servers or --from is needed"),
        (("--servers", "a", "--from", "b"), "--servers or --from is needed"),
        (("--from", "{garbage}"), "cannot be read"),
        (("--servers", "{garbage}"), "cannot be read"),
        (("--from", "{none}"), "No such file"),
        (("--from", "{saved}", "--at-least", "E"), "none of A, B, C, D, F"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error_in_a_line(
    tlsight: Run, saved: Path, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    (tmp_path / "garbage").write_bytes(b"\xff\0[[[")
    paths = {"{garbage}": tmp_path / "garbage", "{none}": tmp_path / "none", "{saved}": saved}
    done = tlsight("grade", *(paths.get(word, word) for word in words))
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_where_nothing_can_be_kept_is_exit_4(tlsight: Run, saved: Path) -> None:
    done = tlsight("grade", "--from", saved, "--save", "/proc/none/seen.json")
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    full = tlsight("grade", "--from", saved, "--save", "/dev/full")
    assert full.returncode == 4


def test_the_page_is_written_and_nothing_that_is_read_is_overwritten(
    tlsight: Run, saved: Path, tmp_path: Path
) -> None:
    done = tlsight("grade", "--from", saved, "--html", tmp_path / "grade.html")
    assert done.returncode == 1
    assert "<h1>Grade D" in (tmp_path / "grade.html").read_text()
    refused = tlsight("grade", "--from", saved, "--html", saved)
    assert refused.returncode == 2
    assert json.loads(saved.read_text())["schema"] == "tlsight.grade/1"
