"""An event's observation judged once more, offline, by the tables of this program.

Alone: what an agent saw on other hosts in the same run, and which roots its machine has, counted for it and is not
here. So a milder verdict refutes nothing, and the page says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.model.no_json import NO_JSON
from detector.model.observation import Judgement, Observation
from detector.report.check_json import CheckRecord, check_record
from detector.report.event_json import EventRecord, decode_event


class Judge:
    """For any thread.

    Args:
        known: puts together what is compared with; asked once, when it is needed. Raises ConfigError.

    """

    def __init__(self, known: Callable[[], Knowledge]) -> None:
        self._known = known
        self._lock = threading.Lock()
        self._found: Knowledge | None = None

    def again(self, observation: Observation) -> CheckRecord:
        """What this program says of it now."""
        return check_record(self.judged(observation))

    def judged(self, observation: Observation) -> Judgement:
        """The same, as a value."""
        with self._lock:
            if self._found is None:
                self._found = self._known()
        (judgement,) = judge_all([observation], self._found)
        return judgement


def read_event(body: str) -> EventRecord | None:
    """The event; None for one that this version cannot read."""
    try:
        return decode_event(body.encode())
    except NO_JSON:
        return None
