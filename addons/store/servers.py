"""What servers answer whoever asks them past the proxy, for re-checks: by the proxy and by the command alike.

A plain probe tells whether anybody is there. Whether a server wants a client's certificate, or speaks no version of
today, a diagnosis tells: it tries more than one hello, so only rules that were made for that are asked so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from addons.bypass.rechecking import Answer, Server
from detector.knowledge.assemble import assemble
from detector.known.knowledge import Knowledge
from detector.model.observation import Failure, Observation, Target
from detector.net.probe import ProbeOptions, probe
from detector.net.sweep import sweep
from detector.runs.diagnose import Investigation

# Seconds between two beginnings: a gateway shall not take a re-check for a scan.
PACE = 0.05
_OLD = frozenset(("version-mismatch", "no-shared-cipher", "weak-cipher-only"))
_ASKS = "client-certificate-required"


async def servers_now(
    wanted: Iterable[tuple[Target, bool]], options: ProbeOptions, concurrency: int = 8
) -> dict[tuple[str, int], Server]:
    """By host and port; a target with True is asked thoroughly. Never raises for what a server does."""
    asking = _Asking(options)
    found = {}
    async for server in sweep(wanted, asking.of, concurrency=concurrency):
        found[server.host, server.port] = server
    return found


class _Asking:
    """One run."""

    def __init__(self, options: ProbeOptions) -> None:
        self._options = options
        self._known: Knowledge | None = None
        self._turn = 0.0

    async def of(self, one: tuple[Target, bool]) -> Server:
        target, thorough = one
        now = asyncio.get_running_loop().time()
        self._turn = max(now, self._turn + PACE)
        await asyncio.sleep(self._turn - now)
        return await (self._diagnosed(target) if thorough else self._probed(target))

    async def _probed(self, target: Target) -> Server:
        return _server(await _observed(target, self._options), frozenset(), thorough=False)

    async def _diagnosed(self, target: Target) -> Server:
        if self._known is None:
            self._known = assemble()
        how = Investigation(self._options, canaries=False)
        diagnosis = await how.of(target, self._known)
        causes = frozenset(one.id for one in diagnosis.causes if one.severity == "error")
        return _server(diagnosis.inquiry.observation, causes, thorough=True)


async def _observed(target: Target, options: ProbeOptions) -> Observation:
    """Within one deadline for all steps."""
    try:
        async with asyncio.timeout(options.timeout):
            return await probe(target, options)
    except TimeoutError:
        text = f"no handshake within {options.timeout:g} s"
        failure = Failure("tls", "silent-drop", text, how="silence")
        return Observation(at=options.now(), target=target, failure=failure)


def _server(seen: Observation, causes: frozenset[str], *, thorough: bool) -> Server:
    target, failure, made = seen.target, seen.failure, seen.handshake
    where = f"{target.host}:{target.port}"
    completed = made is not None and made.completed
    if failure is not None:
        causes |= {failure.cause}
    answer: Answer = "completed" if completed else "silent"
    if _ASKS in causes:
        answer, text = "asks", "wants the client's own certificate"
    elif causes & _OLD:
        answer, text = "old", failure.text if failure is not None else "speaks what is too old"
    elif completed and made is not None:
        wants = ", and wants no certificate" if thorough else ""
        text = f"completes a handshake with {made.version}{wants}"
    elif failure is not None and failure.cause in ("not-tls", "captive-portal"):
        answer, text = "not-tls", failure.text
    else:
        text = failure.text if failure is not None else "completes no handshake"
    version = made.version if made is not None else None
    return Server(
        target.host, target.port, answer, f"{where} past the proxy: {text}", version, thorough
    )
