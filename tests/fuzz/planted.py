"""A target that is wrong in four bytes, to see that the engines find what is wrong."""

from __future__ import annotations

from tests.fuzz.target import Target


def targets() -> dict[str, Target]:
    """By name; it is in no list that is run."""
    return {"planted": Target(_planted, (b"an input", b"find me not"))}


def _planted(data: bytes) -> None:
    """Not true: one input raises what no caller expects."""
    if data[:2] == b"fi" and data[2:3] == b"n" and data[3:4] == b"D":
        raise KeyError("planted")
