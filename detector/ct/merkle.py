"""Merkle trees as logs use them (RFC 9162 section 2.1, the same tree as RFC 6962 section 2.1).

Rules
-----
1. A leaf's hash is SHA-256(00 | entry), a node's SHA-256(01 | left | right): no leaf can pass for a
   node.
2. A tree of n leaves splits at the largest power of two smaller than n.
3. A proof has exactly as many hashes as its place in the tree asks for; one more or one less is no
   proof.

Theory of operation
-------------------
Verification folds a proof from the leaf up. `fn` is the place of the current node at its level, `sn`
that of the level's last node. A node that is a right child, or the last of its level, has its
sibling on the left; a last node without a sibling rises until it is a right child.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

HASH_SIZE = 32
MAX_TREE = 1 << 62  # more entries than any log will hold; bounds every proof to 62 hashes


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one log entry (32 bytes)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node over its children's hashes."""
    return sha256(b"\x01" + left + right).digest()


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """Merkle Tree Hash over leaf hashes, by definition (RFC 9162 section 2.1.1)."""
    if not leaves:
        return sha256(b"").digest()
    return range_hash(0, len(leaves), lambda level, index: _full(leaves, level, index))


def range_hash(start: int, end: int, node: Callable[[int, int], bytes]) -> bytes:
    """Hash of the subtree over leaves start..end-1.

    Args:
        start: a multiple of the largest power of two below the size, as the subtrees of a tree are.
        end: one past the last leaf.
        node: hash of a full subtree: (level, index) covers leaves index << level onwards.

    """
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    split = start + _split(size)
    return node_hash(range_hash(start, split, node), range_hash(split, end, node))


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The subtrees whose hashes prove that leaf `index` is in a tree of `size`, leaf's sibling first.

    RFC 9162 section 2.1.3.1. Raises ValueError where there is no such leaf.
    """
    _check_place(index, size)
    start, end = 0, size
    ranges: list[tuple[int, int]] = []
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    return ranges[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to, None when it has the wrong length.

    RFC 9162 section 2.1.3.2. Raises ValueError where there is no such leaf.
    """
    _check_place(index, size)
    fn, sn, root = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = node_hash(sibling, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, sibling)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path proves that `leaf` stands at `index` of the tree of `size` under `root`."""
    if not 0 <= index < size <= MAX_TREE or any(len(step) != HASH_SIZE for step in path):
        return False
    return root_of_inclusion(leaf, index, size, path) == root


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The proof for leaf `index`, from all leaf hashes. Raises ValueError for no such leaf."""
    return [
        range_hash(start, end, lambda level, at: _full(leaves, level, at))
        for start, end in inclusion_ranges(index, len(leaves))
    ]


def _full(leaves: Sequence[bytes], level: int, index: int) -> bytes:
    row = list(leaves[index << level : (index + 1) << level])
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _check_place(index: int, size: int) -> None:
    if not 0 <= index < size <= MAX_TREE:
        raise ValueError(f"no leaf {index} in a tree of {size}")
