"""The verbs `service`: print files that make a service, or write them where they belong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from detector.cli import ending, exit_codes
from detector.model.harmless import harmless

if TYPE_CHECKING:
    from detector.agent.service.shipped import Shipped

# Folders that are at the root of every machine of their kind.
_OF_THE_ROOT = ("etc/", "usr/", "Library/")


def ship(
    verb: str,
    kind: str,
    kinds: tuple[str, ...],
    read: Callable[[str, str, str], list[Shipped]],
    *,
    command: Path | None,
    write: Path | None,
    force: bool,
) -> int:
    """All of it, and the exit code.

    Args:
        verb: as an error calls it.
        kind: what was asked for.
        kinds: what there is.
        read: gives the files of a kind, by the command's path and the version.
        command: the tlsight that units start; this installation's when left out.
        write: below which folder; None prints.
        force: also over files that somebody changed.

    Raises ConfigError.

    """
    from detector.agent.service.shipped import command_fits, sees_no_home, write_all
    from detector.errors import ConfigError
    from detector.version import __version__

    if kind not in kinds:
        raise ConfigError(verb, f"{kind!r} is none of {', '.join(kinds)}")
    path = command if command is not None else own_command()
    if (why := command_fits(path)) is not None:
        raise ConfigError("--command", why, remedy="give a plain absolute path")
    if kind == "systemd" and sees_no_home(path):
        ending.say(
            f"{path}: the units see no home folder; install tlsight elsewhere, e.g. in /opt/tlsight"
        )
    files = read(kind, str(path), __version__)
    if write is None:
        for one in files:
            print(f"# {f'/{one.place}' if one.place.startswith(_OF_THE_ROOT) else one.place}")
            print(one.text)
        return exit_codes.CLEAN
    for target in write_all(files, write, force=force):
        print(harmless(str(target)))
    return exit_codes.CLEAN


def own_command() -> Path:
    """The command of this installation, where it is one."""
    beside = Path(sys.executable).with_name("tlsight")
    return beside if beside.exists() else Path(sys.argv[0]).absolute()
