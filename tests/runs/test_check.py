"""A run keeps count of its targets, and remembers what earlier runs saw."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from detector.clock import now
from detector.knowledge.history import History
from detector.known.knowledge import Knowledge
from detector.lab.answer import Answer
from detector.lab.loopback import Loopback
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from detector.lab.web import Web
from detector.model.observation import Judgement, Observation
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.runs.check import CheckRun
from detector.runs.memory import Memory
from detector.runs.saved import encode_observation, read_observations
from tests.conftest import Observe


def verdicts(session: CheckRun, *observations: Observation) -> list[tuple[int, str]]:
    """What goes out after each observation, by place."""
    found = [session.judge(place, seen) for place, seen in enumerate(observations)]
    return [(place, judgement.verdict) for released in found for place, judgement in released]


def test_history_carries_keys_into_the_next_run(
    corporate: Authority, known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    path = tmp_path / "history.sqlite3"
    first = History(path, now)
    verdicts(
        CheckRun(known, ProbeOptions(), memory=Memory(first)),
        observe("github.com", corporate.issue("github.com")),
    )
    first.close()
    second = History(path, now)
    run = CheckRun(known, ProbeOptions(), memory=Memory(second))
    assert verdicts(run, observe("b.org", corporate.issue("b.org"))) == [(0, "intercepted")]
    second.close()


def test_a_proven_host_is_the_next_runs_baseline(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    path = tmp_path / "history.sqlite3"
    first = History(path, now)
    verdicts(
        CheckRun(known, ProbeOptions(), memory=Memory(first)), observe("a.com", pki.issue("a.com"))
    )
    first.close()
    second = History(path, now)
    run = CheckRun(known, ProbeOptions(), memory=Memory(second))
    ((_, found),) = run.judge(0, observe("a.com", corporate.issue("a.com")))
    assert (found.verdict, found.evidence[0].id) == ("intercepted", "public-host-private-ca")
    second.close()


def test_a_history_that_breaks_ends_the_history_not_the_run(
    pki: LabPki, known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    history = History(tmp_path / "h.sqlite3", now)
    told: list[str] = []
    run = CheckRun(known, ProbeOptions(), memory=Memory(history, told.append))
    history._db.execute("DROP TABLE baseline")
    seen = observe("a.com", pki.issue("a.com"))
    assert verdicts(run, seen, seen) == [(0, "direct"), (1, "direct")]
    assert len(told) == 1
    assert "no such table" in told[0]
    history._db.close()


class Silent(Loopback):
    """Takes requests and answers none."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)


def checked(
    signer: Callable[[LabPki], Authority], *, silent: bool = False, **how: bool
) -> Judgement:
    """The verdict on a server that sends its leaf alone; where that says its issuer is, the true CA answers."""

    async def run() -> list[Judgement]:
        pki = LabPki()
        true = Answer(pki.intermediate.der, "application/pkix-cert")
        async with Silent(None) if silent else Web(None, lambda _: true) as service:
            ca = signer(pki)
            ca.web = f"http://127.0.0.1:{service.port}"
            leaf = replace(ca.issue("a.com"), above=())
            async with Origin({"a.com": leaf}) as origin:
                options = ProbeOptions(
                    timeout=2 if silent else 20, connect_to=("127.0.0.1", origin.port)
                )
                session = CheckRun(pki.knowledge(), options, **how)  # type: ignore[arg-type]
                return [one async for one in session.run([parse_target("a.com")])]

    (found,) = asyncio.run(run())
    return found


def test_a_forgotten_intermediate_is_fetched_and_stays_the_servers_mistake() -> None:
    found = checked(lambda pki: pki.intermediate, lookups=True)
    assert (found.verdict, [cause.id for cause in found.causes]) == ("direct", ["incomplete-chain"])
    (again,) = read_observations(encode_observation(found.observation))
    assert again.fetched == found.observation.fetched != ()
    assert checked(lambda pki: pki.intermediate).verdict == "suspect"


def test_a_forger_gains_nothing_by_naming_the_true_cas_address() -> None:
    found = checked(lambda _: LabPki().intermediate, lookups=True)
    assert (found.observation.fetched, found.verdict) == ((), "suspect")


def test_a_cas_server_that_is_silent_holds_a_verdict_up_for_the_timeout_at_most() -> None:
    before = time.monotonic()
    assert checked(lambda pki: pki.intermediate, lookups=True, silent=True).verdict == "suspect"
    assert time.monotonic() - before < 40
