"""Parts of the agent that break are begun again."""

from __future__ import annotations

import asyncio

from detector.agent.kept_up import kept_up
from detector.errors import StoreError


def test_a_part_that_breaks_is_begun_again_ever_later_and_told_once() -> None:
    faults: list[Exception] = [
        StoreError("agent.sqlite3", "is locked"), OSError("gone"), ValueError("what"),
    ]  # fmt: skip
    told: list[tuple[str, bool]] = []
    rests: list[float] = []

    async def work() -> None:
        if faults:
            raise faults.pop(0)

    def broke(text: str, _error: Exception, *, first: bool) -> None:
        told.append((text, first))

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    asyncio.run(kept_up("sense", work, broke, sleep))
    assert told == [
        ("sense: agent.sqlite3: is locked", True),
        ("sense: unexpected error: OSError: gone", False),
        ("sense: unexpected error: ValueError: what", False),
    ]
    assert rests == [5.0, 10.0, 20.0]
