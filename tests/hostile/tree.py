"""The commands of the CLI, read from the command line itself: a verb or an option added later is seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from detector.cli.app import build

# Texts that name files, which their type does not say.
TEXTS = frozenset(
    (
        ("judge", "files"), ("logs", "files"), ("logs", "pcap"), ("pcap", "files"),
        ("pcap", "access_log"), ("pcap", "logs"), ("engine learn", "files"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class FileOption:
    """An option or an argument that takes a file or a folder."""

    command: str
    name: str
    flag: str | None

    def given(self, path: str) -> tuple[str, ...]:
        return (path,) if self.flag is None else (self.flag, path)


def commands() -> dict[str, Any]:
    """Every command that does something, by its words."""
    return dict(_below(build(), ()))


def _below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    # A group that does something by itself is a command too.
    if not inner or (words and getattr(command, "invoke_without_command", False)):
        yield " ".join(words), command
    for name, below in (inner or {}).items():
        yield from _below(below, (*words, name))


def file_options() -> list[FileOption]:
    """Every option of every command that takes a file."""
    return [
        FileOption(words, option.name, option.opts[0] if option.opts[0].startswith("-") else None)
        for words, command in commands().items()
        for option in command.params
        if getattr(option.type, "name", "") == "path" or (words, option.name) in TEXTS
    ]
