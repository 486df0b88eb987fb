"""What is missing is named with its remedy."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.extras import demand


def test_a_library_that_is_missing_is_named_with_the_option_and_the_remedy() -> None:
    with pytest.raises(ConfigError, match="--recover: no_such_library is not installed") as caught:
        demand("--recover", "no_such_library", "recover")
    assert caught.value.remedy == "pip install 'tlsight[recover]'"


def test_one_that_is_there_is_no_matter() -> None:
    demand("--roots", "certifi", "none")


# The command where no extra is installed: its libraries are not found.
_BARE = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name in MISSING else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
from detector.cli import main
sys.exit(main())
"""
_IMPORTED_AS = {
    "argon2-cffi": "argon2", "nats-py": "nats", "python-multipart": "multipart", "tlslite-ng": "tlslite",
}  # fmt: skip


def libraries() -> list[str]:
    """What the extras bring, as it is imported."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    extras = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    names = {one.partition(">")[0] for rows in extras.values() for one in rows}
    own = {name for name in names if not name.startswith("tlsight[")} | {"python_multipart"}
    return sorted(_IMPORTED_AS.get(name, name.replace("-", "_")) for name in own)


@pytest.mark.parametrize(
    "words",
    [
        "bypass serve", "bypass due --ics", "bypass user add ann", "check --recover 127.0.0.1:1",
        "check --other-ways 127.0.0.1:1", "check --proxy pac+file:///x 127.0.0.1:1", "fleet page",
        "fleet serve --name fleet.test", "fleet user add ann", "logs --plot new.svg /dev/null", "mcp",
    ],
)  # fmt: skip
def test_a_verb_without_its_library_says_what_to_install(words: str, tmp_path: Path) -> None:
    begin = f"MISSING = {libraries()!r}\n{_BARE}"
    done = subprocess.run(
        [sys.executable, "-c", begin, *words.split()], cwd=tmp_path, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=60, check=False,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert "is not installed; pip install 'tlsight[" in done.stderr or "need pypac" in done.stderr
    assert "unexpected" not in done.stderr
    assert done.returncode == 2
