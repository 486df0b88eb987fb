"""The Python interface: what the command line does, as functions over the same runs.

Every function has a twin `..._async` with the same parameters for use inside a running event loop. What a peer,
a certificate or a log line says never raises; wrong arguments raise ConfigError or TargetError. Every result has
`to_dict()` and `to_json()`, which give what the command prints with `--json`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from detector.auditing.model import TrustAudit
from detector.errors import ConfigError
from detector.judging.judge import judge_all
from detector.knowledge.assemble import assemble
from detector.known.knowledge import Knowledge
from detector.logs.reading import FORMATS
from detector.logs.story import LogStory
from detector.messages.explaining import Explained
from detector.model.alerts import Side
from detector.model.inquiry import Diagnosis
from detector.model.observation import Judgement, Observation, Target
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.runs.captures import CaptureReading, CaptureRun
from detector.runs.check import CheckRun
from detector.runs.diagnose import Investigation
from detector.runs.explain import explained
from detector.runs.logs import LogRun
from detector.runs.saved import load_observations, read_observations
from detector.runs.trust import TrustRun

AnyPath = str | PathLike[str]


def check(
    *targets: str | Target,
    knowledge: Knowledge | None = None,
    options: ProbeOptions | None = None,
    concurrency: int = 64,
) -> list[Judgement]:
    """Probe and judge each target: who really answers?

    Args:
        targets: "host", "host:port", "[v6]:port", URLs, or Target values.
        knowledge: what to compare with; `default_knowledge()` when left out.
        options: time-outs (seconds), proxy and the like.
        concurrency: targets under way at once.

    Returns one Judgement a target, in the order of `targets`, one for each time it is named.

    Raises:
        TargetError: a target cannot be understood.
        ConfigError: another argument is wrong, or an event loop is running.

    """
    wanted = [_target(target) for target in targets]
    run = _session(knowledge, options, concurrency).numbered(wanted, concurrency)

    async def gather() -> dict[int, Judgement]:
        return {place: judgement async for place, judgement in run}

    found = _run(gather, "check")
    return [found[place] for place in range(len(wanted))]


async def check_async(
    targets: Iterable[str | Target] | str | Target,
    *,
    knowledge: Knowledge | None = None,
    options: ProbeOptions | None = None,
    concurrency: int = 64,
) -> AsyncIterator[Judgement]:
    """As `check`, for one target or any number, read lazily; judgements come as they stand."""
    session = _session(knowledge, options, concurrency)
    wanted = (targets,) if isinstance(targets, str | Target) else targets
    async for judgement in session.run((_target(t) for t in wanted), concurrency):
        yield judgement


def diagnose(
    *targets: str | Target,
    knowledge: Knowledge | None = None,
    how: Investigation | None = None,
) -> list[Diagnosis]:
    """Why each target's handshake fails, or that it does not.

    Args:
        targets: as for `check`.
        knowledge: what to compare with; `default_knowledge()` when left out.
        how: how to dial, what to try, what to look up.

    Returns one Diagnosis a target, in the order of `targets`. What they share counts for all of them.

    Raises:
        TargetError: a target cannot be understood.
        ConfigError: another argument is wrong, or an event loop is running.

    """
    wanted = [_target(target) for target in targets]
    return _run(lambda: _diagnosed(wanted, knowledge, how), "diagnose")


async def diagnose_async(
    *targets: str | Target,
    knowledge: Knowledge | None = None,
    how: Investigation | None = None,
) -> list[Diagnosis]:
    """As `diagnose`, inside a running event loop."""
    return await _diagnosed([_target(target) for target in targets], knowledge, how)


def judge(
    observations: Iterable[Observation] | Observation | AnyPath | bytes,
    knowledge: Knowledge | None = None,
    *,
    host: str | None = None,
) -> list[Judgement]:
    """Judge observations together, offline: what they share with each other counts for all of them.

    Args:
        observations: values, one value, the path of a file, or a file's content: NDJSON of `check --save`, a
            PEM chain (leaf first; also as a string that begins with "-----BEGIN"), or one DER certificate.
        knowledge: what to compare with; `default_knowledge()` when left out.
        host: the name that was asked for, where certificates come without; else the leaf's own first name.

    Raises:
        ConfigError, TargetError: the file cannot be read, or names nobody.

    """
    known = _knowledge(knowledge)
    return judge_all(_observations(observations, host), known)


async def judge_async(
    observations: Iterable[Observation] | Observation | AnyPath | bytes,
    knowledge: Knowledge | None = None,
    *,
    host: str | None = None,
) -> list[Judgement]:
    """As `judge`, in a thread of its own."""
    return await asyncio.to_thread(judge, observations, knowledge, host=host)


def explain(text: str, side: Side | None = None) -> Explained:
    """What an error message can mean: its causes, the likeliest first; none where nothing is known.

    Args:
        text: the message, with whatever stands around it.
        side: "client" or "server", who wrote it; told from the text when left out.

    Raises:
        ConfigError: `text` is no string, or `side` is neither.

    """
    if not isinstance(text, str):
        raise ConfigError("text", f"{type(text).__name__} is no string")
    if side not in (None, "client", "server"):
        raise ConfigError("side", f"{side!r} is neither 'client' nor 'server'")
    return explained(text, side)


async def explain_async(text: str, side: Side | None = None) -> Explained:
    """As `explain`, in a thread of its own."""
    return await asyncio.to_thread(explain, text, side)


def read_logs(
    *sources: AnyPath | bytes,
    form: str | None = None,
    timezone: str | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> LogStory:
    """Failed handshakes of server logs: causes by clients affected, what began when, what stays hidden.

    Args:
        sources: paths of logs, plain or packed, or their content as bytes.
        form: whose logs they are, e.g. "nginx"; recognised when left out.
        timezone: of times without one, e.g. "Europe/Berlin"; this machine's when left out.
        warn: told about files that are no logs, where others are.

    Raises:
        ConfigError: a file cannot be read, is no log of a known program, or an argument is wrong.

    """
    if form is not None and form not in FORMATS:
        raise ConfigError("form", f"{form!r} is none of {', '.join(FORMATS)}")
    return LogRun(form=form, timezone=timezone, warn=warn).story(map(_source, sources))


async def read_logs_async(
    *sources: AnyPath | bytes,
    form: str | None = None,
    timezone: str | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> LogStory:
    """As `read_logs`, in a thread of its own."""
    return await asyncio.to_thread(read_logs, *sources, form=form, timezone=timezone, warn=warn)


def read_captures(
    *sources: AnyPath | bytes,
    knowledge: Knowledge | None = None,
    keylogs: Sequence[AnyPath] = (),
    agent: str | None = None,
    jobs: int = 1,  # noqa: ARG001
) -> CaptureReading:
    """TLS connections of captures, each with its verdict and why it failed.

    Args:
        sources: paths of pcap or pcapng files, plain or packed, or their content as bytes.
        knowledge: what to compare with; `default_knowledge()` when left out.
        keylogs: files of SSLKEYLOGFILE, which open TLS 1.3.
        agent: User-Agent that the clients claim.
        jobs: without effect: one process is the fastest.

    Returns a reading: iterate over it for the connections, as they come; `story` has the servers, each with
    its diagnosis, once all is read (it reads on where that is not so yet).

    Raises:
        ConfigError: an argument is wrong; a file that cannot be read raises while it is read.

    """
    if not sources:
        raise ConfigError("read_captures", "no source", remedy="give paths or bytes")
    run = CaptureRun(
        files=tuple(map(_source, sources)),
        keylogs=tuple(map(_path, keylogs)),
        agent=agent,
    )
    return run.begin(_knowledge(knowledge))


async def read_captures_async(
    *sources: AnyPath | bytes,
    knowledge: Knowledge | None = None,
    keylogs: Sequence[AnyPath] = (),
    agent: str | None = None,
    jobs: int = 1,  # noqa: ARG001
) -> CaptureReading:
    """As `read_captures`, read to the end in a thread of its own; the connections are in `kept`."""
    reading = await asyncio.to_thread(
        read_captures, *sources, knowledge=knowledge, keylogs=keylogs, agent=agent
    )
    await asyncio.to_thread(reading.keep)
    return reading


def trust(
    *,
    root: AnyPath = "/",
    also: Sequence[AnyPath] = (),
    policy: AnyPath | None = None,
) -> TrustAudit:
    """What this machine trusts, and what stands out there.

    Args:
        root: where the file system begins; also a mounted image.
        also: more bundles, NSS databases or keystores.
        policy: TOML file; CAs that it declares are notes.

    Raises:
        ConfigError: a file or folder is not there, or cannot be used.

    """
    declared = _path(policy) if policy is not None else None
    return TrustRun(root=_path(root), also=tuple(map(_path, also)), policy=declared).audit()


async def trust_async(
    *,
    root: AnyPath = "/",
    also: Sequence[AnyPath] = (),
    policy: AnyPath | None = None,
) -> TrustAudit:
    """As `trust`, in a thread of its own."""
    return await asyncio.to_thread(trust, root=root, also=also, policy=policy)


def default_knowledge(
    *,
    roots: AnyPath | None = None,
    ct_logs: AnyPath | None = None,
    pin_file: AnyPath | None = None,
    policy: AnyPath | None = None,
    issuers: AnyPath | None = None,
    local: bool = True,
) -> Knowledge:
    """What the command compares with when it is given these files.

    Args:
        roots: PEM file of the roots to call public, instead of certifi's; makes it a lab.
        ct_logs: more CT logs, in Google's JSON schema.
        pin_file: TOML file of pins.
        policy: TOML file of internal names, expected private CAs, sanctioned interceptors.
        issuers: TOML or JSON file of the issuers that Certificate Transparency knows for hosts.
        local: ask the operating system's trust store.

    Raises:
        ConfigError: a file cannot be used, or an argument is no path.

    """
    given = {
        "roots": roots, "ct_logs": ct_logs, "pin_file": pin_file, "policy": policy, "issuers": issuers,
    }  # fmt: skip
    paths: dict[str, Any] = {n: _path(p, n) for n, p in given.items() if p is not None}
    return assemble(local=local, **paths)


def _session(
    knowledge: Knowledge | None, options: ProbeOptions | None, concurrency: int
) -> CheckRun:
    if not isinstance(concurrency, int) or concurrency < 1:
        raise ConfigError("concurrency", f"{concurrency!r} is no number of targets")
    return CheckRun(_knowledge(knowledge), _of("options", options, ProbeOptions) or ProbeOptions())


async def _diagnosed(
    wanted: list[Target], knowledge: Knowledge | None, how: Investigation | None
) -> list[Diagnosis]:
    investigation = _of("how", how, Investigation) or Investigation()
    run = investigation.run(wanted, _knowledge(knowledge))
    found = {place: diagnosis async for place, diagnosis in run}
    return [found[place] for place in range(len(wanted))]


def _run[T](work: Callable[[], Coroutine[Any, Any, T]], name: str) -> T:
    """Run in an event loop of its own. Raises ConfigError inside a running one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    raise ConfigError(name, "an event loop is running here", remedy=f"await {name}_async instead")


def _target(target: str | Target) -> Target:
    if isinstance(target, str):
        return parse_target(target)
    if not isinstance(target, Target):
        raise ConfigError("targets", f"{type(target).__name__} is neither a string nor a Target")
    return target


def _knowledge(knowledge: Knowledge | None) -> Knowledge:
    return _of("knowledge", knowledge, Knowledge) or default_knowledge()


def _of[T](name: str, value: T | None, kind: type[T]) -> T | None:
    if value is not None and not isinstance(value, kind):
        raise ConfigError(name, f"{type(value).__name__} is no {kind.__name__}")
    return value


def _path(path: AnyPath, name: str = "path") -> Path:
    if not isinstance(path, str | PathLike):
        raise ConfigError(name, f"{type(path).__name__} is no path")
    return Path(path)


def _source(source: AnyPath | bytes) -> str | bytes:
    return source if isinstance(source, bytes) else str(_path(source, "sources"))


def _observations(
    given: Iterable[Observation] | Observation | AnyPath | bytes, host: str | None
) -> Iterable[Observation]:
    if isinstance(given, Observation):
        return (given,)
    if isinstance(given, bytes):
        return read_observations(given, host)
    if isinstance(given, str) and given.lstrip().startswith("-----BEGIN"):
        return read_observations(given.encode(), host)
    if isinstance(given, str | PathLike):
        return load_observations(Path(given), host)
    try:
        found = list(given)
    except TypeError:
        raise ConfigError("observations", f"{type(given).__name__} is none") from None
    for one in found:
        _of("observations", one, Observation)
    return found
