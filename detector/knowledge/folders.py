"""Where settings, state and data are, on each system. Pure but for looking whether a former folder is there.

The order, for each kind
------------------------
1. State alone: systemd's STATE_DIRECTORY.
2. The XDG variable, on every system. A relative path in it is no path (XDG Base Directory Specification): it would be
   another folder wherever one stands, also one of somebody else.
3. The folder of that specification below the user's home: on Linux and its like always; on macOS and Windows where it
   is there, because versions before this order made it there, and a store that is not found is a store that is lost.
4. macOS, Windows: what platformdirs says. It takes 16 ms to load, which no command on Linux pays.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

Kind = Literal["config", "state", "data"]
_NAME = "tlsight"
_XDG: dict[Kind, tuple[str, str]] = {
    "config": ("XDG_CONFIG_HOME", ".config"),
    "state": ("XDG_STATE_HOME", ".local/state"),
    "data": ("XDG_DATA_HOME", ".local/share"),
}
_OTHERS = ("darwin", "win32")
# What earlier runs saw, in the state folder.
HISTORY = "history.sqlite3"


def config_folder(environment: Mapping[str, str], system: str = sys.platform) -> Path:
    """The user's settings. Raises RuntimeError where there is no home either."""
    return _of_the_user("config", environment, system)


def state_folder(environment: Mapping[str, str], system: str = sys.platform) -> Path:
    """Stores, history, lists: of the service where systemd says so, else the user's. Raises as `config_folder`."""
    given = _absolute(environment.get("STATE_DIRECTORY", "").split(":")[0])
    return given or _of_the_user("state", environment, system)


def data_folder(environment: Mapping[str, str], system: str = sys.platform) -> Path:
    """What the user's other programs read. Raises as `config_folder`."""
    return _of_the_user("data", environment, system)


def system_config(system: str = sys.platform) -> Path:
    """The machine's settings."""
    # platformdirs says /etc/xdg, which is for the desktop's (FHS 3.0, section 3.7).
    return _of_the_machine("config", system) or Path("/etc") / _NAME


def service_state(name: str = _NAME, system: str = sys.platform) -> Path:
    """What is made for a service with StateDirectory=NAME (systemd.exec(5)); elsewhere all services' of ours."""
    return _of_the_machine("state", system) or Path("/var/lib") / name


def _of_the_user(kind: Kind, environment: Mapping[str, str], system: str) -> Path:
    variable, below = _XDG[kind]
    given = _absolute(environment.get(variable, ""))
    if given is not None:
        return given / _NAME
    former = Path.home() / below / _NAME
    if system not in _OTHERS or former.exists():
        return former
    usual: Path = _usual(f"user_{kind}_path", system)
    return usual


def _of_the_machine(kind: Kind, system: str) -> Path | None:
    if system == "darwin":
        # platformdirs says Homebrew's where its Python runs: a service is not to move with that.
        return Path("/Library/Application Support") / _NAME
    return _usual(f"site_{kind}_path", system) if system == "win32" else None


def _usual(which: str, system: str) -> Any:
    if system == "darwin":
        from platformdirs.macos import MacOS

        return getattr(MacOS(_NAME, appauthor=False), which)
    from platformdirs.windows import Windows

    return getattr(Windows(_NAME, appauthor=False), which)


def _absolute(text: str) -> Path | None:
    path = Path(text)
    return path if text and path.is_absolute() else None
