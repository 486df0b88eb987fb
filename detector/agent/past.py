"""Where findings go that cannot be kept, because the disk is full: past the spool, each change once.

They are said on stderr and given to every sink that takes them now. One that fails does not get them: they are found
again under the same ids, and kept, when there is room. Notices wait in memory, answers with the fleet's question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from detector.model.harmless import harmless
from detector.report.event_json import EventRecord, headline

_MOST = 200


class Past:
    """One agent's. `say` takes a line for who looks at the console.

    Attributes:
        give: gives events to the sinks.

    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.give: Callable[[Sequence[EventRecord]], Coroutine[Any, Any, None]] | None = None
        self._say = say
        self._told: set[tuple[str, str]] = set()
        self._giving: set[asyncio.Task[None]] = set()

    def take(self, events: Sequence[EventRecord]) -> None:
        """Of what could not be kept, the findings; within the agent's loop where there are sinks."""
        told = []
        for event in events:
            key = (event.finding.id, event.kind) if event.finding is not None else None
            if key is not None and key not in self._told and len(self._told) < _MOST:
                self._told.add(key)
                told.append(event)
                self._say(f"not kept: {harmless(headline(event))}")
        if told and self.give is not None:
            task = asyncio.ensure_future(self.give(told))
            self._giving.add(task)
            task.add_done_callback(self._giving.discard)

    def clear(self) -> None:
        """There is room again."""
        self._told.clear()
