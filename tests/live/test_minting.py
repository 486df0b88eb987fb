"""mitmproxy mints a leaf for each host, two days old; the origin behind it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from detector.lab.mitmdump import Mitmdump
from detector.model.observation import Judgement
from tests.live.test_interceptors import HOSTS, world

pytestmark = pytest.mark.live


def test_leaves_minted_while_we_watch_are_told(tmp_path: Path) -> None:
    async def run() -> tuple[list[Judgement], list[Judgement]]:
        async with world(tmp_path) as at, Mitmdump(tmp_path / "m", trust=at.trust) as mitm:
            return await at.through(mitm.port), await at.direct()

    through, direct = asyncio.run(run())
    for one, other in zip(through, reversed(HOSTS), strict=True):
        (found,) = [e for e in one.evidence if e.id == "minted-now"]
        assert found.details == {"seconds_before": 2 * 86_400, "hosts": [other]}
    assert not any(e.id == "minted-now" for one in direct for e in one.evidence)
