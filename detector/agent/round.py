"""One run: whom to ask, what they show, what it changes, and all of it kept at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import aclosing, contextmanager
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import msgspec

from detector import clock
from detector.agent import sensing
from detector.agent.draw import draw, part_of
from detector.agent.finding import Held, Sight, sight
from detector.agent.findings import Findings, Place, Step, asked_again, step
from detector.agent.mood import Looked
from detector.errors import StoreError, TargetError
from detector.model.observation import Judgement, Observation, Target
from detector.model.targets import parse_target, socket_text

if TYPE_CHECKING:
    from detector.agent.draw import CanaryRow
    from detector.agent.settings import Settings
    from detector.knowledge.history import History
    from detector.known.knowledge import Knowledge
    from detector.net.probe import ProbeOptions

_CONCURRENCY = 4
_WITNESSES = 3
_BEHIND_A_PORTAL = 2
_REMEDY = "stop the agent and move the file away: runs go on without it meanwhile"


class Asking(msgspec.Struct, frozen=True):
    """Whom a run asks.

    Attributes:
        targets: each once, those whose findings stand first.
        witnesses: canaries that are asked as well where somebody is in doubt.
        next_part: where the own list goes on next time.

    """

    targets: tuple[Target, ...]
    witnesses: tuple[str, ...] = ()
    next_part: int = 0


class Ran(msgspec.Struct, frozen=True):
    """What a run came to."""

    step: Step
    judgements: tuple[Judgement, ...] = ()
    inconclusive: int = 0
    mood: Looked = "unknown"

    @property
    def silent(self) -> bool:
        """Nobody gave a handshake to judge."""
        return self.inconclusive == len(self.judgements)

    def counts(self, *, patient: bool) -> bool:
        """Whether this was a run; behind a portal that is waited for, only one that proved something was."""
        if patient:
            return any(one.verdict == "intercepted" for one in self.judgements)
        return not self.silent


def whom(
    findings: Findings,
    place: Place,
    settings: Settings,
    rows: Sequence[CanaryRow],
    start: int,
    room: int,
    chance: Random,
    passed: Callable[[str], bool] = lambda _: False,
    *,
    few: bool = False,
) -> Asking:
    """Whom the next run asks. Pure.

    Args:
        findings: what stands.
        place: where the machine is.
        settings: with the own list.
        rows: canaries.
        start: where the own list goes on.
        room: how many targets the budget lets a run ask; what stands is asked in any case.
        chance: draws the canaries.
        passed: a host that the gateway does not decrypt says nothing as a canary.
        few: behind a portal: what stands, and two others.

    """
    found: dict[str, Target] = {}
    own = {_key(target): target for target in settings.targets}
    for host in asked_again(findings, place):
        target = own.get(host) or _target(host)
        if target is not None:
            found[host] = target
    lab = "roots" in settings.files
    count = 0 if lab else min(settings.agent.canaries, room, _BEHIND_A_PORTAL if few else room)
    without = {target.host for target in found.values()}
    usable = [row for row in rows if not passed(row.host)] if count else ()
    picked = draw(usable, count + _WITNESSES if count else 0, chance, without)
    drawn = picked[:count]
    for host in drawn:
        found[f"{host}:443"] = Target(host, sni=host)
    least, most = (0, _BEHIND_A_PORTAL) if few else (1, room)
    part, then = part_of(settings.targets, start, max(least, most - len(drawn)))
    for target in part:
        found.setdefault(_key(target), target)
    return Asking(tuple(found.values()), picked[count:], then)


async def ask(
    asking: Asking,
    before: Findings,
    place: Place,
    known: Knowledge,
    options: ProbeOptions,
    history: History | None,
    now: Callable[[], datetime],
    say: Callable[[str], None],
    mood: Looked = "unknown",
) -> Ran:
    """Ask them and judge what they show. Raises nothing for what a peer does.

    `mood`: how open the way out looked. Behind a portal only proof counts: what else stands there is the portal's own.
    """
    from detector.runs.check import CheckRun
    from detector.runs.memory import Memory

    session = CheckRun(
        known, options, memory=Memory(history, say), warn=say, witnesses=asking.witnesses
    )
    async with aclosing(session.run(asking.targets, _CONCURRENCY)) as judged:
        judgements = [judgement async for judgement in judged]
    mood = sensing.mood_after(mood, judgements)
    sights = [sight(judgement) for judgement in judgements]
    if mood == "captive":
        sights = proven(sights)
    silent = sum(one.standing == "silent" for one in sights)
    return Ran(step(before, sights, place, now()), tuple(judgements), silent, mood)


def proven(sights: Sequence[Sight]) -> list[Sight]:
    """What counts behind a portal. Pure.

    A portal answers for every host with a page, a reset, a certificate for another name, of its own signing, or of its
    maker's: all that accuses nobody. A public host's name under a private CA, proven, is an interception wherever it is.
    """
    return [
        msgspec.structs.replace(one, standing="silent")
        if one.standing == "shows" and one.kind != "interception"
        else one
        for one in sights
    ]


@contextmanager
def remembering(folder: Path, say: Callable[[str], None]) -> Iterator[History | None]:
    """What earlier runs saw, opened for a moment; without it, a run goes on as the first one."""
    from detector.knowledge.folders import HISTORY
    from detector.knowledge.history import History

    history: History | None = None
    try:
        history = History(folder / HISTORY, clock.now, _REMEDY)
    except StoreError as error:
        say(str(error))
    try:
        yield history
    finally:
        if history is not None:
            try:
                history.close()
            except StoreError as error:
                say(str(error))


def seen_at_a_sink(observation: Observation, known: Knowledge, memory: History | None) -> Sight:
    """What a sink's own connection shows, judged as any other."""
    from detector.evidence.sharing import Sharing
    from detector.judging.docket import Docket

    sharing = Sharing()
    if memory is not None:
        memory.fill(sharing, known.anchors)
    docket: Docket[int] = Docket(known, sharing)
    found = [*docket.add(0, observation), *docket.rest()]
    return sight(found[-1][1])


def open_ids(findings: Collection[Held]) -> tuple[str, ...]:
    """Of what stands."""
    return tuple(held.id for held in findings)


def _key(target: Target) -> str:
    return socket_text(target.host, target.port)


def _target(host: str) -> Target | None:
    try:
        return parse_target(host)
    except TargetError:
        return None
