"""Where settings and state are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from detector.knowledge.folders import (
    config_folder,
    data_folder,
    service_state,
    state_folder,
    system_config,
)


def test_the_variables_say_where() -> None:
    assert config_folder({"XDG_CONFIG_HOME": "/c"}) == Path("/c/tlsight")
    assert state_folder({"XDG_STATE_HOME": "/s"}) == Path("/s/tlsight")
    assert state_folder({"XDG_STATE_HOME": "/s", "STATE_DIRECTORY": "/x:/y"}) == Path("/x")


@pytest.mark.parametrize("relative", ["", ".", "state", "../state", "~/state"])
def test_a_relative_one_is_none(relative: str) -> None:
    home = Path.home()
    assert config_folder({"XDG_CONFIG_HOME": relative}) == home / ".config" / "tlsight"
    assert state_folder({"XDG_STATE_HOME": relative}) == home / ".local" / "state" / "tlsight"
    assert state_folder({"STATE_DIRECTORY": relative, "XDG_STATE_HOME": "/s"}) == Path("/s/tlsight")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_each_system_has_its_own_places(home: Path) -> None:
    for of, linux in (
        (config_folder, ".config"), (state_folder, ".local/state"), (data_folder, ".local/share"),
    ):  # fmt: skip
        assert of({}, "linux") == home / linux / "tlsight"
        assert of({}, "darwin") == home / "Library/Application Support/tlsight"


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_the_variables_hold_on_all_of_them(system: str) -> None:
    assert config_folder({"XDG_CONFIG_HOME": "/c"}, system) == Path("/c/tlsight")
    assert data_folder({"XDG_DATA_HOME": "/d"}, system) == Path("/d/tlsight")
    assert state_folder({"STATE_DIRECTORY": "/x", "XDG_STATE_HOME": "/s"}, system) == Path("/x")


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_a_folder_that_an_earlier_version_made_is_used_on(home: Path, system: str) -> None:
    former = home / ".local/state/tlsight"
    former.mkdir(parents=True)
    assert state_folder({}, system) == former


def test_the_machine_has_folders_of_its_own() -> None:
    assert system_config("linux") == Path("/etc/tlsight")
    assert service_state("tlsight-agent", "linux") == Path("/var/lib/tlsight-agent")
    assert system_config("darwin").is_relative_to("/Library")
    # what service/launchd makes
    assert service_state("tlsight-agent", "darwin") == Path("/Library/Application Support/tlsight")


def test_no_command_on_linux_loads_the_library_for_it() -> None:
    asked = (
        "import sys; from detector.knowledge import folders as f; e = {};"
        " f.config_folder(e); f.state_folder(e); f.data_folder(e); f.system_config();"
        " f.service_state(); print('platformdirs' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert done.stdout == "False\n"
