"""What stands is told again: to a sink that never heard of it, and under the networks' ids of another salt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector import clock
from detector.agent import findings

if TYPE_CHECKING:
    from detector.agent.core import Core
    from detector.report.event_json import EventRecord


def standing(core: Core) -> list[EventRecord]:
    """Events of what stands, for who never heard of it."""
    told = [
        findings.Told("opened", held, (f"stands since {held.record.opened:%Y-%m-%d %H:%M:%SZ}",))
        for held in core.stands.values()
        if held.is_open
    ]
    return core.teller.findings(told, core.teller.run_id())


def resalt(core: Core) -> None:
    """Where networks have other ids than before, after an enrolment: what stood under the old ones is closed, and
    looked for again soon. Raises StoreError.
    """
    before, salt = core.state.fact("salt"), core.who.salt.hex()
    if before in (None, salt):
        return
    now = clock.now()
    step = findings.step_salt(core.stands, now)
    facts = {"salt": salt, "next-run": now.isoformat()}
    core.keep(step.after, core.teller.findings(step.told, core.teller.run_id()), facts)
