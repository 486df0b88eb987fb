"""Files that a command writes are none that it reads, and each is another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from detector.errors import ConfigError

STDIN_OR_OUT = "-"


def refuse_overwriting(
    outputs: Mapping[str, str | Path | None], inputs: Iterable[str | Path | bytes]
) -> None:
    """Look before anything is written.

    Args:
        outputs: option -> file; None for none, and "-" as a str where the option writes to stdout by that word. A
            Path is always a file, so "-" is none that somebody means.
        inputs: files that are read; contents and "-" are none.

    Raises ConfigError.

    """
    read = [Path(one) for one in inputs if not isinstance(one, bytes) and one != STDIN_OR_OUT]
    written: dict[str, Path] = {}
    for option, name in outputs.items():
        if name is None or name == STDIN_OR_OUT:
            continue
        if isinstance(name, Path) and str(name) == STDIN_OR_OUT:
            raise ConfigError(
                f"{option} -", "stdout is the text's", remedy="name a file, or /dev/stdout"
            )
        path = Path(name)
        if any(_is_same(path, other) for other in read):
            raise ConfigError(f"{option} {path}", "is read itself", remedy="write to another file")
        for before, other in written.items():
            if _is_same(path, other):
                raise ConfigError(
                    f"{option} {path}", f"is written by {before}, too", remedy="name two files"
                )
        written[option] = path


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there yet
        return one.absolute() == other.absolute()
