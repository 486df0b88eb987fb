"""The hooks' entry over good and bad files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
GOOD_POLICY = 'internal = [".corp.example.com"]\n'
BAD_POLICY = (
    '[[sanctioned]]\nname = "Old gateway"\nspki = "sha256//' + "A" * 43 + '="\n'
    'decrypt = ["*"]\nexpires = 2020-01-01\n'
)
GOOD_RULES = (
    '[[rule]]\nhost = "www.example.com"\nowner = "network team"\nreason = "it pins its key"\n'
    "expires = 2099-01-01\n"
)
BAD_RULES = GOOD_RULES.replace('host = "www.example.com"', 'suffix = "com"')


def hook(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tlsight.pre_commit", *words],
        capture_output=True, text=True, cwd=folder,
    )  # fmt: skip


def test_a_good_policy_passes_and_an_ended_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD_POLICY)
    (tmp_path / "bad.toml").write_text(BAD_POLICY)
    assert hook(tmp_path, "policy", "good.toml").returncode == 0
    done = hook(tmp_path, "policy", "bad.toml", "good.toml")
    assert done.returncode == 1
    assert "bad.toml:1:" in done.stdout


def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("internal = [\n")
    done = hook(tmp_path, "policy", "policy.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "policy.toml:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_list_that_lets_everything_pass_is_refused(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD_RULES)
    (tmp_path / "bad.toml").write_text(BAD_RULES)
    done = hook(tmp_path, "bypass", "good.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    done = hook(tmp_path, "bypass", "good.toml", "bad.toml")
    assert done.returncode != 0, done.stdout + done.stderr


def test_a_hook_without_a_kind_says_so(tmp_path: Path) -> None:
    done = hook(tmp_path, "anything")
    assert done.returncode == 2
    assert "policy or bypass" in done.stderr


def test_every_hook_of_the_manifest_is_an_entry_that_there_is() -> None:
    hooks = YAML(typ="safe").load(ROOT / ".pre-commit-hooks.yaml")
    assert {one["id"] for one in hooks} == {"tlsight-policy", "tlsight-bypass"}
    for one in hooks:
        assert one["entry"].split()[:3] == ["python", "-m", "tlsight.pre_commit"]
        assert one["entry"].split()[3] in ("policy", "bypass")
