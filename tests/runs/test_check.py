"""A run keeps count of its targets, and remembers what earlier runs saw."""

from __future__ import annotations

from pathlib import Path

from detector.clock import now
from detector.knowledge.history import History
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation
from detector.net.probe import ProbeOptions
from detector.runs.check import CheckRun
from detector.runs.memory import Memory
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
