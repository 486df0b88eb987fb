"""Which files decide here who is trusted, and whether what is in them changed. Written anew with the same content is no
change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from detector.bounded import read_regular
from detector.stores.bundles import ANCHORS, BUNDLES, HASHED
from detector.stores.java import keystores
from detector.stores.nss import databases
from detector.stores.reading import MAX_BUNDLE

_MOST = 4000


class TrustSense:
    """The stores that `tlsight trust` reads, by their files."""

    def __init__(
        self, environment: Mapping[str, str], homes: Iterable[Path] = (), root: Path = Path("/")
    ) -> None:
        self._environment = environment
        self._homes = tuple(homes)
        self._root = root
        self._read: dict[Path, tuple[tuple[int, int, int], str]] = {}

    def now(self) -> Mapping[Path, str]:
        """Digest of each file that is there. A file is read only where its time or size is another than before."""
        found: dict[Path, tuple[tuple[int, int, int], str]] = {}
        for _, path in zip(range(_MOST), self._files(), strict=False):
            try:
                stat = path.stat()
                state = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                before = self._read.get(path)
                if before is None or before[0] != state:
                    data = read_regular(path, MAX_BUNDLE)
                    before = (state, hashlib.sha256(data).hexdigest())
            except (OSError, ValueError):
                continue
            found[path] = before
        self._read = found
        return {path: digest for path, (_, digest) in found.items()}

    def files(self) -> set[Path]:
        """Bundles, databases and keystores, where each may be."""
        return set(self._single())

    def folders(self) -> set[Path]:
        """In which something happens when trust changes; those that are there."""
        found = {self._root / name for name in (*HASHED, *ANCHORS)}
        found |= {path.parent for path in self._single()}
        return {path for path in found if path.is_dir()}

    def _files(self) -> Iterator[Path]:
        yield from self._single()
        for name in HASHED:
            yield from _sorted((self._root / name).glob("*"))
        for name in ANCHORS:
            yield from _sorted((self._root / name).rglob("*"))

    def _single(self) -> Iterator[Path]:
        yield from (self._root / name for name, _ in BUNDLES)
        yield from (file for file, _ in databases(self._root, self._homes))
        yield from sorted(keystores(self._root, self._homes, self._environment))


def _sorted(found: Iterator[Path]) -> list[Path]:
    try:
        return sorted(path for _, path in zip(range(_MOST), found, strict=False))
    except OSError:
        return []
