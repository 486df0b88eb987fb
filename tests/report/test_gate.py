"""Targets as cases of a build: outcomes, remarks, the text that a person reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from detector.cli.exit_codes import exit_code
from detector.evidence.gather import RULES
from detector.judging.diagnose import conclude
from detector.judging.judge import judge_all
from detector.knowledge.causes import cause_table
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.inquiry import Inquiry
from detector.model.observation import Evidence, Failure, Judgement, Observation
from detector.report.gate import claim, diagnosed, judged, outcome_of, troubled
from tests.conftest import Observe

CAUSES = cause_table()


@pytest.fixture
def by_host(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe
) -> dict[str, Judgement]:
    """A proven host, an intercepted one and a silent one, of one run."""
    silent = replace(
        observe("silent.example.com", ()),
        handshake=None,
        failure=Failure(
            "tcp", "connection-refused", "silent.example.com:443 refuses the connection"
        ),
    )
    seen = [
        observe("good.example.com", pki.issue("good.example.com")),
        observe("github.com", corporate.issue("github.com")),
        silent,
    ]
    return {one.observation.target.host: one for one in judge_all(seen, known)}


def test_a_case_is_what_the_exit_code_says() -> None:
    assert [outcome_of(code) for code in (0, 1, 2, 3, 4)] == [
        "passed", "failed", "error", "error", "error",
    ]  # fmt: skip


def test_a_proven_host_passes_without_a_remark(by_host: dict[str, Judgement]) -> None:
    case = judged(by_host["good.example.com"], 0, CAUSES)
    assert (case.name, case.outcome, case.kind) == ("good.example.com:443", "passed", "direct")
    assert case.text.split()[:2] == ["DIRECT", "good.example.com:443"]
    assert case.remarks == ()


def test_an_intercepted_host_fails_by_the_finding_that_decided(
    by_host: dict[str, Judgement],
) -> None:
    judgement = by_host["github.com"]
    case = judged(judgement, exit_code(judgement), CAUSES)
    assert (case.outcome, case.kind, case.message) == ("failed", "intercepted", judgement.summary)
    first = case.remarks[0]
    assert (first.rule, first.level) == ("public-host-private-ca", "error")
    assert first.meaning == "The host is known to be public, and a private CA answers for it."
    assert judgement.next_step in first.remedy
    assert judgement.next_step.split(";")[0] in case.text


def test_what_is_allowed_passes_and_says_nothing(by_host: dict[str, Judgement]) -> None:
    judgement = replace(by_host["github.com"], sanctioned=True)
    case = judged(judgement, exit_code(judgement, allow_sanctioned=True), CAUSES)
    assert case.outcome == "passed"
    assert all(remark.rule in CAUSES for remark in case.remarks)


def test_a_silent_host_is_an_error_by_its_cause(by_host: dict[str, Judgement]) -> None:
    judgement = by_host["silent.example.com"]
    case = judged(judgement, exit_code(judgement), CAUSES)
    assert (case.outcome, case.kind) == ("error", "inconclusive")
    assert [remark.rule for remark in case.remarks] == ["connection-refused"]
    assert case.remarks[0].remedy == CAUSES["connection-refused"].fix


def test_a_diagnosis_fails_by_the_cause_to_mend_first(
    by_host: dict[str, Judgement], known: Knowledge
) -> None:
    judgement = by_host["silent.example.com"]
    diagnosis = conclude(Inquiry(judgement.observation), judgement, known, {})
    case = diagnosed(diagnosis, 1, CAUSES)
    assert (case.outcome, case.kind) == ("failed", "connection-refused")
    assert case.remarks[0].level == "error"
    assert case.text.startswith("BROKEN")
    assert "silent.example.com:443" in case.text.splitlines()[0]


def test_a_host_that_works_is_called_healthy(
    by_host: dict[str, Judgement], known: Knowledge
) -> None:
    judgement = by_host["good.example.com"]
    diagnosis = conclude(Inquiry(judgement.observation), judgement, known, {})
    case = diagnosed(diagnosis, 0, CAUSES)
    assert (case.outcome, case.kind) == ("passed", "healthy")


def test_every_rule_of_evidence_says_its_claim_in_a_sentence() -> None:
    for rule in RULES:
        name = rule.__module__.rpartition(".")[2].replace("_", "-")
        said = claim(Evidence(name, "neutral", "weak", "what was found here"))
        assert said != "what was found here", name
        assert said[0].isupper() or said[0].isdigit(), name


def test_evidence_without_a_rule_speaks_for_itself() -> None:
    assert claim(Evidence("no-such-rule", "neutral", "weak", "Said here.")) == "Said here."


def test_escapes_of_a_peer_reach_no_line_of_a_case(known: Knowledge, observe: Observe) -> None:
    said = Failure("tls", "not-tls", "it says \x1b[31mred\u202e")
    seen = replace(observe("odd.test", ()), handshake=None, failure=said)
    (judgement,) = judge_all([seen], known)
    case = judged(judgement, 3, CAUSES)
    assert "�[31mred�" in case.text
    assert case.text.replace("\n", "").isprintable()


def test_what_could_not_be_asked_is_an_error() -> None:
    case = troubled("hosts.txt", datetime(2026, 11, 30, tzinfo=UTC), "some lines are no targets")
    assert (case.outcome, case.message) == ("error", "some lines are no targets")


def test_seconds_are_those_of_the_steps(by_host: dict[str, Judgement]) -> None:
    judgement = by_host["good.example.com"]
    seen: Observation = replace(judgement.observation, ms={"dns": 500.0, "tls": 1000.0})
    assert judged(replace(judgement, observation=seen), 0, CAUSES).seconds == 1.5
