"""Plans and writings of `trust fix`; with the real programs in tests/live."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from detector.errors import ConfigError, StoreError
from detector.lab.pki import Authority
from detector.runs import trust_fix
from detector.runs.trust_ca import read_ca
from detector.runs.trust_fix import FixRun

Environment = Mapping[str, str]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".bashrc").write_bytes(b"export A=1")
    for name in [*os.environ]:
        if "CERT" in name or "CA_" in name or name.startswith("XDG_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    return {"HOME": str(home), "SHELL": "/bin/bash", "PATH": os.environ["PATH"]}


@pytest.fixture
def ca(tmp_path: Path, corporate: Authority) -> Path:
    path = tmp_path / "ca.pem"
    path.write_text(corporate.pem)
    return path


def run(ca: Path, program: str = "node", **more: object) -> FixRun:
    return FixRun(program, ca=ca, sha256=read_ca(ca).sha256, **more)  # type: ignore[arg-type]


def files(home: str) -> dict[str, bytes]:
    return {str(p.relative_to(home)): p.read_bytes() for p in Path(home).rglob("*") if p.is_file()}


def test_the_dry_run_shows_what_changes_and_changes_nothing(
    environment: dict[str, str], ca: Path
) -> None:
    before = files(environment["HOME"])
    done = run(ca, dry_run=True).fix(environment)
    (step,) = done.steps
    assert done.ask.startswith("Ask who runs it")
    assert "+export NODE_EXTRA_CA_CERTS=" in step.diff
    assert files(environment["HOME"]) == before


def test_the_bundle_holds_the_public_roots_and_the_ca_for_all_to_read(
    environment: dict[str, str], ca: Path, corporate: Authority
) -> None:
    done = run(ca, "curl").fix(environment)
    own, bundle = (Path(name) for name in done.files)
    assert own.read_text() == corporate.pem
    assert bundle.read_text().count("BEGIN CERTIFICATE") > 50
    assert corporate.pem.strip() in bundle.read_text()
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o644


def test_another_ca_takes_the_place_of_the_first_and_leaves_nothing_of_it(
    environment: dict[str, str], ca: Path, tmp_path: Path
) -> None:
    home = environment["HOME"]
    before = files(home)
    run(ca).fix(environment)
    other = tmp_path / "other.pem"
    other.write_text(Authority("Next CA").pem)
    done = run(other).fix(environment)
    folder = Path(done.files[0]).parent
    assert {path.name for path in folder.iterdir()} == {Path(name).name for name in done.files}
    assert (Path(home) / ".bashrc").read_text().count("tlsight trust fix") == 2
    FixRun("node").undo(environment)
    assert files(home) == before


def test_what_fails_half_way_leaves_nothing(
    environment: dict[str, str], ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full when the start file is to be written."""
    before = files(environment["HOME"])
    folders = {*Path(environment["HOME"]).rglob("*")}
    real = trust_fix.write_whole

    def full(path: Path, data: bytes, mode: int = 0o644) -> None:
        if path.name == ".bashrc":
            raise StoreError(str(path), f"cannot be written: {os.strerror(errno.ENOSPC)}")
        real(path, data, mode)

    monkeypatch.setattr(trust_fix, "write_whole", full)
    with pytest.raises(StoreError, match="No space left"):
        run(ca).fix(environment)
    assert files(environment["HOME"]) == before
    assert {*Path(environment["HOME"]).rglob("*")} == folders


def test_fish_gets_a_line_of_its_own(environment: dict[str, str], ca: Path) -> None:
    done = run(ca, shell="fish").fix(environment)
    assert done.steps[0].line.startswith("set -gx NODE_EXTRA_CA_CERTS /")
    FixRun("node").undo(environment)
    assert {*files(environment["HOME"])} == {".bashrc"}
    assert not (Path(environment["HOME"]) / ".config").exists()


def test_a_program_without_such_a_line_is_refused(environment: dict[str, str], ca: Path) -> None:
    with pytest.raises(ConfigError, match="no line of it can be written here"):
        run(ca, "zoom").fix(environment)


def test_without_a_ca_nothing_is_done(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="--ca"):
        FixRun("node").fix(environment)


def test_a_line_that_has_no_effect_gives_way_to_one_that_has(
    environment: dict[str, str], ca: Path
) -> None:
    """Npm's own cafile takes the place of what Node's variable adds to."""
    (Path(environment["HOME"]) / ".npmrc").write_text("cafile=/etc/own.pem\n")
    (step,) = run(ca, "npm", dry_run=True).fix(environment).steps
    assert step.command[:4] == ("npm", "config", "set", "cafile")


def test_to_undo_what_was_not_done_is_no_mistake(environment: dict[str, str]) -> None:
    (step,) = FixRun("node").undo(environment).steps
    assert step.note == "nothing of it is there"
    assert FixRun(None).undo(environment).steps == ()
