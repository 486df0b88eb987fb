"""The audit of the machine's trust, once a day, and at once where its store changed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from detector import clock
from detector.agent import findings, sensing
from detector.agent.budget import DAY

if TYPE_CHECKING:
    from detector.agent.core import Core


async def audit(core: Core) -> None:
    """Where one is due."""
    if not core.settings.agent.trust:
        return
    last, now = core.state.moment("trust-last"), clock.now()
    if last is not None and timedelta() <= now - last < DAY:
        return
    standing = await sensing.trust_audit(core.settings.files.get("policy"), core.environment)
    core.measure()
    if standing is None:
        return
    done = findings.step_trust(core.stands, standing, core.place, now, first=last is None)
    events = core.teller.findings(done.told, core.teller.run_id())
    core.keep(done.after, events, {"trust-last": now.isoformat()})
