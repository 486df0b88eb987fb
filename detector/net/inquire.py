"""Find out why a handshake fails: one lenient handshake, and the hellos of `detector.causes.plan`.

Theory of operation
-------------------
The connection is made once, then the handshake and the trials run side by side, a few at a time. A trial
that is about to be held against somebody (it failed where the plain hello was answered) is made again
first, twice where it was cut: a lost packet or a busy server is no cause. The handshake is made again where
it was cut and the plain hello was not. All of it draws on one budget of time. What trials were sent beside the
handshake's own leaf (SCTs, a staple) is the observation's too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from detector.causes.plan import CHANGES, plan, with_name
from detector.chain.names import as_address
from detector.errors import DialError
from detector.model.inquiry import Inquiry, Trial
from detector.model.observation import Failure, Target
from detector.net.application import question_to
from detector.net.budget import Budget
from detector.net.probe import ProbeOptions, ProbeRun, speaks_http
from detector.net.routes import Routing
from detector.net.stream import Stream, resolve
from detector.net.trial import Keys, Patience, attempt
from detector.net.unasked import with_answers
from detector.wire.offer import Offer

_AT_ONCE, _AGAIN_AT_ONCE = 8, 3
_MAX_ADDRESSES = 6
_CUT = ("reset", "closed")
_PROTOCOLS = ("h2", "http/1.1")
_AGAIN = ("reset", "closed", "silent", "unreachable")


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
    several = curious.addresses and run.proxy is None and options.connect_to is None
    async with asyncio.TaskGroup() as group:
        group.create_task(budget.spend("handshake", _handshake(run, stream)))
        if curious.trials:
            group.create_task(budget.spend("trials", _try_all(target, same, trials)))
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
    resumption = None
    if curious.resume and run.session:
        resumption = await budget.spend("resumption", _resume(run))
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


async def _try_all(target: Target, options: ProbeOptions, found: dict[str, Trial]) -> None:
    """Every hello of the plan; what is known of it goes into `found` as it comes."""
    alpn = _PROTOCOLS if speaks_http(target) else ()
    offers = plan(target.sni, alpn)
    if target.sni is None and as_address(target.host) is None:
        offers = {**offers, "with-sni": with_name(offers, target.host)}
    patience, keys = Patience(options.timeout), Keys()
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> None:
        async with turns:
            if not patience.exhausted:
                made = await attempt(name, offers[name], target, options, patience, keys)
                found[name] = made

    try:
        await asyncio.gather(*(one(name) for name in offers))
        await _confirm(found, offers, target, options, patience, keys)
    finally:
        _in_order(found, offers)


def _in_order(found: dict[str, Trial], offers: Mapping[str, Offer]) -> None:
    """As they are planned, not as they happened to end: rules take the first that fits."""
    for name in offers:
        if name in found:
            found[name] = found.pop(name)


async def _confirm(
    found: dict[str, Trial],
    offers: Mapping[str, Offer],
    target: Target,
    options: ProbeOptions,
    patience: Patience,
    keys: Keys,
) -> None:
    """Trials that failed without a word where a neighbour was answered, made again.

    What a second try mends may make a neighbour doubtful that was not before, so this goes on until there
    is none left.
    """
    made = dict.fromkeys(found, 1)
    turns = asyncio.Semaphore(_AGAIN_AT_ONCE)  # a server may mind many connections at once

    async def one(name: str) -> Trial:
        made[name] += 1
        async with turns:
            return await attempt(name, offers[name], target, options, patience, keys)

    while doubtful := [name for name in _doubtful(found) if made[name] < _tries(found[name])]:
        again = await asyncio.gather(*map(one, doubtful))
        found.update({trial.offer: trial for trial in again})


def _doubtful(found: Mapping[str, Trial]) -> list[str]:
    """Trials that failed without a word, and have a neighbour that was answered."""
    return sorted(
        {
            name
            for change in CHANGES
            for name, other in ((change.offer, change.base), (change.base, change.offer))
            if name in found
            and other in found
            and found[name].outcome in _AGAIN
            and found[other].answered
        }
    )


def _tries(trial: Trial) -> int:
    """Silence costs its time, what is cut is cheap to ask a third time."""
    return 3 if trial.outcome in _CUT else 2


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


async def _resume(run: ProbeRun) -> Literal["resumed", "full", "failed"] | None:
    """Take up the session again; a failure counts when it happens three times."""
    session = run.session
    if session is None or (not session.has_ticket and not session.id):
        return None
    for _ in range(3):
        again = ProbeRun(run.target, replace(run.options, request=None))
        again.session = session
        if not await _dialled(again):
            return None
        if again.failure is None:
            return "resumed" if again.resumed else "full"
    return "failed"
