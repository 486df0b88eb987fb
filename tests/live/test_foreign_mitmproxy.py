"""The script in a mitmproxy of another environment, as pipx makes it: it works, or says in one line why not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from addons.scripts import bypass_script, portable_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.errors import StoreError

pytestmark = [pytest.mark.live, pytest.mark.online, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
Environment = Callable[..., Path]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Makes a virtual environment with these packages, the same one only once."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "uv" / "bin" / "uv")
    made: dict[tuple[str, ...], Path] = {}

    def make(*packages: str, python: str = sys.executable, locked: bool = True) -> Path:
        key = (python, *packages)
        if key not in made:
            folder = tmp_path_factory.mktemp("venv")
            lock = ("-c", str(ROOT / "requirements.lock")) if locked else ()
            subprocess.run(
                [uv, "venv", "-q", "--clear", "--python", python, folder],
                check=True, env={**os.environ, "PYENV_VERSION": python},
            )  # fmt: skip
            there = ("--python", str(folder / "bin" / "python"))
            subprocess.run([uv, "pip", "install", "-q", *there, *lock, *packages], check=True)
            made[key] = folder
        return made[key]

    return make


@pytest.fixture(scope="module")
def pipx(environment: Environment) -> Path:
    """A mitmproxy with nothing of tlsight's."""
    return environment("mitmproxy")


def start(folder: Path, environment: Path, *words: object, **more: str) -> subprocess.Popen[str]:
    command = [
        environment / "bin" / "mitmdump", "--listen-host", "127.0.0.1", "--listen-port", "0",
        "--set", f"confdir={folder / 'mitm'}", "--set", f"bypass_store={folder / 'b.sqlite3'}", *words,
    ]  # fmt: skip
    return subprocess.Popen(
        [str(word) for word in command], cwd=folder, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONUNBUFFERED": "1", **more},
    )  # fmt: skip


def lives(folder: Path, environment: Path, *words: object, **more: str) -> str:
    """What it says until its heartbeat is in the store."""
    with start(folder, environment, *words, **more) as process:
        store, deadline = folder / "b.sqlite3", time.monotonic() + 60
        try:
            while time.monotonic() < deadline and process.poll() is None:
                if store.exists():
                    with (
                        suppress(StoreError),
                        BypassStore(store, clock.now, read_only=True) as opened,
                    ):
                        if any(one.pid == process.pid for one in opened.proxies.all()):
                            break
                time.sleep(0.2)
            else:
                pytest.fail("no heartbeat")
        finally:
            process.terminate()
            said, _ = process.communicate(timeout=30)
    return said


def refused(folder: Path, environment: Path, *words: object, **more: str) -> str:
    """The one line of ours that it ends with."""
    with start(folder, environment, *words, **more) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if "tlsight: " in line]
    return line


def test_the_script_in_its_place_serves_a_mitmproxy_elsewhere(
    environment: Environment, pipx: Path, tmp_path: Path
) -> None:
    ours = environment(f"tlsight[proxy] @ {ROOT.as_uri()}")
    command = [ours / "bin" / "tlsight", "bypass", "script"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert path.startswith(str(ours))
    assert "another package" not in lives(tmp_path, pipx, "-s", path)


def test_a_script_that_was_written_stands_anywhere_and_keeps_working(
    pipx: Path, tmp_path: Path
) -> None:
    script = tmp_path / "mine.py"
    command = [sys.executable, "-m", "detector", "bypass", "script", "--write", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{script}\n"
    assert "another package" not in lives(tmp_path, pipx, "-s", script)
    text = subprocess.run([*command[:-2], "--text"], capture_output=True, text=True, check=True)
    assert text.stdout == script.read_text()


def test_what_its_python_lacks_is_named_with_the_remedy(pipx: Path, tmp_path: Path) -> None:
    line = refused(tmp_path, pipx, "-s", bypass_script())  # of a checkout, which has no libraries
    assert "cannot load " in line
    assert "msgspec" in line
    assert str(pipx) in line
    assert "pipx inject mitmproxy 'tlsight[proxy]'" in line


def test_libraries_of_another_python_are_not_taken_for_good(
    environment: Environment, tmp_path: Path
) -> None:
    other = environment("mitmproxy", python="3.12" if sys.version_info[:2] != (3, 12) else "3.13")
    script = tmp_path / "mine.py"
    script.write_text(portable_script())
    line = refused(tmp_path, other, "-s", script)
    assert re.search(r"Python 3\.1[23] of this mitmproxy .* cannot load .*msgspec.*re2", line)


def test_a_mitmproxy_that_is_too_old_is_told_so(environment: Environment, tmp_path: Path) -> None:
    old = environment("mitmproxy==12.1.2", locked=False)
    assert "this is mitmproxy 12.1.2" in refused(tmp_path, old, "-s", bypass_script())


def test_a_tlsight_that_is_gone_is_missed_by_its_script(pipx: Path, tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(portable_script().replace(str(ROOT), str(tmp_path / "gone")))
    line = refused(tmp_path, pipx, "-s", script)
    assert f"tlsight is no longer in {tmp_path / 'gone'}" in line


def test_a_users_package_of_the_same_name_does_not_come_first(pipx: Path, tmp_path: Path) -> None:
    mine = tmp_path / "addons"
    mine.mkdir()
    (mine / "__init__.py").touch()
    script = tmp_path / "mine.py"
    script.write_text(portable_script())
    said = lives(tmp_path, pipx, "-s", script, PYTHONPATH=str(tmp_path))
    assert f"tlsight: {mine} is another package called addons" in said
    # A folder without __init__.py is a package for Python, too.
    (mine / "__init__.py").unlink()
    said = lives(tmp_path, pipx, "-s", script, PYTHONPATH=str(tmp_path))
    assert f"tlsight: {mine} is another package called addons" in said


def test_a_users_package_of_the_same_name_that_is_loaded_already_is_named(
    pipx: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "theirs" / "addons"
    mine.mkdir(parents=True)
    (mine / "__init__.py").touch()
    first = tmp_path / "theirs" / "first.py"
    first.write_text("import addons as mine\n")
    script = tmp_path / "mine.py"
    script.write_text(portable_script())
    line = refused(tmp_path, pipx, "-s", first, "-s", script)
    assert f"a package called addons was loaded from {tmp_path / 'theirs'}" in line
    # The other way round both work: theirs is not in the way of ours.
    assert "another package" not in lives(tmp_path, pipx, "-s", script)
