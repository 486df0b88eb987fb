"""Who has nothing but the wheel gets through the README and the first hour, word by word."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documented import ROOT
from tests.live.docs_commands import follow
from tests.live.docs_world import reader, world

pytestmark = [pytest.mark.live, pytest.mark.online, pytest.mark.timeout(400)]
UV = shutil.which("uv") or str(ROOT / ".tools/uv/bin/uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("dist")
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", into, ROOT], check=True)
    return next(into.glob("*.whl"))


@pytest.fixture(scope="module")
def around() -> Iterator[tuple[Path, int]]:
    with world() as made:
        yield made


@pytest.mark.parametrize("python", ["3.12", "3.13"])
def test_each_command_works_as_it_is_written(
    python: str, wheel: Path, around: tuple[Path, int], tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    subprocess.run(
        [UV, "venv", "--quiet", "--python", python, environment],
        env={**os.environ, "PYENV_VERSION": python}, check=True,
    )  # fmt: skip
    install = [UV, "pip", "install", "--quiet", "--python", environment / "bin/python"]
    subprocess.run([*install, f"{wheel}[fleet,agent]"], check=True)
    for name in ("README.md", "docs/tutorial/first-hour.md"):
        folder = tmp_path / Path(name).stem
        folder.mkdir()
        with reader(*around, folder) as one:
            one.programs = environment / "bin"
            where = one.run("command -v tlsight && tlsight --version")
            assert where.stdout.startswith(str(environment)), where
            assert not (said := follow(ROOT / name, one)), "\n\n".join(said)
