"""A static-ct log's tree as tiles of 256 hashes (c2sp.org/static-ct-api, section "Merkle Tree").

Tile N of level L holds the hashes of the full subtrees of 256**L leaves, from number 256 * N on.
Levels between are hashed from them. The last tile of a level is partial.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from detector.ct.merkle import HASH_SIZE, inclusion_ranges, node_hash, range_hash
from detector.errors import WireError

WIDTH = 256
_HEIGHT = 8


class Tile(msgspec.Struct, frozen=True):
    """One tile of a tree of a certain size; `width` 256 is a full one."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Below the monitoring prefix, e.g. "tile/0/x001/x234/067.p/8"."""
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"{self.full_path}{partial}"

    @property
    def full_path(self) -> str:
        """Where the tile is once it is full; logs may drop its partial forms then."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        return f"tile/{self.level}/{'/'.join(reversed(groups))}"


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile as a log of `size` entries serves it."""
    return Tile(level, index, min(WIDTH, (size >> (_HEIGHT * level)) - WIDTH * index))


def tiles_for(index: int, size: int) -> list[Tile]:
    """Every tile that the inclusion proof of leaf `index` needs, the leaf's own first.

    Raises ValueError where there is no such leaf.
    """
    wanted: dict[Tile, None] = {tile_at(0, index // WIDTH, size): None}

    def note(level: int, place: int) -> bytes:
        wanted[_tile_of(level, place, size)[0]] = None
        return b""

    for start, end in inclusion_ranges(index, size):
        range_hash(start, end, note)
    return list(wanted)


def path_from_tiles(index: int, size: int, hashes: dict[Tile, Sequence[bytes]]) -> list[bytes]:
    """The inclusion proof, from the tiles that `tiles_for` names. Raises KeyError without them."""

    def node(level: int, place: int) -> bytes:
        tile, first, count = _tile_of(level, place, size)
        row = list(hashes[tile][first : first + count])
        while len(row) > 1:
            row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
        return row[0]

    return [range_hash(start, end, node) for start, end in inclusion_ranges(index, size)]


def parse_tile(body: bytes, tile: Tile) -> list[bytes]:
    """The hashes of a tile; a full tile serves for a partial one. Raises WireError."""
    if len(body) not in (tile.width * HASH_SIZE, WIDTH * HASH_SIZE):
        wanted = tile.width * HASH_SIZE
        raise WireError(f"{tile.path}: {len(body)} bytes instead of {wanted}", len(body))
    return [body[i : i + HASH_SIZE] for i in range(0, tile.width * HASH_SIZE, HASH_SIZE)]


def _tile_of(level: int, place: int, size: int) -> tuple[Tile, int, int]:
    """The tile that holds a full subtree's hash or the hashes under it, the first of them, how many."""
    row, inside = divmod(level, _HEIGHT)
    first = place << inside
    return tile_at(row, first // WIDTH, size), first % WIDTH, 1 << inside
