"""The Python interface: what the command line does, as functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from detector.explain.explaining import Explanation
from detector.explain.explaining import explain as explain_text
from detector.judging.judge import judge_all
from detector.knowledge.assemble import assemble as default_knowledge
from detector.knowledge.explanations import error_table
from detector.known.knowledge import Knowledge
from detector.model.alerts import Side
from detector.model.inquiry import Diagnosis
from detector.model.observation import Judgement, Observation, Target
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.runs.check import Session
from detector.runs.diagnose import Investigation
from detector.runs.saved import load_observations

__all__ = [
    "check",
    "check_async",
    "default_knowledge",
    "diagnose",
    "diagnose_async",
    "explain",
    "judge",
    "load_observations",
]


def check(
    *targets: str | Target,
    knowledge: Knowledge | None = None,
    options: ProbeOptions | None = None,
    concurrency: int = 64,
) -> list[Judgement]:
    """Probe and judge each target. Must not be called inside a running event loop.

    Args:
        targets: "host", "host:port", "[v6]:port", URLs, or Target values.
        knowledge: what to compare with; `default_knowledge()` when left out.
        options: time-outs, proxy and the like.
        concurrency: targets under way at once.

    Returns one Judgement a target, in the order of `targets`.

    Raises:
        TargetError: a target cannot be understood. What peers do never raises.

    """
    wanted = [_target(target) for target in targets]
    run = check_async(wanted, knowledge=knowledge, options=options, concurrency=concurrency)

    async def gather() -> list[Judgement]:
        return [judgement async for judgement in run]

    found = asyncio.run(gather())
    order = {(t.host, t.port): position for position, t in reversed(list(enumerate(wanted)))}
    return sorted(found, key=lambda j: order[j.observation.target.host, j.observation.target.port])


async def check_async(
    targets: Iterable[str | Target],
    *,
    knowledge: Knowledge | None = None,
    options: ProbeOptions | None = None,
    concurrency: int = 64,
) -> AsyncIterator[Judgement]:
    """As `check`, for any number of targets, read lazily; judgements come as they stand."""
    session = Session(knowledge or default_knowledge(), options or ProbeOptions())
    async for judgement in session.run((_target(t) for t in targets), concurrency):
        yield judgement


def diagnose(
    *targets: str | Target,
    knowledge: Knowledge | None = None,
    how: Investigation | None = None,
) -> list[Diagnosis]:
    """Why each target's handshake fails, in the order of `targets`. Not inside an event loop.

    Raises TargetError for a target that cannot be understood; never for what a peer does.
    """
    wanted = [_target(target) for target in targets]

    async def gather() -> list[Diagnosis]:
        return [await diagnose_async(target, knowledge=knowledge, how=how) for target in wanted]

    return asyncio.run(gather())


async def diagnose_async(
    target: str | Target,
    *,
    knowledge: Knowledge | None = None,
    how: Investigation | None = None,
) -> Diagnosis:
    """One target, inside a running event loop."""
    return await (how or Investigation()).of(_target(target), knowledge or default_knowledge())


def explain(text: str, side: Side | None = None) -> tuple[Explanation, ...]:
    """What an error message can mean, the likeliest cause first; empty where nothing is known.

    Args:
        text: the message, with whatever stands around it.
        side: "client" or "server", who wrote it; told from the text when left out.

    """
    return explain_text(text, error_table(), side)


def judge(
    observations: Iterable[Observation] | Observation | Path | str,
    knowledge: Knowledge | None = None,
) -> list[Judgement]:
    """Judge saved observations together, offline: what they share counts for all of them.

    Args:
        observations: values, one value, or the path of a file that `check --save` or openssl wrote.
        knowledge: what to compare with; `default_knowledge()` when left out.

    Raises:
        ConfigError, TargetError: the file cannot be read, or names nobody.

    """
    if isinstance(observations, str | Path):
        observations = load_observations(Path(observations))
    elif isinstance(observations, Observation):
        observations = [observations]
    return judge_all(observations, knowledge or default_knowledge())


def _target(target: str | Target) -> Target:
    return target if isinstance(target, Target) else parse_target(target)
