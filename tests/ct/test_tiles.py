"""Tiles: their names, and that proofs from them are the proofs of the tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.ct.merkle import inclusion_path, is_included, tree_hash
from detector.ct.tiles import Tile, parse_tile, path_from_tiles, tile_at, tiles_for
from detector.errors import WireError
from detector.lab.ct_log import LabLog
from tests.ct.test_merkle import HASHES


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(1, 7, 17), "tile/1/007.p/17"),
        (Tile(0, 1234067, 8), "tile/0/x001/x234/067.p/8"),
        (Tile(2, 1000, 256), "tile/2/x001/000"),
    ],
)
def test_tiles_are_where_static_ct_says(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_a_tree_of_seventy_thousand_has_the_partial_tiles_of_the_specification() -> None:
    assert [tile_at(0, 273, 70_000), tile_at(1, 1, 70_000), tile_at(2, 0, 70_000)] == [
        Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1),
    ]  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_a_proof_from_tiles_is_the_proof_of_the_tree(tree: tuple[int, int]) -> None:
    size, index = tree
    log = LabLog(tiled=True)
    log.leaves = HASHES[:size]
    tiles = tiles_for(index, size)
    assert all(1 <= tile.width <= 256 for tile in tiles)
    assert len(tiles) <= 5
    hashes = {tile: parse_tile(log.tile(tile), tile) for tile in tiles}
    path = path_from_tiles(index, size, hashes)
    assert path == inclusion_path(log.leaves, index)
    assert is_included(log.leaves[index], index, size, path, tree_hash(log.leaves))


def test_a_full_tile_serves_for_a_partial_one() -> None:
    tile = Tile(0, 0, 3)
    full = b"".join(HASHES[:256])
    assert parse_tile(full, tile) == parse_tile(full[:96], tile) == HASHES[:3]


@pytest.mark.parametrize("size", [0, 95, 97, 128, 8191, 8193])
def test_a_tile_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(WireError, match="instead of 96"):
        parse_tile(bytes(size), Tile(0, 0, 3))
