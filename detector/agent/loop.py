"""The agent's life: runs when they are due, hears what changes, tells, and ends when it is asked to.

Theory of operation
-------------------
One task plans and runs; others only wake it: the senses, the fleet's line, signals. All times are seconds since boot,
sleep included, so a clock that is set brings no storm and costs no run; nothing waits longer than a minute without a look
at that clock, since a sleeping machine's timers stand still.

SIGTERM and SIGINT end it at once: a run that is under way is given up, which costs nothing, since what it found
is not kept yet and will be found again. SIGHUP reads the settings again; good ones begin a life of their own over the
same state, bad ones are told and change nothing. A state that breaks while it is used is opened anew in the same way.
"""

from __future__ import annotations

import asyncio
import os
import platform
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from detector import clock
from detector.agent import schedule, sensing
from detector.agent.budget import LONGEST_STRETCH, STRETCH, stretches
from detector.agent.core import Core
from detector.agent.findings import is_in_doubt
from detector.agent.identity import FLEET, identity
from detector.agent.kept_up import kept_up
from detector.agent.outlets import opened
from detector.agent.retold import resalt
from detector.agent.settings import Settings, find, load
from detector.agent.state import AgentState, alone, is_damage
from detector.agent.trust import audit
from detector.errors import ConfigError, StoreError, TlsightError

if TYPE_CHECKING:
    from detector.agent.delivery import Deliveries
    from detector.agent.round import Ran

Ending = Literal["stop", "reload", "damaged"]
_LOOK = 60.0
_FAREWELL = 1.0


class Agent:
    """One agent, over one folder of state.

    Args:
        environment: of the process.
        folder: of its state.
        named: the file of settings, where one was named.
        say: takes one line for who looks at the console.

    """

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        named: Path | None,
        say: Callable[[str], None],
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._named = named
        self._say = say
        self._stop = asyncio.Event()
        self._hup = asyncio.Event()

    def stop(self) -> None:
        """End it; from the loop's own thread."""
        self._stop.set()

    def reload(self) -> None:
        """Read the settings again; from the loop's own thread."""
        self._hup.set()

    async def run(self) -> None:
        """Until it is stopped. Raises ConfigError for settings, StoreError for a state, that cannot be used at all."""
        with alone(self._folder):
            settings = self._load()
            self._listen()
            ending: Ending = "reload"
            first = True
            while ending != "stop":
                core = open_core(settings, self._environment, self._folder, self._say)
                life = Life(core, self._stop, self._hup, self._load)
                try:
                    ending = await life.live(first=first)
                finally:
                    core.close()
                    core.state.close()
                settings, first = life.next_settings, False

    def _load(self) -> Settings:
        return load(find(self._environment, self._named))

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        wanted = {"SIGTERM": self._stop, "SIGINT": self._stop, "SIGHUP": self._hup}
        for name, event in wanted.items():
            # Windows has neither; its service stops the agent by `stop`.
            with suppress(NotImplementedError, AttributeError, ValueError):
                loop.add_signal_handler(getattr(signal, name), event.set)


def open_core(
    settings: Settings, environment: Mapping[str, str], folder: Path, say: Callable[[str], None]
) -> Core:
    """An agent over a folder, which the caller holds alone. Raises StoreError."""
    who = identity(folder, os.urandom)
    state = AgentState.open(folder)
    core = Core(settings, state, who, environment, folder, say)
    resalt(core)
    if state.aside is not None:
        text = f"the agent's state was damaged and is begun anew; the old one is {state.aside}"
        say(text)
        core.notice("state-lost", text, about=str(state.aside))
    return core


class Life:
    """From one reading of the settings to the next.

    Attributes:
        next_settings: those of the next life.

    """

    def __init__(
        self, core: Core, stop: asyncio.Event, hup: asyncio.Event, read: Callable[[], Settings]
    ) -> None:
        self._core = core
        self._stop = stop
        self._hup = hup
        self._read = read
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._clocks = (clock.now(), clock.since_boot())
        self._portal: float | None = None
        self._member = False
        self.next_settings = core.own_settings
        core.state.keep_facts(device=core.who.device, salt=core.who.salt.hex())
        self._plan = schedule.began(
            core.settings.every, core.planned(), clock.now(), clock.since_boot(), core.who.device,
            core.chance(),
        )  # fmt: skip

    async def live(self, *, first: bool) -> Ending:
        """Until something ends it. Raises ConfigError, StoreError before it has begun."""
        core = self._core
        deliveries = opened(core)
        self._start("deliver", lambda: self._deliver(deliveries))
        self._start("sense", self._sense)
        self._member = (core.folder / FLEET).exists()
        if self._member:
            self._start("fleet", self._hear)
        else:
            self._start("enrolment", self._join)
        if core.settings.metrics.listen:
            self._start("metrics", lambda: self._expose(core.settings.metrics.listen))
        try:
            if first:
                core.notice("started", f"tlsight agent runs, every {core.settings.every:g} s")
            self._keep_plan()
            ending = await self._until_ended()
            if ending == "stop":
                core.notice("stopping", "tlsight agent was told to stop")
                await deliveries.drain(_FAREWELL)
            return ending
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _until_ended(self) -> Ending:
        core = self._core
        beat = clock.since_boot()
        while True:
            if core.damaged:
                return "damaged"
            if not self._member and (core.folder / FLEET).exists():
                return "reload"
            at = clock.since_boot()
            self._notice_jump(at)
            if at >= beat:
                every = core.settings.heartbeat
                beat = at + (every if core.heartbeat(every) else min(every, _LOOK))
            if at >= self._plan.due:
                await self._interruptible(self._round())
            if self._stop.is_set():
                return "stop"
            if self._hup.is_set():
                self._hup.clear()
                if self._read_again():
                    return "reload"
            await self._rest(min(_LOOK, max(0.05, min(self._plan.due, beat) - clock.since_boot())))

    async def _round(self) -> None:
        """One run, and when the next one is."""
        core = self._core
        at = clock.since_boot()
        ran: Ran | None = None
        met = True
        try:
            seen = await core.look()
            self._portal, patient = schedule.portal(self._portal, at, captive=seen == "captive")
            met = seen != "offline" or bool(core.settings.targets)
            if met:
                ran = await core.round(seen, few=patient)
                met = ran is None or ran.counts(patient=patient)
        except TlsightError as error:
            # A file that the settings name is gone, or a proxy's script cannot be had: perhaps not for ever.
            core.say(str(error))
            self._tell_once(str(error))
        chance = core.chance()
        if not met:
            self._plan = schedule.no_network(self._plan, at, chance)
        else:
            doubt = is_in_doubt(core.stands, core.place)
            self._plan = schedule.ran(self._plan, at, chance, doubt=doubt)
        if stretches(core.use, core.settings.limits):
            self._plan = schedule.stretched(self._plan, STRETCH, at, LONGEST_STRETCH)
        self._keep_plan()
        if ran is not None:
            self._told = ""
            await audit(core)

    _told = ""

    def _tell_once(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._core.notice("cannot-check", f"nothing can be checked: {text}")

    def _keep_plan(self) -> None:
        planned = schedule.planned_for(self._plan, clock.now(), clock.since_boot())
        try:
            self._core.state.keep_facts(**{"next-run": planned.isoformat()})
        except StoreError as error:
            self._core.damaged = self._core.damaged or is_damage(error)
            self._core.say(str(error))

    def _notice_jump(self, at: float) -> None:
        now = clock.now()
        by = schedule.jump(self._clocks, now, at)
        self._clocks = (now, at)
        if by is not None:
            self._core.notice("clock-jumped", f"the clock was set by {by:+.0f} s")
            self._keep_plan()

    def _read_again(self) -> bool:
        """Whether the settings could be read again."""
        try:
            self.next_settings = self._read()
        except ConfigError as error:
            text = f"the settings are refused, the old ones stay: {error}"
            self._core.say(text)
            self._core.notice("config-refused", text, about=error.path)
            return False
        return True

    async def _interruptible(self, work: Coroutine[Any, Any, None]) -> None:
        """Some work, given up when the agent is to stop."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not working.done():
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
        if not working.cancelled():
            working.result()

    async def _rest(self, seconds: float) -> None:
        """So long, or until somebody wakes the loop."""
        waiting = [asyncio.ensure_future(one.wait()) for one in (self._wake, self._stop, self._hup)]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        self._wake.clear()

    # What runs beside

    def _start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        async def through() -> None:
            await kept_up(name, work, self._broke, asyncio.sleep)
            self._wake.set()  # it may have been waited for, as an enrolment is

        self._tasks.append(asyncio.create_task(through(), name=name))

    def _broke(self, text: str, error: Exception, *, first: bool) -> None:
        core = self._core
        core.damaged = core.damaged or (isinstance(error, StoreError) and is_damage(error))
        core.say(text)
        if first:
            core.notice("cannot-check", f"a part of the agent broke, and is begun again: {text}")
        self._wake.set()

    async def _expose(self, listen: str) -> None:
        """What Prometheus scrapes of this process."""
        import platform

        from detector.agent.exposition import collector, serve

        collect = collector(self._core.folder, self._core.settings.limits)
        await serve(listen, collect, names=(platform.node(),))

    async def _deliver(self, deliveries: Deliveries) -> None:
        """Bring events to the sinks; a store that cannot be written now, a full disk, may be so again later."""
        while True:
            try:
                return await deliveries.run()  # at once where there are no sinks
            except StoreError as error:
                if is_damage(error):
                    raise
                self._core.say(str(error))
                await asyncio.sleep(_LOOK)

    async def _sense(self) -> None:
        async for change in sensing.changes(self._core.environment):
            if change.kind == "trust":
                self._core.audit_again()
            if change.kind == "clock":
                self._wake.set()
                continue
            self._plan = schedule.changed(self._plan, clock.since_boot())
            if change.kind in ("network", "resume"):
                self._core.wake_again()
            self._wake.set()

    async def _join(self) -> None:
        """Enrol where the service was given a token; a life with the fleet begins then."""
        from detector.agent.joining import join, token_file

        core = self._core
        file = token_file(core.settings.fleet.token_file, core.environment)
        if file is not None:
            name = platform.node() if core.settings.agent.name else ""
            await join(file, core.folder, core.who.device, name, core.say, core.chance)

    async def _hear(self) -> None:
        """The fleet's lists and questions."""
        from detector.agent.link import Link

        core = self._core
        own = core.known.is_own
        link = Link(
            core.folder, core.state.database, now=clock.now, notice=core.notice, private=own
        )

        def on_list(name: str, content: bytes, serial: int) -> None:
            core.take_list(name, content, serial)
            every = core.settings.every
            self._plan = schedule.with_period(self._plan, every, clock.since_boot())
            self._wake.set()

        async def on_question(question: Any) -> None:
            await core.answer(question.id, question.host, question.port)

        await link.run(on_list, on_question)


async def once(
    settings: Settings,
    environment: Mapping[str, str],
    folder: Path,
    say: Callable[[str], None],
    patience: float = 10.0,
) -> Ran | None:
    """One run, kept and delivered. None where nothing was asked. Raises ConfigError, StoreError."""
    with alone(folder):
        core = open_core(settings, environment, folder, say)
        try:
            core.state.keep_facts(device=core.who.device, salt=core.who.salt.hex())
            deliveries = opened(core)
            delivering = asyncio.create_task(deliveries.run())
            try:
                seen = await core.look()
                if seen == "captive":
                    say("a captive portal stands in the way: only proof of an interception counts")
                ran = await core.round(seen, few=seen == "captive")
                await audit(core)
                core.heartbeat(settings.every)
                if not await deliveries.drain(patience):
                    late = [one for one in deliveries.state() if one.waiting]
                    for one in late:
                        why = f": {one.trouble}" if one.trouble else ""
                        say(f"{one.waiting} events still wait for sink {one.name}{why}")
                return ran
            finally:
                delivering.cancel()
                await asyncio.gather(delivering, return_exceptions=True)
        finally:
            core.close()
            core.state.close()
