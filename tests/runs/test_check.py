"""What is held back until sharing is known, over a judge that needs no network."""

from __future__ import annotations

from pathlib import Path

import detector.runs.check as session_module
from detector.clock import now
from detector.knowledge.history import History
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation
from detector.net.probe import ProbeOptions
from detector.runs.check import Session
from tests.conftest import Observe


def verdicts(session: Session, *observations: Observation) -> list[list[tuple[str, str]]]:
    """What goes out after each observation, and at the end."""
    out = [
        [(j.observation.target.host, j.verdict) for j in session.judge(seen)]
        for seen in observations
    ]
    rest = session._holding.rest()
    return [*out, [(j.observation.target.host, j.verdict) for j in rest]]


def test_clean_observations_go_out_at_once(pki: LabPki, known: Knowledge, observe: Observe) -> None:
    run = Session(known, ProbeOptions())
    assert verdicts(run, observe("a.com", pki.issue("a.com"))) == [[("a.com", "direct")], []]


def test_a_lone_private_chain_waits_for_a_companion(
    corporate: Authority, pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    run = Session(known, ProbeOptions())
    found = verdicts(
        run,
        observe("a.com", corporate.issue("a.com")),
        observe("b.com", pki.issue("b.com")),
        observe("c.org", corporate.issue("c.org")),
        observe("d.net", corporate.issue("d.net")),
    )
    assert found == [
        [],
        [("b.com", "direct")],
        [("a.com", "intercepted"), ("c.org", "intercepted")],
        [("d.net", "intercepted")],
        [],
    ]


def test_at_the_end_a_loner_is_suspect(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    run = Session(known, ProbeOptions())
    assert verdicts(run, observe("a.com", corporate.issue("a.com"))) == [
        [],
        [("a.com", "suspect")],
    ]


def test_memory_is_bounded_by_letting_the_oldest_go(
    known: Knowledge, observe: Observe, corporate: Authority
) -> None:
    run = Session(known, ProbeOptions())
    leaf = Authority("one").der
    held = run._holding
    count = session_module.MAX_HELD
    out = 0
    # One certificate for many hosts of one domain: each is a loner, none a companion.
    for number in range(count + 3):
        out += len(list(run.judge(observe(f"h{number}.a.com", [leaf]))))
    assert out == 3
    assert len(held.rest()) == count


def test_history_carries_keys_into_the_next_run(
    corporate: Authority, known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    path = tmp_path / "history.sqlite3"
    first = History(path, now)
    verdicts(
        Session(known, ProbeOptions(), history=first),
        observe("a.com", corporate.issue("a.com")),
    )
    first.close()
    second = History(path, now)
    run = Session(known, ProbeOptions(), history=second)
    assert verdicts(run, observe("b.org", corporate.issue("b.org")))[0] == [
        ("b.org", "intercepted")
    ]
    second.close()


def test_a_proven_host_is_the_next_runs_baseline(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    path = tmp_path / "history.sqlite3"
    first = History(path, now)
    verdicts(Session(known, ProbeOptions(), history=first), observe("a.com", pki.issue("a.com")))
    first.close()
    second = History(path, now)
    run = Session(known, ProbeOptions(), history=second)
    (found,) = run.judge(observe("a.com", corporate.issue("a.com")))
    assert (found.verdict, found.evidence[0].id) == ("intercepted", "route-differs")
    second.close()


def test_a_history_that_breaks_ends_the_history_not_the_run(
    pki: LabPki, known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    history = History(tmp_path / "h.sqlite3", now)
    told: list[str] = []
    run = Session(known, ProbeOptions(), history=history, warn=told.append)
    history._db.execute("DROP TABLE baseline")
    assert [j.verdict for j in run.judge(observe("a.com", pki.issue("a.com")))] == ["direct"]
    assert run.history is None
    assert len(told) == 1
    assert "no such table" in told[0]
    history._db.close()
