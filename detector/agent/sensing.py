"""What an agent asks of its surroundings: which network, whether the way out is open, the way, this machine's trust."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

import msgspec

from detector import own_python
from detector.agent.mood import Looked as Mood
from detector.agent.senses.changes import Change, Pace
from detector.agent.senses.changes import changes as _changes
from detector.model.no_json import NO_JSON
from detector.model.observation import Judgement
from detector.net.pac import PacFile
from detector.net.routes import Routing, routing_from
from detector.report.event_json import NetworkRecord

if TYPE_CHECKING:
    from detector.agent.own_page import PortalTable

# Findings of the trust audit that stand for themselves until somebody does something.
_STANDING = (
    "published-key",
    "interceptor-root",
    "local-root",
    "weak-root",
    "verification-off",
    "keys-logged",
)
_LEVELS = ("warning", "error")
# The kernel wakes the senses by itself; looks in between are for what it does not tell, and cost more than the runs.
_PACE = Pace(tick=30.0, every=300.0)
_AUDIT_SECONDS = 120.0
_MAX_AUDIT = 32 << 20


async def here(salt: bytes, environment: Mapping[str, str]) -> NetworkRecord | None:
    """Which network this machine is in; None where that cannot be told."""
    from detector.agent.senses.network import here as ask

    return await ask(salt, environment)


async def portal(way: Routing, own: PortalTable | None = None) -> Mood:
    """What is in the way out, by the organisation's own page where it has one."""
    from detector.agent.senses.portal import portal as ask

    if own is None:
        return await ask(SystemRandom(), routing=way)
    from detector.knowledge.connectivity import Connectivity

    row = Connectivity(own.url, "own", own.status, own.body.strip())
    return await ask(SystemRandom(), own=(row,), routing=way)


def mood_after(mood: Mood, judgements: Iterable[Judgement]) -> Mood:
    """The same with what a run met: a portal may answer on the ports that were checked, and nowhere else."""
    from detector.agent.senses.portal import with_checks

    seen = [one.observation for one in judgements]
    portals = sum(one.failure is not None and one.failure.cause == "captive-portal" for one in seen)
    shaken = sum(one.handshake is not None and one.handshake.completed for one in seen)
    return with_checks(mood, portals=portals, shaken=shaken)


def changes(environment: Mapping[str, str]) -> AsyncIterator[Change]:
    """What changes around this machine, as it comes."""
    return _changes(environment, _homes(environment), pace=_PACE)


def routing(proxy: str | None, environment: Mapping[str, str]) -> Routing:
    """The way that the settings and the environment name; "none" goes straight. Raises ConfigError, FetchError."""
    if proxy == "none":
        return Routing()
    return routing_from(proxy, environment, open_pac=_pac)


@cache
def _pac(url: str, where: str) -> PacFile:
    from detector.net.pac import open_pac

    return open_pac(url, where)


def _homes(environment: Mapping[str, str]) -> tuple[Path, ...]:
    home = environment.get("HOME", "")
    return (Path(home),) if home.startswith("/") and home != "/" else ()


class _Found(msgspec.Struct):
    id: str
    level: str
    text: str
    path: str
    sha256: str | None = None


class _Audit(msgspec.Struct):
    findings: tuple[_Found, ...]


async def trust_audit(policy: Path | None, environment: Mapping[str, str]) -> dict[str, str] | None:
    """What stands out in this machine's trust: subject, and what is said of it; None where that cannot be told.

    In a process of its own: reading every store takes tens of megabytes, which would stay with the agent for ever.
    """
    words = ["trust", "--json", *(("--policy", str(policy)) if policy is not None else ())]
    passed = own_python.surroundings(environment, sys.path)
    try:
        child = await asyncio.create_subprocess_exec(
            *own_python.tlsight(*words), env=passed, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, limit=1 << 20,
        )  # fmt: skip
    except OSError:
        return None
    try:
        async with asyncio.timeout(_AUDIT_SECONDS):
            assert child.stdout is not None
            body = bytearray()
            while data := await child.stdout.read(1 << 16):
                body += data
                if len(body) > _MAX_AUDIT:
                    return None
            await child.wait()
    except TimeoutError:
        return None
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    try:
        found = msgspec.json.decode(body, type=_Audit)
    except NO_JSON:
        return None
    return {_subject(one): one.text for one in found.findings if _stands_out(one)}


def _stands_out(one: _Found) -> bool:
    return one.id in _STANDING and one.level in _LEVELS


def _subject(one: _Found) -> str:
    return f"root:{one.sha256}" if one.sha256 else f"setting:{one.id}:{one.path}"
