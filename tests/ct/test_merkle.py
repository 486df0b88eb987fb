"""The tree's mathematics against published roots, against its definition, and against liars."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.ct import merkle
from detector.ct.merkle import leaf_hash, tree_hash

# Entries and roots of the reference implementation's Merkle tree test (certificate-transparency),
# for the trees of RFC 9162 section 2.1.5 and one leaf more.
ENTRIES = [
    b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)), bytes(range(0x60, 0x70)),
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def names(ranges: list[tuple[int, int]]) -> str:
    """Ranges named like RFC 9162 section 2.1.5: a..g the leaves' hashes, h..l the nodes above."""
    table = {(n, n + 1): letter for n, letter in enumerate("abcdef")}
    table |= {(6, 7): "j", (0, 2): "g", (2, 4): "h", (4, 6): "i", (0, 4): "k", (4, 7): "l"}
    return " ".join(table[found] for found in ranges)


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert tree_hash([]).hex().startswith("e3b0c44298fc1c149afbf4c8996fb924")


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots_come_out(size: int) -> None:
    assert tree_hash(LEAVES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("leaf", "path"), [(0, "b h l"), (3, "c g l"), (4, "f j k"), (6, "i k")])
def test_the_audit_paths_of_rfc_9162_come_out(leaf: int, path: str) -> None:
    assert names(merkle.inclusion_ranges(leaf, 7)) == path


def test_a_leaf_cannot_pass_for_a_node() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != merkle.node_hash(left, right)


def trees(most: int) -> st.SearchStrategy[tuple[int, int]]:
    """Size, and a place in it."""
    return st.integers(1, most).flatmap(
        lambda size: st.tuples(st.just(size), st.integers(0, size - 1))
    )


HASHES = [leaf_hash(b"%d" % number) for number in range(10_000)]


@settings(deadline=None, max_examples=150)
@given(trees(10_000))
def test_every_leaf_of_every_tree_proves_its_place_and_no_other(tree: tuple[int, int]) -> None:
    size, index = tree
    leaves = HASHES[:size]
    root = tree_hash(leaves)
    path = merkle.inclusion_path(leaves, index)
    assert len(path) <= 14
    assert merkle.is_included(leaves[index], index, size, path, root)
    assert not merkle.is_included(leaf_hash(b"another"), index, size, path, root)
    assert not merkle.is_included(leaves[index], index, size, [*path, root], root)
    assert not merkle.is_included(leaves[index], size, size, path, root)
    if path:
        assert not merkle.is_included(leaves[index], index, size, path[:-1], root)
        assert not merkle.is_included(leaves[index], index, size, [bytes(32), *path[1:]], root)
        assert not merkle.is_included(leaves[index], index ^ 1, size, path, root)


@settings(deadline=None)
@given(
    st.integers(-2, 1 << 64),
    st.integers(-2, 1 << 64),
    st.lists(st.binary(max_size=33), max_size=70),
)
def test_numbers_from_a_liar_are_no_proof_and_no_trouble(
    index: int, size: int, path: list[bytes]
) -> None:
    assert not merkle.is_included(HASHES[0], index, size, path, bytes(32))


@pytest.mark.parametrize(("index", "size"), [(-1, 1), (1, 1), (0, 0), (0, 1 << 63)])
def test_a_place_outside_the_tree_is_an_error(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_ranges(index, size)
