"""`tlsight update` with the real signed list."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.cli.conftest import Run
from tests.knowledge.conftest import powerless
from tests.lists.test_log_list import REAL

__all__ = ["powerless"]


def test_the_real_list_is_verified_and_installed(tlsight: Run) -> None:
    done = tlsight("update", "--from", REAL)
    assert done.returncode == 0
    assert done.stdout.startswith(
        "all_logs_list  updated  version 89.25 of 2026-08-20 13:34 UTC, 117 logs\n"
    )
    assert "days old; browsers stop trusting one after 70" in done.stderr


def test_one_flipped_byte_is_refused_and_the_installed_list_stays(
    tlsight: Run, tmp_path: Path
) -> None:
    tlsight("update", "--from", REAL)
    bent = tmp_path / "bent"
    shutil.copytree(REAL, bent)
    data = bytearray((bent / "all_logs_list.json").read_bytes())
    data[40_000] ^= 1
    (bent / "all_logs_list.json").write_bytes(data)
    done = tlsight("update", "--from", bent)
    assert done.returncode == 1
    assert "all_logs_list: the list of CT logs is not signed by its key" in done.stderr
    again = json.loads(tlsight("update", "--from", REAL, "--json").stdout)
    assert (again["schema"], again["lists"][0]["status"]) == ("tlsight.update/1", "current")


def test_monitoring_changes_nothing_and_exits_1_when_a_list_is_too_old(
    tlsight: Run, tmp_path: Path
) -> None:
    done = tlsight("update", "--check")
    assert (done.returncode, done.stdout) == (1, "")
    assert "days old" in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_folder_without_lists_and_a_list_that_is_none_are_usage_errors(
    tlsight: Run, tmp_path: Path
) -> None:
    for words in (("--from", tmp_path), ("--from", "/nowhere"), ("nonsense",)):
        done = tlsight("update", *words)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_a_machine_without_network_is_told_in_a_line_for_each_list(tlsight: Run) -> None:
    done = tlsight("update", "log_list", "--mirror", "https://127.0.0.1:9", "--timeout", "1")
    assert done.returncode == 1
    assert "log_list: https://127.0.0.1:9/log_list.json: no answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_one_line_and_exit_4(
    tlsight: Run, tmp_path: Path, powerless: tuple[str, ...]
) -> None:
    folder = tmp_path / "lists"
    tlsight("update", "--from", REAL, "--lists", folder)
    before = [path.name for path in folder.iterdir() if path.suffix != ".lock"]
    (folder / "all_logs_list.signed").unlink()
    folder.chmod(0o555)
    done = tlsight("update", "--from", REAL, "--lists", folder, prefix=powerless)
    folder.chmod(0o755)
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert "cannot be written: Permission denied; the last good file is kept" in line
    assert before == ["all_logs_list.signed"]
