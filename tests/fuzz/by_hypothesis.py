"""The random engine: valid samples cut, flipped, repeated, spliced and replaced."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz import corpus
from tests.fuzz.target import attempt, bounded_memory
from tests.fuzz.targets import target


def fuzz(name: str, seconds: float) -> tuple[int, str]:
    """Run one target: inputs tried, and what went wrong or ""."""
    one = target(name)
    samples = (*one.samples, *corpus.kept(name))
    count = 0
    batch = max(30, min(500, int(seconds * 500)))  # the clock is looked at after each

    def once(data: bytes) -> None:
        nonlocal count
        count += 1
        attempt(one.parse, data)

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run = settings(
            max_examples=batch, deadline=None, database=None, suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )(given(mutated(samples))(once))  # fmt: skip
        try:
            with bounded_memory():
                seed(random.getrandbits(64))(run)()
        except Exception as error:
            notes = " ".join(getattr(error, "__notes__", ()))
            return count, f"{type(error).__name__}: {error} {notes}"
    return count, ""


@st.composite
def mutated(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """A sample after a few edits, or plain random bytes now and then."""
    if draw(st.integers(0, 15)) == 0:
        return draw(st.binary(max_size=2000))
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(("flip", "cut", "insert", "set", "repeat", "drop", "length")))
        if kind == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del data[at:]
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=16))
        elif kind == "set" and data:
            data[at] = draw(st.sampled_from((0, 1, 0x7F, 0x80, 0x81, 0x84, 0xFF)))
        elif kind == "repeat":
            data[at:at] = data[at : at + draw(st.integers(1, 200))] * draw(st.integers(1, 20))
        elif kind == "drop":
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == "length":
            data[at : at + 2] = draw(st.integers(0, 65535)).to_bytes(2, "big")
    return bytes(data)
