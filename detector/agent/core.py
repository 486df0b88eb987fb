"""What an agent is while it runs: what it knows, what stands, and how both are kept and told.

Everything that is told goes through one transaction that keeps what stands beside it. Where that fails, what stands
stays as it was kept last, so the next run finds again what this one found; notices wait in memory meanwhile. What is
wrong is said on stderr, the same only once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

import msgspec

from detector import clock
from detector.agent import budget, findings, mood, sensing
from detector.agent.canaries import Canaries
from detector.agent.identity import Identity
from detector.agent.known import Known
from detector.agent.mood import Felt, Mood
from detector.agent.own_hosts import OwnHosts
from detector.agent.past import Past
from detector.agent.settings import Settings, with_fleet
from detector.agent.state import AgentState, is_damage
from detector.agent.telling import Teller
from detector.errors import ConfigError, StoreError, TlsightError
from detector.logged import Log
from detector.report.event_json import (
    EventRecord,
    HeartbeatRecord,
    NoticeCode,
    NoticeRecord,
    SinkRecord,
)

if TYPE_CHECKING:
    from detector.agent.finding import Held, Sight
    from detector.agent.round import Ran
    from detector.known.knowledge import Knowledge
    from detector.model.observation import Judgement, Observation
    from detector.net.probe import ProbeOptions
    from detector.net.routes import Routing

_log = Log(__name__)

_MAX_PENDING = 200


class Core:
    """One agent's.

    Args:
        settings: as they stand; `settings` may be replaced while it runs.
        state: the open one.
        who: this device.
        environment, folder: where lists, proofs and history are.
        say: takes one line for who looks at the console.

    Attributes:
        stands: all findings as they were kept last.
        wake, wake_again: called when something is to be delivered; the second where the network is back.
        sinks: how they fare.
        past: where findings go that cannot be kept.
        damaged: the state broke while it was used; it is to be opened anew.

    """

    def __init__(
        self,
        settings: Settings,
        state: AgentState,
        who: Identity,
        environment: Mapping[str, str],
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.own_settings = settings
        self.state = state
        self.who = who
        self.environment = environment
        self.folder = folder
        self.teller = Teller(who.device, clock.now, secrets.token_bytes)
        self.known = Known(settings, environment, self.say)
        self.canaries = Canaries()
        self.own_hosts = OwnHosts(environment)
        self.stands: dict[str, Held] = state.findings()
        self.wake: Callable[[], None] = lambda: None
        self.wake_again: Callable[[], None] = lambda: None
        self.sinks: Callable[[], tuple[SinkRecord, ...]] = lambda: ()
        self.past = Past(say)
        self.damaged = False
        self.counted = budget.Counted()
        self.mood = state.record("mood", Mood)
        self._say = say
        self._said: set[str] = set()
        self._pending: list[EventRecord] = []
        self._chance = SystemRandom()
        self._measured = budget.Measured(0.0, 0, 0)
        self._began = clock.since_boot()
        self._knowledge: Knowledge | None = None
        self._base: Knowledge | None = None
        self.use = state.record("use", budget.Use) or budget.Use(clock.now())
        self._tell_as(settings)

    @property
    def place(self) -> findings.Place:
        """Where the machine was when it was last asked."""
        return findings.Place(self.who.device, self.teller.network)

    def say(self, text: str) -> None:
        """One line on stderr, the same only once until all is well again."""
        if text not in self._said:
            if len(self._said) > _MAX_PENDING:
                self._said.clear()
            self._said.add(text)
            self._say(text)

    def chance(self) -> float:
        """0 to 1."""
        return self._chance.random()

    # What is told and kept

    def notice(self, code: NoticeCode, text: str, about: str = "") -> None:
        """Tell something about the agent itself."""
        self.keep(self.stands, [self.teller.notice(code, text, about)])

    def keep(
        self,
        after: Mapping[str, Held],
        events: Sequence[EventRecord],
        facts: Mapping[str, str] | None = None,
    ) -> bool:
        """Keep what stands and what is to be told, at once; whether that could be done."""
        try:
            given_up = self.state.commit(
                self.stands, after, [*self._pending, *events], self.settings.keep, facts
            )
        except StoreError as error:
            self.damaged = self.damaged or is_damage(error)
            self.say(str(error))
            notices = [one for one in events if one.notice is not None]
            self._pending = [*self._pending, *notices][-_MAX_PENDING:]
            self.past.take(events)
            return False
        self._pending.clear()
        self.past.clear()
        self._said.clear()
        self.stands = dict(after)
        if given_up.tell:
            text = f"no room for {given_up.events} events, {given_up.findings} of them findings"
            self.notice("events-lost", f"{text}: sinks did not take them for too long")
        if events:
            self.wake()
        return True

    def heartbeat(self, every: float) -> bool:
        """Tell that it lives."""
        self.measure()
        counted = self.counted
        try:
            beat = HeartbeatRecord(
                up=round(clock.since_boot() - self._began, 1), every=every,
                here=tuple(held.id for held in findings.stands_here(self.stands, self.place)),
                checked=counted.checked, inconclusive=counted.inconclusive,
                cpu=round(counted.cpu, 3), sent=counted.traffic, memory=budget.resident(),
                lists=self.state.serials(), sinks=self.sinks(),
                lost=int(self.state.fact("lost") or 0),
                mood=self.mood.word if self.mood is not None else "",
                mood_since=self.mood.since if self.mood is not None else None,
            )  # fmt: skip
        except StoreError as error:
            self.damaged = self.damaged or is_damage(error)
            self.say(str(error))
            return False
        facts = {
            "heartbeat": clock.now().isoformat(),
            "use": msgspec.json.encode(self.use).decode(),
        }
        if not self.keep(self.stands, [self.teller.heartbeat(beat)], facts):
            return False
        self.counted = budget.Counted()
        return True

    # What it costs

    def measure(self, targets: int = 0) -> None:
        """Add what was used since the last time to the day's account; tell once a day where it is too much."""
        after = budget.measure()
        before, self._measured = self._measured, after
        self.use = budget.used(self.use, before, after, targets, clock.now())
        self.counted.cpu += max(0.0, after.cpu - before.cpu)
        self.counted.traffic += max(0, after.traffic - before.traffic)
        much = budget.over(self.use, self.settings.limits, after.memory)
        if much and not self.use.told:
            self.use = msgspec.structs.replace(self.use, told=True)
            why = "; ".join((*much, *budget.reasons(self.use)))
            self.notice("over-budget", f"over budget: {why}")

    # What it asks

    async def look(self) -> mood.Looked:
        """Where the machine is, and how open the way out is; in a lab neither is asked."""
        if "roots" in self.settings.files:
            return "unknown"
        self.teller.network = await sensing.here(self.who.salt, self.environment)
        seen = await sensing.portal(self.routing(), self.settings.agent.portal)
        self._feel(mood.looked(self.mood, seen, self.settings.every, clock.now()))
        return seen

    def _feel(self, felt: Felt) -> None:
        """Tell and keep how open the way out is; what could not be kept is felt again."""
        if felt.mood == self.mood:
            return
        _log.info("feels another way out", mood=felt.mood.word if felt.mood else None)
        facts = {"mood": msgspec.json.encode(felt.mood).decode()}
        events = [self.teller.notice(one.code, one.text) for one in felt.said]
        self.keep(self.stands, events, facts)
        self.mood = felt.mood

    async def round(self, seen: mood.Looked = "unknown", *, few: bool = False) -> Ran | None:
        """Ask, judge, keep and tell; None where what was found could not be kept. Raises ConfigError.

        Args:
            seen: how open the way out is.
            few: ask as few as behind a portal.

        """
        from detector.agent.round import ask, remembering, whom

        knowledge = self.knowledge()
        start = self._number("part")
        room = budget.room(self.use, self.settings.limits, self.settings.every)
        rows = self.canaries.rows()
        settings = await self.own_hosts.with_them(self.settings, self.state)
        asking = whom(
            self.stands, self.place, settings, rows, start, room, self._chance,
            self.canaries.passed, few=few,
        )  # fmt: skip
        run = self.teller.run_id()
        with remembering(self.folder, self.say) as history:
            ran = await ask(
                asking, self.stands, self.place, knowledge, self.probing(), history, clock.now,
                self.say, seen,
            )  # fmt: skip
        _log.info(
            "asked a round", hosts=len(ran.judgements), inconclusive=ran.inconclusive, told=len(ran.step.told),
            mood=self.mood.word if self.mood else None, few=few,
        )  # fmt: skip
        self.counted.checked += len(ran.judgements)
        self.counted.inconclusive += ran.inconclusive
        every, now = self.settings.every, clock.now()
        after = mood.looked(self.mood, ran.mood, every, now)
        self._feel(after)
        self._feel(mood.ran(after.mood, len(ran.judgements), ran.inconclusive, now))
        self.measure(len(ran.judgements))
        facts = {
            "last-run": clock.now().isoformat(), "part": str(asking.next_part),
            "use": msgspec.json.encode(self.use).decode(),
            "network": msgspec.json.encode(self.teller.network).decode(),
        }  # fmt: skip
        kept = self.keep(ran.step.after, self.teller.findings(ran.step.told, run), facts)
        return ran if kept else None

    async def answer(self, question: str, host: str, port: int) -> Judgement | None:
        """Ask about one host and tell what it shows. Raises StoreError where that cannot be kept: the question is open."""
        from detector.agent.round import Asking, ask, remembering
        from detector.model.targets import parse_target

        run = self.teller.run_id()
        target = parse_target(host, port=port)
        with remembering(self.folder, self.say) as history:
            ran = await ask(
                Asking((target,)), {}, self.place, self.knowledge(), self.probing(), history,
                clock.now, self.say,
            )  # fmt: skip
        self.measure(1)
        for judgement in ran.judgements:
            if not self.keep(self.stands, [self.teller.answer(question, judgement, run)]):
                raise StoreError(
                    str(self.folder), "an answer to the fleet cannot be kept: it is asked again"
                )
            return judgement
        return None

    def audit_again(self) -> None:
        """The machine's trust store changed: judge by the new one, and audit it with the next run."""
        self.known.forget_store()
        self._knowledge = None
        try:
            if self.state.fact("trust-last"):
                past = datetime.min.replace(tzinfo=clock.now().tzinfo)
                self.state.keep_facts(**{"trust-last": past.isoformat()})
        except StoreError as error:
            self.say(str(error))

    def sink_told(self, notice: NoticeRecord, seen: Observation | None) -> None:
        """What the delivery says of a sink; where its own connection is intercepted that is a finding."""
        told = [self.teller.notice(notice.code, notice.text, notice.about)]
        shown = self._judged(seen) if seen is not None else None
        if shown is None and notice.code != "sink-again":
            self.keep(self.stands, told)
            return
        step = findings.step_sink(self.stands, notice.about, shown, self.place, clock.now())
        self.keep(step.after, [*self.teller.findings(step.told, self.teller.run_id()), *told])

    def look_at_sink(self, name: str, seen: Observation) -> str | None:
        """Who stands in a sink's connection though it verified; None where nobody does, or one who may."""
        shown = self._judged(seen)
        if shown is None or shown.standing == "silent":
            return None
        caught = shown.standing == "shows" and shown.kind == "interception"
        if not caught and shown.standing != "fine":
            return None
        step = findings.step_sink(
            self.stands, name, shown if caught else None, self.place, clock.now()
        )
        if step.told:
            self.keep(step.after, self.teller.findings(step.told, self.teller.run_id()))
        if not caught or shown.sanctioned:
            return None
        return shown.product or shown.engine or shown.issuer or shown.subject

    def _judged(self, seen: Observation) -> Sight | None:
        from detector.agent.round import remembering, seen_at_a_sink

        try:
            with remembering(self.folder, self.say) as history:
                return seen_at_a_sink(seen, self.knowledge(), history)
        except TlsightError as error:
            self.say(str(error))
            return None

    # What the fleet says

    def take_list(self, name: str, content: bytes, _serial: int) -> None:
        """Put a signed list in force. Raises ConfigError: the one before stays."""
        if name == "configuration":
            self.settings = with_fleet(self.own_settings, content)
            self._tell_as(self.settings)
        elif name == "canaries":
            self.canaries.replace(content)
            self._knowledge = None
        elif name == "bypass":
            self.canaries.pass_over(content)

    # Parts

    def knowledge(self) -> Knowledge:
        """What judges compare with; the last one that could be loaded. Raises ConfigError where none could."""
        from dataclasses import replace

        try:
            found = self.known.now()
        except ConfigError as error:
            if self._knowledge is None:
                raise
            self.say(str(error))
            return self._knowledge
        hosts = frozenset(row.host for row in self.canaries.rows())
        if self._knowledge is None or found is not self._base:
            self._base = found
            self._knowledge = replace(found, canaries=found.canaries | hosts)
            self.teller.tables = self.known.tables()
        return self._knowledge

    def probing(self) -> ProbeOptions:
        """How to dial. Raises ConfigError."""
        from detector.net.probe import ProbeOptions

        return ProbeOptions(
            timeout=self.settings.agent.timeout, routing=self.routing(), most=budget.MOST_OF_A_PEER
        )

    def routing(self) -> Routing:
        """The way that the settings and the environment name. Raises ConfigError."""
        return sensing.routing(self.settings.agent.proxy, self.environment)

    def planned(self) -> datetime | None:
        """When the next run was to be; None where this device never ran. Raises StoreError."""
        last = self.state.moment("last-run")
        after = last + timedelta(seconds=self.settings.every) if last is not None else None
        return self.state.moment("next-run") or after

    def close(self) -> None:
        """Close what is open, but the state."""
        self.known.close()

    def _tell_as(self, settings: Settings) -> None:
        self.teller.named = settings.agent.name
        self.teller.observations = settings.agent.observations

    def _number(self, name: str) -> int:
        try:
            return int(self.state.fact(name) or 0)
        except (StoreError, ValueError):
            return 0
