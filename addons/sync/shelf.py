"""Where the centre and its gateways leave things for each other.

A shelf holds whole blobs by name, and knows nothing of what they are: whoever takes one down checks who vouches for
it (sealed.py). So a shelf needs few verbs, and whatever has them will do: a folder on any mount, the centre's own
HTTPS, a key-value bucket.

    centre/head                the centre's word, made anew at every round
    centre/list-DIGEST         the list that it names
    gateways/NAME/report       a gateway's state
    gateways/NAME/batch-N      its traffic

A blob is replaced whole or not at all, and may be old: a copy that came late, or that somebody put back. Who reads
must be able to tell. To watch is to ask again.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from detector import clock
from detector.bounded import read_regular
from detector.errors import StoreError
from detector.knowledge.whole_file import write_whole

HEAD = "centre/head"
GATEWAY_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_BLOB = re.compile(
    r"centre/(?:head|list-[0-9a-f]{64})|gateways/[a-z0-9-]{1,32}/(?:report|batch-[0-9]{1,16})"
)
# Names looked at in one folder; a gateway's window is far below.
_MOST = 256
_LEFT_BEHIND = 3600.0


class Shelf(Protocol):
    """Any of them. Each verb raises StoreError or FetchError where the shelf cannot be reached or is full."""

    async def get(self, name: str, limit: int) -> bytes | None:
        """A blob; None where there is none. More than `limit` bytes are an error."""

    async def put(self, name: str, blob: bytes) -> None:
        """Put it in the place of one of that name; whole, or not at all."""

    async def list(self, under: str) -> list[str]:
        """Names that begin with `under` and a slash, so far as one may see them; in no order."""


class CentreShelf(Shelf, Protocol):
    """What the centre needs besides."""

    async def drop(self, name: str) -> None:
        """Take one away; nothing happens where there is none."""


class FolderShelf:
    """A folder on any mount (NFS, SMB, what rsync or Syncthing copies): plain files, and no lock between machines.

    Args:
        folder: must be there: made on the spot, one whose mount is missing would be an empty shelf.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def get(self, name: str, limit: int) -> bytes | None:
        path = self._path(name)
        self._there()
        try:
            blob = read_regular(path, limit + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(str(path), f"cannot be read: {error.strerror or error}") from None
        if len(blob) > limit:
            raise StoreError(str(path), f"is larger than {limit} bytes")
        return blob

    async def put(self, name: str, blob: bytes) -> None:
        path = self._path(name)
        self._there()
        try:  # not as write_whole makes it, for one user alone: the centre and its gateways share it
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(str(path.parent), f"cannot be made: {error.strerror}") from None
        write_whole(path, blob, 0o640)

    async def list(self, under: str) -> list[str]:
        self._there()
        folder = self._folder / under
        found: list[str] = []
        try:
            for one in folder.iterdir():
                if _BLOB.fullmatch(f"{under}/{one.name}"):
                    found.append(f"{under}/{one.name}")
                elif one.name.startswith(".tlsight-"):
                    _sweep(one)
                if len(found) >= _MOST:
                    break
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StoreError(str(folder), f"cannot be read: {error.strerror}") from None
        return found

    async def drop(self, name: str) -> None:
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(str(path), f"cannot be removed: {error.strerror}") from None

    def _path(self, name: str) -> Path:
        assert _BLOB.fullmatch(name), name
        return self._folder / name

    def _there(self) -> None:
        try:
            there = self._folder.is_dir()
            why = "is no folder"
        except OSError as error:
            there, why = False, error.strerror or str(error)
        if not there:
            remedy = "make it, or mount what belongs there"
            raise StoreError(str(self._folder), why, remedy=remedy)


def list_name(digest: str) -> str:
    """Of a list: one that is replaced meanwhile must not be taken for a damaged one."""
    return f"centre/list-{digest}"


def report_name(gateway: str) -> str:
    """Of a gateway's report."""
    return f"gateways/{gateway}/report"


def batch_name(gateway: str, number: int) -> str:
    """Of a gateway's batch."""
    return f"gateways/{gateway}/batch-{number}"


def batch_number(name: str) -> int | None:
    """Of a blob with such a name, None for another one."""
    _, dash, number = name.rpartition("/batch-")
    return int(number) if dash and number.isdecimal() else None


def _sweep(part: Path) -> None:
    """What a writer that was killed has left: it has no other name yet."""
    with suppress(OSError):
        if clock.now().timestamp() - part.stat().st_mtime > _LEFT_BEHIND:
            part.unlink()
