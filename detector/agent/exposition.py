"""The agent's own /metrics, served by the agent itself: [metrics] listen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from detector.agent.budget import Limits
from detector.agent.metrics import families
from detector.agent.snapshot import read_snapshot
from detector.errors import StoreError
from detector.net.answering import Asked, Reply
from detector.net.answering import serve as serve_http
from detector.report.prometheus import CONTENT_TYPE, exposition


async def serve(
    listen: str,
    collect: Callable[[], bytes],
    *,
    names: Iterable[str] = (),
    ready: Callable[[int], None] = lambda _: None,
) -> None:
    """Answer /metrics until cancelled. Raises ConfigError where nobody can listen there.

    Args:
        listen: address:port.
        collect: gives the text, in a thread of its own; see `collector`.
        names: that the machine is called by, beside its addresses.
        ready: told the port.

    """

    async def answer(asked: Asked) -> Reply:
        if asked.path != "/metrics":
            return Reply(404, b"there is /metrics\n")
        return Reply(200, await asyncio.to_thread(collect), CONTENT_TYPE)

    await serve_http(listen, answer, names=names, most=8, ready=ready)


def collector(folder: Path, limits: Limits | None = None) -> Callable[[], bytes]:
    """What gives the agent's own metrics as text, at each call anew. A state that cannot be read is said so."""

    def collect() -> bytes:
        try:
            seen = read_snapshot(folder, limits)
        except StoreError:
            seen = None
        return exposition(families(seen))

    return collect
