"""`tlsight bypass service`: the files that make it a service."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from addons.cli import given
from detector.cli import exit_codes


def service(
    kind: Annotated[str, typer.Argument(help="systemd, docker or logrotate.")],
    write: Annotated[
        Path | None,
        typer.Option(help="Write them below this folder; / puts them where systemd looks."),
    ] = None,
    command: Annotated[
        Path | None, typer.Option(help="The tlsight that units start; this one when left out.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also over files that somebody changed.")
    ] = False,
) -> int:
    """Print units, a Dockerfile or logrotate's settings, or write them where they belong."""
    from addons.service import KINDS, shipped
    from detector.errors import ConfigError
    from detector.version import __version__

    if kind not in KINDS:
        raise ConfigError("bypass service", f"{kind!r} is none of {', '.join(KINDS)}")
    path = command if command is not None else _own()
    _check(path)
    files = shipped(kind, str(path), __version__)
    if write is None:
        for one in files:
            print(f"# {one.place if kind == 'docker' else f'/{one.place}'}")
            print(one.text)
        return exit_codes.CLEAN
    targets = [(write / one.place, one.text.encode()) for one in files]
    changed = [target for target, text in targets if _differs(target, text)]
    if changed and not force:
        raise ConfigError(
            str(changed[0]),
            "is there, and says something else",
            remedy="--force, or another folder",
        )
    for target, text in targets:
        _write(target, text)
        given.say(str(target))
    return exit_codes.CLEAN


def register(app: typer.Typer) -> None:
    app.command("service")(service)


def _own() -> Path:
    """The command of this installation, where it is one."""
    beside = Path(sys.executable).with_name("tlsight")
    return beside if beside.exists() else Path(sys.argv[0]).absolute()


def _check(path: Path) -> None:
    """Whether a unit can start it. Raises ConfigError."""
    from detector.errors import ConfigError

    text = str(path)
    if not path.is_absolute() or not text.isprintable() or set(text) & set(" \t\"'\\$%@{};"):
        why = f"{text!r} cannot stand in a unit"
        raise ConfigError("--command", why, remedy="give a plain absolute path")
    if path.parts[1:2] in (("home",), ("root",)):
        given.tell(
            f"{path}: the units see no home folder; install tlsight elsewhere, e.g. in /opt/tlsight"
        )


def _differs(target: Path, text: bytes) -> bool:
    """Raises ConfigError."""
    from detector.bounded import read_bounded
    from detector.errors import ConfigError

    try:
        return read_bounded(target, 1 << 20) != text
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(str(target), f"cannot be read: {error.strerror or error}") from None


def _write(target: Path, text: bytes) -> None:
    """Raises ConfigError."""
    from detector.errors import ConfigError

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
        target.chmod(0o644)
    except OSError as error:
        raise ConfigError(str(target), f"cannot be written: {error.strerror or error}") from None
