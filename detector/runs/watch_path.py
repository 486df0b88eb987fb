"""A run that takes readings of the paths to some hosts, and says what became of them since earlier ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from detector.chain.names import as_address
from detector.judging.path_answer import PathAnswer, Seen, path_answer
from detector.judging.path_reading import reading_of, tells_of_the_path
from detector.knowledge.path_readings import PathReadings
from detector.model.observation import Judgement, Observation, Target
from detector.model.paths import Network
from detector.model.targets import host_text, socket_text
from detector.net.todays_hello import with_browser_answer
from detector.runs.check import CheckRun

if TYPE_CHECKING:
    from detector.forensics.echoed import EchoedHello
    from detector.net.echoed import EchoServer

_AT_ONCE = 16


class WatchPathRun:
    """One reading.

    Args:
        session: how to ask, and what to judge by.
        kept: where readings are.
        network: where this machine is.
        only_here: compare with this network alone.
        echo: an echo server; its path is read as others' are, and how our hellos arrive there.

    """

    def __init__(
        self,
        session: CheckRun,
        kept: PathReadings,
        network: Network,
        *,
        only_here: bool = False,
        echo: EchoServer | None = None,
    ) -> None:
        self._session = session
        self._kept = kept
        self._network = network
        self._only_here = only_here
        self._echo = echo

    async def run(self, targets: Sequence[Target], at: datetime) -> PathAnswer:
        """Ask all targets, compare, and keep what can be compared with. Raises StoreError.

        Args:
            targets: each at most once.
            at: aware UTC, now.

        """
        if self._echo is not None:
            there = Target(self._echo.host, self._echo.port, sni=_sni(self._echo.host))
            targets = [there, *(one for one in targets if one != there)]
        judged = await self._judged(targets)
        arrived = await self._arrived()
        somebody = any(one.verdict != "inconclusive" for one in judged)
        seen = []
        for place, (target, judgement) in enumerate(zip(targets, judged, strict=True)):
            failure = judgement.observation.failure
            kept = judgement.verdict != "inconclusive" or tells_of_the_path(failure)
            kept = kept or (somebody and failure is not None and not failure.why)
            reading = reading_of(judgement, self._session.known, arrived if place == 0 else None)
            earlier = self._kept.earlier(self._name(target))
            seen.append(Seen(host_text(target), reading, judgement.summary, kept, earlier))
        others = self._kept.networks()
        found = path_answer(seen, self._network, others, at, only_here=self._only_here)
        self._kept.keep(
            self._network.id,
            (
                (self._name(target), one.reading)
                for target, one in zip(targets, seen, strict=True)
                if one.kept
            ),
        )
        return found

    def _name(self, target: Target) -> str:
        """What a target is kept as: its place, and whatever else of the way to it the user fixed."""
        words = [socket_text(target.host, target.port)]
        if self._session.options.connect_to is not None:
            words.append("at " + socket_text(*self._session.options.connect_to))
        if target.sni != target.host:
            words.append(f"as {target.sni or 'nobody'}")
        if target.starttls is not None:
            words.append(f"by {target.starttls}")
        return " ".join(words)

    async def _judged(self, targets: Sequence[Target]) -> list[Judgement]:
        found = await self._asked(dict(enumerate(targets)))
        silent = {
            place: targets[place]
            for place, one in found.items()
            if one.verdict == "inconclusive" and not tells_of_the_path(one.observation.failure)
        }
        if silent and len(silent) < len(targets):
            # A packet that was lost is no change of the path.
            found |= await self._asked(silent)
        turn = asyncio.Semaphore(_AT_ONCE)

        async def asked_as_browsers_do(judgement: Judgement) -> Judgement:
            async with turn:
                seen = await self._browser(judgement.observation)
            return replace(judgement, observation=seen)

        return list(
            await asyncio.gather(*(asked_as_browsers_do(found[at]) for at in sorted(found)))
        )

    async def _asked(self, targets: Mapping[int, Target]) -> dict[int, Judgement]:
        """By the same places."""
        places = list(targets)
        run = self._session.numbered(targets.values(), min(_AT_ONCE, len(targets)))
        async with aclosing(run) as judged:
            return {places[number]: judgement async for number, judgement in judged}

    async def _browser(self, observation: Observation) -> Observation:
        if observation.handshake is None:
            return observation
        return await with_browser_answer(observation, self._session.options)

    async def _arrived(self) -> tuple[str, ...] | None:
        """How our hellos arrive at the echo server, in words; None without one, or where it says nothing of them."""
        if self._echo is None:
            return None
        from detector.knowledge.browser_hellos import browser_hellos
        from detector.runs.echo import ask_echo

        found = await ask_echo(self._echo, self._session.options, browser_hellos())
        return how_they_arrived(found.hellos)


def how_they_arrived(hellos: Iterable[EchoedHello]) -> tuple[str, ...] | None:
    """What became of those that arrived, in words; empty where they are as they were sent, None where none arrived.

    One that did not arrive, or came late, is left out: a busy machine is as likely a reason as somebody in between.
    """
    arrived = [one for one in hellos if one.fate != "nothing"]
    if not arrived:
        return None
    by_words: dict[str, list[str]] = {}
    for one in arrived:
        if words := _fate(one):
            by_words.setdefault(words, []).append(one.client)
    return tuple(
        words if len(clients) == len(arrived) else f"{words} ({', '.join(clients)})"
        for words, clients in sorted(by_words.items())
    )


def _fate(one: EchoedHello) -> str:
    if one.fate == "rewritten":
        return "rewritten" + (f" as by {one.written_by}" if one.written_by else "")
    fields = dict.fromkeys(each.field for each in one.differences if each.kind != "delayed")
    return f"{one.fate}: {', '.join(fields)}" if fields else ""


def _sni(host: str) -> str | None:
    return None if as_address(host) is not None else host
