"""Who stands in a sink's own connection.

An interceptor whose root this machine trusts would be given every event, and could leave out those about itself. So
a connection that did verify is shown to the agent's judge before anything goes over it (`Surroundings.look`), and one
that did not is looked at again without verifying, to see whose certificate it is. Where somebody stands in it nothing
is delivered: the events stay in the spool, and every other sink is told. `through-interceptor = true` in a sink's
settings delivers all the same; that somebody stands there is told then too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from detector.agent.sinks import SinkError, Surroundings
from detector.model.observation import Observation, Target
from detector.model.targets import normal_host

if TYPE_CHECKING:
    from detector.net.routes import Routing

_TIMEOUT = 5.0
_REMEDY = "have the sink's host left out of inspection, or set through-interceptor = true"
_SEEN = 64
_STALE = timedelta(hours=1)


class Standing:
    """One sink's judge of its own connections. Each chain is judged once an hour: policies and tables change.

    Args:
        surroundings: the agent's.
        through: deliver through an interceptor too.

    """

    def __init__(self, surroundings: Surroundings, *, through: bool) -> None:
        self._surroundings = surroundings
        self._through = through
        self._judged: dict[tuple[str, bytes], tuple[datetime, str | None]] = {}

    def look(self, seen: Observation) -> None:
        """Of a connection that verified. Raises SinkError where somebody stands in it who may not."""
        key = (seen.target.host, sha256(b"".join(seen.chain)).digest())
        now = self._surroundings.now()
        when, who = self._judged.get(key, (None, None))
        if when is None or not timedelta(0) <= now - when < _STALE:
            if len(self._judged) >= _SEEN:
                self._judged.clear()
            who = self._surroundings.look(seen)
            self._judged[key] = now, who
        if who is not None and not self._through:
            text = f"its connection to {seen.target.host} is intercepted by {who}, whose root is trusted here"
            raise SinkError(text, seen=seen, remedy=_REMEDY)


async def looked_at(
    host: str, port: int, now: datetime, routing: Routing | None = None, text: str = ""
) -> SinkError:
    """The error for a connection that did not verify, with what a second one shows. Never raises."""
    from detector.net.probe import ProbeOptions, probe
    from detector.net.routes import Routing as Ways

    name = normal_host(host)
    options = ProbeOptions(timeout=_TIMEOUT, routing=routing or Ways(), now=lambda: now)
    seen = await probe(Target(name, port, sni=name), options)
    return SinkError(text, seen=seen if seen.chain else None)
