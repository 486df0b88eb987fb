"""Files that are part of tlsight and belong somewhere else: units and images, with the command's path filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from detector.bounded import read_regular
from detector.errors import ConfigError


class Shipped(NamedTuple):
    """One file.

    Attributes:
        place: relative to where all are written.

    """

    place: str
    text: str


def read_shipped(
    folder: Path, places: Mapping[str, str], command: str, version: str
) -> list[Shipped]:
    """The files of a folder by their names, each with where it belongs."""
    return [
        Shipped(place, _filled((folder / name).read_text("utf-8"), command, version))
        for name, place in places.items()
    ]


def command_fits(path: Path) -> str | None:
    """Why a unit cannot start that path; None where it can."""
    text = str(path)
    if not path.is_absolute() or not text.isprintable() or set(text) & set(" \t\"'\\$%@{};<>&"):
        return f"{text!r} cannot stand in a unit"
    return None


def sees_no_home(path: Path) -> bool:
    """Whether it lies where units that see no home folder find nothing."""
    return path.parts[1:2] in (("home",), ("root",))


def write_all(files: list[Shipped], below: Path, *, force: bool) -> list[Path]:
    """Write them, also over what somebody changed with `force`; where each went. Raises ConfigError."""
    targets = [(below / one.place, one.text.encode()) for one in files]
    changed = [target for target, text in targets if _differs(target, text)]
    if changed and not force:
        raise ConfigError(
            str(changed[0]),
            "is there, and says something else",
            remedy="--force, or another folder",
        )
    for target, text in targets:
        _write(target, text)
    return [target for target, _ in targets]


def _filled(text: str, command: str, version: str) -> str:
    return text.replace("@TLSIGHT@", command).replace("@VERSION@", version)


def _differs(target: Path, text: bytes) -> bool:
    """Raises ConfigError."""
    try:
        return read_regular(target, 1 << 20) != text
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(str(target), f"cannot be read: {error.strerror or error}") from None


def _write(target: Path, text: bytes) -> None:
    """Raises ConfigError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
        target.chmod(0o644)
    except OSError as error:
        raise ConfigError(str(target), f"cannot be written: {error.strerror or error}") from None
