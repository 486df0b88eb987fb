"""How often somebody may guess the secret of the page, by address and in all.

Rules
-----
1. Ten wrong guesses from one address, and it is locked for half a minute; each further one doubles that, up to
   a quarter of an hour. An hour without one forgives all. An IPv6 network of 64 bits is one address (RFC 4291).
2. Nobody else is locked. A browser that has logged in before is known by a cookie and counts for itself, so its
   neighbours behind the same address cannot lock it out.
3. Many wrong guesses from everywhere lock nobody: answers to strangers come later and later, up to five seconds.
4. Tables are bounded: whoever has a million addresses pushes out his own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from addons.bypass.bounded import placed

FREE, LOCK, LONGEST = 10, 30.0, 900.0
FORGIVEN = 3600.0
# Of all addresses together; halves every ten minutes.
CROWD, CROWD_HALF, SLOWEST = 50, 600.0, 5.0
_MOST = 10_000


@dataclass
class _Count:
    wrong: int = 0
    last: float = 0.0
    until: float = 0.0


class Guesses:
    """`stopwatch` gives monotonic seconds."""

    def __init__(self, stopwatch: Callable[[], float]) -> None:
        self._now = stopwatch
        self._counts: dict[str, _Count] = {}
        self._crowd, self._since = 0.0, stopwatch()

    def locked(self, who: str) -> float:
        """Seconds for which `who` has to wait, 0 for one who may guess."""
        count = self._counts.get(who)
        return max(count.until - self._now(), 0.0) if count is not None else 0.0

    def wrong(self, who: str) -> None:
        """It was not the secret."""
        now = self._now()
        count = self._counts.get(who)
        if count is None or now - count.last > FORGIVEN:
            count = placed(self._counts, who, _Count(), _MOST)
        count.wrong, count.last = count.wrong + 1, now
        if count.wrong >= FREE:
            count.until = now + min(LOCK * 2 ** min(count.wrong - FREE, 20), LONGEST)
        self._crowd, self._since = self._decayed() + 1, now

    def right(self, who: str) -> None:
        """It was: what came before is forgiven."""
        self._counts.pop(who, None)

    def delay(self) -> float:
        """Seconds before a stranger is answered."""
        over = self._decayed() - CROWD
        return 0.0 if over <= 0 else min(0.05 * 2 ** (over / 25), SLOWEST)

    def _decayed(self) -> float:
        return float(self._crowd * 0.5 ** ((self._now() - self._since) / CROWD_HALF))


def address_of(host: str) -> str:
    """What counts as one address."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
