"""Find out why a handshake fails: one lenient handshake, and the hellos of `detector.causes.plan`.

Theory of operation
-------------------
The connection is made once, then the handshake and the trials (`detector.net.trials`) run side by side. The
handshake is made again where it was cut and the plain hello was not. Its session is taken up again while the
trials still run; that it failed counts once it has failed twice more with nobody else there. All of it draws on one
budget of time. What trials were sent beside the handshake's own leaf (SCTs, a staple) is the observation's too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from detector.causes.plan import plan
from detector.errors import DialError
from detector.model.inquiry import Inquiry, Trial
from detector.model.observation import Failure, Target
from detector.net.application import question_to
from detector.net.budget import Budget
from detector.net.probe import ProbeOptions, ProbeRun
from detector.net.routes import Routing
from detector.net.stream import Stream, resolve
from detector.net.trial import Keys, Patience, attempt
from detector.net.trials import try_all
from detector.net.unasked import with_answers

Resumption = Literal["resumed", "full", "failed"]

_MAX_ADDRESSES = 6
_PROTOCOLS = ("h2", "http/1.1")
_SLUGGISH = 0.25  # of the time-out, for a handshake


@dataclass(frozen=True, slots=True)
class Curiosity:
    """How far to go.

    Attributes:
        trials: make trials at all.
        addresses: try each address of the name.
        resume: try to resume the session.

    """

    trials: bool = True
    addresses: bool = True
    resume: bool = True


async def inquire(
    target: Target,
    options: ProbeOptions,
    curiosity: Curiosity | None = None,
    budget: Budget | None = None,
) -> Inquiry:
    """Everything that can be seen of `target` in the time there is. Never raises for what a peer does."""
    curious = curiosity or Curiosity()
    budget = budget or Budget(options.timeout)
    request = question_to(target)
    listen = min(options.timeout, 1.0 if request else 0.3)
    full = replace(options, request=request, listen=listen, later=target.path is not None)
    run = ProbeRun(target, replace(full, alpn=_PROTOCOLS))
    try:
        stream = await run.dial()
    except DialError as error:
        run.not_dialled(error)
        direct = None
        if run.failure is not None and run.failure.dialled == "proxy":
            direct = await budget.spend("past-the-proxy", _direct(target, options))
        return Inquiry(run.observation(), direct=direct, unfinished=tuple(budget.unfinished))
    trials: dict[str, Trial] = {}
    addresses: dict[str, Trial] = {}
    same = replace(options, connect_to=_where(run, options))
    asked: asyncio.Task[bool | None] | None = None
    several = curious.addresses and run.proxy is None and options.connect_to is None
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_shake_and_resume(run, stream, budget, resume=curious.resume))
        if curious.trials:
            done = partial(_is_done, run)
            asked = group.create_task(budget.spend("trials", try_all(target, same, trials, done)))
            if several:
                others = _try_addresses(target, options, run.target.ip, addresses)
                group.create_task(budget.spend("addresses", others))
    if _unlucky(run, trials):
        run = await budget.spend("handshake", _once_more(target, run)) or run
    if run.application is not None and run.application.wants_http11:
        older = replace(run.options, alpn=_PROTOCOLS[1:])
        run = await budget.spend("handshake", _once_more(target, run, older)) or run
    if run.failure is None and run.handshake is None:
        text = f"the handshake did not end within {budget.seconds:g} s"
        run.failure = Failure("tls", "silent-drop", text)
    resumption = first.result()
    if curious.resume and run.session and resumption in (None, "failed"):
        resumption = await budget.spend("resumption", _resume(run, 2 if resumption else 3))
    if asked is not None and asked.result() is False:
        budget.unfinished.append("trials")
    direct = None
    if run.proxy is not None and curious.trials:
        direct = await budget.spend("past-the-proxy", _direct(target, options))
    return Inquiry(
        with_answers(run.observation(), trials.values()),
        trials,
        addresses,
        direct,
        run.application,
        resumption,
        client_certificate=options.credential is not None,
        unfinished=tuple(budget.unfinished),
    )


async def _shake_and_resume(
    run: ProbeRun, stream: Stream, budget: Budget, *, resume: bool
) -> Resumption | None:
    """The handshake, and its session taken up once; None where that was not tried or did not get there."""
    await budget.spend("handshake", _handshake(run, stream))
    if not resume or not run.session or run.failure is not None:
        return None
    return await budget.spend("resumption", _resume(run, 1))


def _is_done(run: ProbeRun) -> bool:
    return run.handshake is not None and run.handshake.completed


async def _handshake(run: ProbeRun, stream: Stream) -> None:
    try:
        await run.shake_hands(stream)
    finally:
        stream.close()


def _unlucky(run: ProbeRun, trials: Mapping[str, Trial]) -> bool:
    """The handshake was cut before the server said anything, and the plain hello is answered."""
    failure = run.failure
    if failure is None or failure.cause not in ("connection-reset", "closed-during-handshake"):
        return False
    plain = trials.get("plain")
    return plain is not None and plain.answered and not run.server


async def _once_more(
    target: Target, first: ProbeRun, options: ProbeOptions | None = None
) -> ProbeRun:
    """The handshake again, twice at most, as before or by other options; the first one where it fails again."""
    for _ in range(2):
        run = ProbeRun(target, options or first.options)
        if not await _dialled(run):
            return first
        if run.failure is None:
            return run
    return first


async def _dialled(run: ProbeRun) -> bool:
    """Dial and shake hands; False where no connection came about."""
    try:
        stream = await run.dial()
    except DialError:
        return False
    await _handshake(run, stream)
    return True


def _where(run: ProbeRun, options: ProbeOptions) -> tuple[str, int] | None:
    """The address that answered, so that every trial talks to the same one."""
    if options.connect_to is not None or run.proxy is not None or run.target.ip is None:
        return options.connect_to
    return run.target.ip, run.target.port


async def _try_addresses(
    target: Target, options: ProbeOptions, known: str | None, found: dict[str, Trial]
) -> None:
    """The plain hello to every address of the name; nothing where there is only one."""
    try:
        resolved = await resolve(target.host, target.port)
    except DialError:
        return
    wanted = list(dict.fromkeys(address for _, address, _ in resolved))[:_MAX_ADDRESSES]
    if len(wanted) < 2 and known in wanted:
        return
    offer = plan(target.sni, ())["plain"]
    patience = Patience(min(options.timeout, 3.0))
    keys = Keys()

    async def one(address: str) -> Trial:
        there = replace(options, connect_to=(address, target.port), timeout=patience.timeout)
        return await attempt("plain", offer, target, there, patience, keys)

    found.update(zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True))


async def _direct(target: Target, options: ProbeOptions) -> Trial:
    past = replace(options, routing=Routing(), timeout=min(options.timeout, 3.0))
    offer = plan(target.sni, ())["plain"]
    return await attempt("plain", offer, target, past, Patience(past.timeout), Keys())


async def _resume(run: ProbeRun, tries: int) -> Resumption | None:
    """Take up the session again, so many times until it works; None where nobody can tell."""
    session = run.session
    if session is None or (not session.has_ticket and not session.id):
        return None
    for _ in range(tries):
        again = ProbeRun(run.target, replace(run.options, request=None))
        again.session = session
        if not await _dialled(again):
            return None
        if again.failure is None:
            return "resumed" if again.resumed else "full"
        if (
            again.failure.cause == "silent-drop"
            and run.ms.get("tls", 0.0) > _SLUGGISH * 1000 * run.options.timeout
        ):
            return None  # a server that is as slow as that may only be busy
    return "failed"
