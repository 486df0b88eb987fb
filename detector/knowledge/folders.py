"""Where settings and state are. Pure: the environment is a value.

A relative path in an XDG variable is no path (XDG Base Directory Specification): it would be another folder
wherever one stands, also one of somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# What systemd makes for a service with StateDirectory=tlsight (systemd.exec(5)).
SERVICE_STATE = Path("/var/lib/tlsight")
# What earlier runs saw, in the state folder.
HISTORY = "history.sqlite3"


def config_folder(environment: Mapping[str, str]) -> Path:
    """The XDG config folder's own part for us. Raises RuntimeError where there is no home either."""
    home = _absolute(environment.get("XDG_CONFIG_HOME", ""))
    return (home or Path.home() / ".config") / "tlsight"


def state_folder(environment: Mapping[str, str]) -> Path:
    """Systemd's STATE_DIRECTORY, else the XDG state folder's own part for us. Raises as `config_folder`."""
    given = _absolute(environment.get("STATE_DIRECTORY", "").split(":")[0])
    if given is not None:
        return given
    home = _absolute(environment.get("XDG_STATE_HOME", ""))
    return (home or Path.home() / ".local" / "state") / "tlsight"


def data_folder(environment: Mapping[str, str]) -> Path:
    """The XDG data folder's own part for us. Raises as `config_folder`."""
    home = _absolute(environment.get("XDG_DATA_HOME", ""))
    return (home or Path.home() / ".local" / "share") / "tlsight"


def _absolute(text: str) -> Path | None:
    path = Path(text)
    return path if text and path.is_absolute() else None
