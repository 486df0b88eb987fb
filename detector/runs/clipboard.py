"""What lies on the clipboard, by the tool of the system that reads it: there is no one way for all desktops."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from shutil import which
from threading import Timer

from detector.errors import ConfigError

MOST = 1 << 20
_SECONDS = 5.0
_REMEDY = "install wl-clipboard, xclip or xsel, or pipe: COMMAND 2>&1 | tlsight explain"
# The variable without which a tool has no desktop to ask, and its command.
_TOOLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("WAYLAND_DISPLAY", ("wl-paste", "--no-newline", "--type", "text")),
    ("DISPLAY", ("xclip", "-selection", "clipboard", "-out")),
    ("DISPLAY", ("xsel", "--clipboard", "--output")),
    ("TERMUX_VERSION", ("termux-clipboard-get",)),
    ("WSL_DISTRO_NAME", ("powershell.exe", "-NoProfile", "-Command", "Get-Clipboard -Raw")),
)
_SYSTEMS: dict[str, tuple[str, ...]] = {
    "darwin": ("pbpaste",),
    "win32": ("powershell.exe", "-NoProfile", "-Command", "Get-Clipboard -Raw"),
}


def clipboard(environment: Mapping[str, str], option: str = "--clipboard") -> bytes:
    """The text on it, up to MOST bytes. Raises ConfigError where no tool reads it, or none is there."""
    why = "no tool that reads the clipboard is here"
    for command in _commands(environment):
        path = which(command[0], path=environment.get("PATH"))
        if path is None:
            continue
        text, trouble = _read((path, *command[1:]), environment)
        if text.strip():
            return text
        why = f"{command[0]}: {trouble}" if trouble else f"{command[0]} finds no text on it"
    raise ConfigError(option, why, remedy=_REMEDY)


def _commands(environment: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    if sys.platform in _SYSTEMS:
        yield _SYSTEMS[sys.platform]
    for variable, command in _TOOLS:
        if environment.get(variable):
            yield command


def _read(command: tuple[str, ...], environment: Mapping[str, str]) -> tuple[bytes, str]:
    """What it prints, and what it complains of. A tool that waits, or prints for ever, is ended."""
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=dict(environment),
        ) as tool:  # fmt: skip
            timer = Timer(_SECONDS, tool.kill)
            timer.start()
            try:
                assert tool.stdout is not None
                text = tool.stdout.read(MOST)
                slow = not timer.is_alive()
            finally:
                timer.cancel()
                tool.kill()
    except OSError as error:
        return b"", error.strerror or str(error)
    return text, f"no answer within {_SECONDS:g} s" if slow else ""
