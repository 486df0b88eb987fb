"""`tlsight trust fix` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detector.chain.certificate import Certificate
from detector.lab.pki import Authority
from tests.cli.conftest import Run


@pytest.fixture
def own(tmp_path: Path, corporate: Authority) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    (tmp_path / "ca.pem").write_text(corporate.pem)
    return {
        "HOME": str(tmp_path / "home"),
        "SHELL": "/bin/bash",
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }


def test_a_line_is_written_and_taken_back(
    tlsight: Run, tmp_path: Path, own: dict[str, str], corporate: Authority
) -> None:
    digest = Certificate(corporate.der).sha256
    words = ("trust", "fix", "node", "--ca", tmp_path / "ca.pem", "--sha256", digest)
    shown = tlsight(*words, "--dry-run", **own)
    assert shown.stdout.startswith("First: Ask who runs it")
    assert "+export NODE_EXTRA_CA_CERTS=" in shown.stdout
    rc = tmp_path / "home/.bashrc"
    assert not rc.exists()
    done = tlsight(*words, "--json", **own)
    record = json.loads(done.stdout)
    assert (record["schema"], record["sha256"]) == ("tlsight.trust-fix/1", digest)
    assert record["steps"][0]["line"] in rc.read_text()
    assert tlsight("trust", "fix", "node", "--undo", **own).returncode == 0
    assert not rc.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name one program"), (("node", "--all"), "name one program"),
        (("node",), "--ca"), (("node", "--ca", "/nowhere"), "No such file"),
        (("node", "--ca", "CA"), "nobody has answered"),
        (("node", "--ca", "CA", "--shell", "csh", "--sha256", "x"), "none of"),
    ],
)  # fmt: skip
def test_refusals_are_one_line_and_exit_2(
    tlsight: Run, tmp_path: Path, own: dict[str, str], words: tuple[str, ...], says: str
) -> None:
    given = [str(tmp_path / "ca.pem") if word == "CA" else word for word in words]
    done = tlsight("trust", "fix", *given, **own)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert says in done.stderr


def test_without_a_home_it_is_one_line(tlsight: Run, tmp_path: Path, own: dict[str, str]) -> None:
    done = tlsight("trust", "fix", "node", "--ca", tmp_path / "ca.pem", **(own | {"HOME": ""}))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
