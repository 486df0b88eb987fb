"""`tlsight mcp` as a verb: what it needs, and what it costs the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.cli.loaded import ROOT, alone_in

# None in the table of modules is how Python is told that there is no such library.
_WITHOUT = "import sys; sys.modules['mcp'] = None; sys.argv = ['tlsight', 'mcp']; from detector.cli import main; main()"
_ALL_VERBS = (
    "import sys; from detector.cli.app import build; build();"
    " print(*{'mcp', 'mcp_types', 'pydantic', 'starlette'} & set(sys.modules))"
)


def python(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=60, cwd=folder,
        stdin=subprocess.DEVNULL, env=alone_in(folder) | {"PYTHONPATH": str(ROOT)} | environment,
    )  # fmt: skip


def test_without_the_extra_one_line_names_the_remedy(tmp_path: Path) -> None:
    done = python(tmp_path, "-c", _WITHOUT)
    assert done.returncode == 2
    assert done.stderr == "tlsight: mcp: mcp is not installed; pip install 'tlsight[mcp]'\n"
    assert done.stdout == ""


def test_other_verbs_load_nothing_of_the_sdk(tmp_path: Path) -> None:
    assert python(tmp_path, "-c", _ALL_VERBS).stdout == "\n"


def test_what_cannot_be_used_is_told_before_an_agent_asks(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("what = is this")
    for words, why in (
        (("--policy", "policy.toml"), "policy.toml:1"),
        (("--proxy", "gopher://proxy"), "gopher"),
        (("--roots", "nothing.pem"), "nothing.pem"),
    ):
        done = python(tmp_path, "-m", "detector", "mcp", *words)
        assert done.returncode == 2
        assert why in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_it_ends_when_there_is_nobody_to_answer(tmp_path: Path) -> None:
    done = python(tmp_path, "-m", "detector", "mcp")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_its_settings_are_a_table_of_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[mcp]\nproxy = "gopher://proxy"\n')
    (tmp_path / "config.toml").chmod(0o600)
    done = python(
        tmp_path, "-m", "detector", "mcp", TLSIGHT_CONFIG=str(tmp_path / "config.toml")
    )  # fmt: skip
    assert done.returncode == 2
    assert "gopher" in done.stderr
