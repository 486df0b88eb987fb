"""The bench as a command: what is missing is told at once, and its lab never outlives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bench(*words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "bench" / "run.py"), *words],
        env={**os.environ, **({"PATH": path} if path is not None else {})},
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=100,
    )  # fmt: skip


def test_a_missing_program_is_told_before_anything_starts() -> None:
    done = bench("--only", "diagnosis", path="/nowhere")
    assert done.returncode == 1
    assert "not installed: openssl, curl, testssl" in done.stderr
    assert done.stdout == ""


def test_an_unknown_part_is_a_usage_error() -> None:
    done = bench("--only", "judge,nope")
    assert (done.returncode, "no part 'nope'" in done.stderr) == (2, True)


def test_a_part_alone_keeps_its_figures(tmp_path: Path) -> None:
    file = tmp_path / "now.json"
    done = bench("--quick", "--only", "start", "--json", str(file))
    assert done.returncode == 0, done.stderr
    record = json.loads(file.read_text())
    (figure,) = record["figures"]
    assert figure["name"].startswith("--version: wall")


def test_a_file_is_compared_with_before_it_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "now.json"
    name = "--version: wall, times bare Python's"
    figures = [{"name": name, "value": 0.001, "better": "lower", "noise": 0.1}]
    file.write_text(json.dumps({"schema": "tlsight.bench/1", "figures": figures}))
    done = bench("--quick", "--only", "start", "--json", str(file), "--compare", str(file))
    assert done.returncode == 1
    row = next(line for line in done.stdout.splitlines() if line.startswith(name))
    assert row.split()[-1] == "WORSE"
    assert " 0.001 " in row


def test_the_lab_ends_when_its_block_raises(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path[:0] = [sys.argv[1] + '/bench', sys.argv[1]]\n"
        "from pathlib import Path\n"
        "from diagnosis import served\n"
        "with served(Path(sys.argv[2])):\n"
        "    raise RuntimeError('a tool is missing')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT), str(tmp_path)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert "a tool is missing" in done.stderr
    left = subprocess.run(["pgrep", "-f", f"lab serve.*{tmp_path}"], capture_output=True, text=True)
    assert left.stdout == ""
