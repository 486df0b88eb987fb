"""Every part in turn: looked at, judged, and where that fails told as a finding of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detector import clock
from detector.doctor import judging, looking
from detector.doctor.facts import NetworkFacts
from detector.errors import TlsightError
from detector.net.briefly import run_briefly
from detector.net.routes import Routing
from detector.report.doctor_json import DoctorFinding, DoctorRecord, Part
from detector.version import __version__

if TYPE_CHECKING:
    from detector.doctor.asking import SetWay

_SECONDS = 3.0


class Examination:
    """One run of `tlsight doctor`. Never raises for what it finds.

    Args:
        environment: the variables.
        way: gives the way that hosts are asked by; may raise what TlsightError is.
        check: reads the command's settings; may raise ConfigError.
        shells: gives those that complete the command; None where nobody types it.
        offline: ask nothing on the network.
        seconds: for each answer.
        named: gives the ways that settings of single verbs name, once `check` has read them.

    """

    def __init__(
        self,
        environment: Mapping[str, str],
        way: Callable[[], Routing],
        check: Callable[[], object],
        *,
        shells: Callable[[], Sequence[str]] | None = None,
        offline: bool = False,
        seconds: float = _SECONDS,
        named: Callable[[], Sequence[SetWay]] = tuple,
    ) -> None:
        self._environment = environment
        self._way = way
        self._check = check
        self._shells = shells
        self._offline = offline
        self._seconds = seconds
        self._named = named
        self._found: list[DoctorFinding] = []

    def run(self, tell: Callable[[Part], None] = lambda _: None) -> DoctorRecord:
        """The whole; `tell` is called with each part before it is looked at."""
        now, environment, shells = clock.now(), self._environment, self._shells
        dates: list[NetworkFacts] = []

        def network() -> Iterable[DoctorFinding]:
            from detector.doctor.asking import ask_network

            dates.append(run_briefly(ask_network(self._routing()[0] or Routing(), self._seconds)))
            return judging.network(dates[0])

        def times() -> Iterable[DoctorFinding]:
            said = dates[0].dates if dates else ()
            return judging.clock(clock.now(), looking.tables_made(), said)

        def lists() -> Iterable[DoctorFinding]:
            from detector.knowledge.folders import state_folder

            named = environment.get("TLSIGHT_LISTS")
            folder = Path(named) if named else state_folder(environment) / "lists"
            return judging.tables(looking.look_at_tables(folder, now), now)

        parts: list[tuple[Part, Callable[[], Iterable[DoctorFinding]]]] = [
            ("program", lambda: judging.program(looking.look_at_program())),
            ("tables", lists),
            (
                "settings",
                lambda: judging.settings(looking.look_at_settings(environment, self._check)),
            ),
            ("stores", lambda: judging.stores(looking.look_at_stores(environment))),
            ("trust", lambda: judging.trust(looking.look_at_trust(environment))),
            ("proxy", self._proxies),
            *((("network", network),) if not self._offline else ()),
            ("clock", times),
            ("capture", lambda: judging.capture(looking.look_at_capture(environment))),
            *((("shell", lambda: judging.shell(shells())),) if shells is not None else ()),
            ("agent", lambda: judging.agent(looking.look_at_agent(environment), now)),
        ]
        for part, look in parts:
            tell(part)
            self._one(part, look)
        problems = sum(one.level == "problem" for one in self._found)
        return DoctorRecord(now, __version__, self._offline, problems, tuple(self._found))

    def _one(self, part: Part, look: Callable[[], Iterable[DoctorFinding]]) -> None:
        try:
            self._found += look()
        except Exception as error:  # the boundary: the next part may be well
            self._found.append(judging.unlooked(part, error))

    def _routing(self) -> tuple[Routing | None, TlsightError | None]:
        try:
            return self._way(), None
        except TlsightError as error:
            return None, error

    def _proxies(self) -> Iterable[DoctorFinding]:
        from detector.doctor.asking import ask_proxies, other_proxies

        routing, trouble = self._routing()
        others = other_proxies(self._environment)
        facts = ask_proxies(
            routing, trouble, others, self._seconds, ask=not self._offline, named=self._named()
        )
        return judging.proxies(run_briefly(facts))
