"""What `trust fix` wrote, kept so that it can be taken back: one file a program in the state folder."""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from detector.auditing.marked_block import has_block, without_block
from detector.bounded import read_whole
from detector.errors import StoreError
from detector.knowledge.folders import state_folder
from detector.knowledge.whole_file import write_whole
from detector.stores.own_files import all_rc_files, writable

_MAX = 16 << 20
_PRIVATE = 0o600


class ChangedFile(msgspec.Struct, frozen=True):
    """A file that a program's own command changed.

    Attributes:
        before: what was in it; None where it was not there.
        after: what was in it then.

    """

    path: str
    before: bytes | None
    after: bytes


class FixEntry(msgspec.Struct, frozen=True):
    """What was written for one program.

    Attributes:
        blocks: files that hold its block.
        files: files that its command changed.
        folders: that were made for it, the outermost first.
        data: the CA's file and the bundle that its line names.

    """

    program: str
    blocks: tuple[str, ...] = ()
    files: tuple[ChangedFile, ...] = ()
    folders: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


class FixJournal:
    """All of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.folder = state_folder(environment) / "trust-fix"

    def programs(self) -> list[str]:
        """Ids of those for which something was written."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def entry(self, program: str) -> FixEntry | None:
        """Raises StoreError for a file that is none of ours."""
        path = self._path(program)
        try:
            return msgspec.json.decode(read_whole(path, _MAX), type=FixEntry)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise StoreError(str(path), f"cannot be read: {error}") from None

    def write(self, entry: FixEntry) -> None:
        """In place of what was there. Raises StoreError."""
        write_whole(self._path(entry.program), msgspec.json.encode(entry), _PRIVATE)

    def forget(self, program: str) -> None:
        """And the files of data that nobody else names."""
        entry = self.entry(program)
        with suppress(OSError):
            self._path(program).unlink()
        self.sweep(entry.data if entry else ())
        remove_empty(self.folder, self.folder.parent)

    def remove_folders(self, folders: Sequence[str]) -> None:
        """Those that are empty; what is left is another entry's to remove."""
        remove_empty(*map(Path, reversed(folders)))
        left = tuple(folder for folder in folders if Path(folder).is_dir())
        for program in self.programs()[:1]:
            entry = self.entry(program)
            if entry is not None and left:
                self.write(msgspec.structs.replace(entry, folders=(*left, *entry.folders)))

    def sweep(self, paths: Iterable[str]) -> None:
        """Removes files of data that no line names any more."""
        used = {path for program in self.programs() for path in self._data(program)}
        for path in map(Path, paths):
            if str(path) not in used:
                with suppress(OSError):
                    path.unlink()
                remove_empty(path.parent, path.parent.parent)

    def _data(self, program: str) -> tuple[str, ...]:
        entry = self.entry(program)
        return entry.data if entry else ()

    def _path(self, program: str) -> Path:
        return self.folder / f"{program}.json"


class Restored(msgspec.Struct, frozen=True):
    """A file as it is to be again; None: not there."""

    path: Path
    now: bytes | None
    text: bytes | None


def restored(program: str, entry: FixEntry | None, home: Path) -> Iterator[Restored]:
    """Every file that holds something of it, as it was. Raises StoreError where that cannot be told any more."""
    blocks = [Path(path) for path in entry.blocks] if entry else []
    for path in dict.fromkeys((*blocks, *all_rc_files(home))):
        try:
            real, text = writable(path, home)
        except StoreError:
            if path in blocks:
                raise
            continue
        if text is not None and has_block(text, program):
            yield Restored(real, text, without_block(text, program))
    for file in entry.files if entry else ():
        real, text = writable(Path(file.path), home)
        yield Restored(real, text, _without_change(file, text))


def put_back(change: Restored) -> None:
    """Write it. Raises StoreError."""
    if change.text is not None:
        write_whole(change.path, change.text)
        return
    try:
        change.path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(str(change.path), f"cannot be removed: {error.strerror}") from None


def remove_empty(*folders: Path) -> None:
    """Those that nobody needs; one that holds something stays."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _without_change(file: ChangedFile, now: bytes | None) -> bytes | None:
    if now is None or _digest(now) == _digest(file.after):
        return file.before
    lines = [*now.splitlines(keepends=True)]
    before, after = (
        (file.before or b"").splitlines(keepends=True),
        file.after.splitlines(keepends=True),
    )
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, _, _, start, stop in reversed(matcher.get_opcodes()):
        if kind == "equal":
            continue
        added = after[start:stop]
        places = [n for n in range(len(lines)) if lines[n : n + len(added)] == added]
        if kind != "insert" or len(places) != 1:
            why = "was changed since by somebody else"
            said = b"".join(added).decode("utf-8", errors="replace").strip()
            raise StoreError(file.path, why, remedy=f"take out yourself: {' '.join(said.split())}")
        del lines[places[0] : places[0] + len(added)]
    return b"".join(lines)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def missing_folders(path: Path) -> list[str]:
    """Folders above a file that are not there yet, the outermost first."""
    found: list[str] = []
    folder = path.parent
    while not folder.exists() and os.fspath(folder) not in found:
        found.insert(0, str(folder))
        folder = folder.parent
    return found
