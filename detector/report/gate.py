"""What one target comes to where a verdict gates a build: a case that passed, failed or could not be decided. Pure.

Rules
-----
1. A case is what the exit code says of its target: 0 passed, 1 failed, everything else is an error. So a report of
   cases and the exit code of its run agree whatever `--fail-on`, `--allow-sanctioned` or `--expect` ask.
2. A remark is one thing to read about a target: what decided against it, and each cause, by the ids of the JSON.
   A target that passed has no remark but its causes, and none of them is an error: who asked for what passes has
   said that it may be so.
"""

from __future__ import annotations

import sys
from datetime import datetime
from io import StringIO
from typing import Literal

import msgspec
from rich.console import Console, RenderableType

from detector.errors import TlsightError
from detector.model.causes import CauseTable
from detector.model.harmless import harmless
from detector.model.inquiry import Diagnosis
from detector.model.observation import Evidence, Judgement, Observation, Severity
from detector.report import check_text, diagnose_text
from detector.report.check_text import deciding, place

Outcome = Literal["passed", "failed", "error"]
_RULES = "detector.evidence.rules"
_WIDTH = 100
_BY_CODE: dict[int, Outcome] = {0: "passed", 1: "failed"}


class Remark(msgspec.Struct, frozen=True):
    """One thing about a target.

    Attributes:
        rule: id of the evidence or the cause.
        meaning: what the rule says of whomever it finds.
        text: what it found here.
        remedy: who does what, in a sentence or two; may be empty.

    """

    rule: str
    meaning: str
    level: Severity
    text: str
    remedy: str = ""


class Case(msgspec.Struct, frozen=True):
    """One target of a run.

    Attributes:
        name: host:port, and the address where it was given.
        kind: the verdict, or the cause to mend first; one word.
        message: one line.
        text: what the command prints for a person, plain lines.
        seconds: what the probe took.

    """

    name: str
    at: datetime
    outcome: Outcome
    kind: str
    message: str
    text: str
    seconds: float
    host: str
    port: int
    remarks: tuple[Remark, ...] = ()


def outcome_of(code: int) -> Outcome:
    """By the exit code of one target."""
    return _BY_CODE.get(code, "error")


def judged(judgement: Judgement, code: int, causes: CauseTable) -> Case:
    """A target of `check` or `judge`, with its own exit code."""
    outcome = outcome_of(code)
    remarks = [
        Remark(
            one.id, causes[one.id].text, _level(one.severity, outcome), one.text, causes[one.id].fix
        )
        for one in judgement.causes
        if one.id != "tls-intercepted" and one.id in causes
    ]
    against = _against(judgement, outcome)
    # Where no handshake was done, the cause that the probe met is what there is to say.
    if against is not None and not (outcome == "error" and remarks):
        remarks.insert(0, against)
    return _case(
        judgement.observation, outcome, judgement.verdict, judgement.summary,
        plain(check_text.render(judgement)), tuple(remarks),
    )  # fmt: skip


def diagnosed(diagnosis: Diagnosis, code: int, causes: CauseTable) -> Case:
    """A target of `diagnose`, with its own exit code."""
    first = next(iter(diagnosis.causes), None)
    judgement = diagnosis.judgement
    outcome = outcome_of(code)
    remarks = tuple(
        Remark(
            one.id,
            causes[one.id].text if one.id in causes else one.text,
            _level(one.severity, outcome),
            one.text,
            " ".join(fix.text for fix in one.fix[:1]),
        )
        for one in diagnosis.causes
    )
    if outcome == "error" and not remarks:
        remarks = tuple(filter(None, (_against(judgement, outcome),)))
    return _case(
        diagnosis.inquiry.observation,
        outcome,
        first.id if first is not None else judgement.verdict if outcome == "error" else "healthy",
        first.text if first is not None else judgement.summary,
        plain(diagnose_text.render(diagnosis)),
        remarks,
    )


def plain(block: RenderableType) -> str:
    """What a terminal would show, as lines without colours."""
    file = StringIO()
    Console(
        file=file, width=_WIDTH, color_system=None, force_terminal=False, highlight=False,
        emoji=False, legacy_windows=False,
    ).print(block)  # fmt: skip
    return "\n".join(harmless(line.rstrip()) for line in file.getvalue().splitlines())


def claim(evidence: Evidence) -> str:
    """What a rule of evidence claims, as the head of its file says it."""
    module = sys.modules.get(f"{_RULES}.{evidence.id.replace('-', '_')}")
    head = " ".join((getattr(module, "__doc__", None) or "").split("\n\n", 1)[0].split())
    said = head.partition(": ")[2]
    return said[:1].upper() + said[1:] if said else evidence.text


def troubled(name: str, at: datetime, error: TlsightError | str) -> Case:
    """A target that could not even be asked."""
    return Case(name, at, "error", "usage", str(error), str(error), 0.0, "", 0)


def _level(severity: Severity, outcome: Outcome) -> Severity:
    """As a cause says; of a target that passed, never what fails a build."""
    return "note" if outcome == "passed" and severity == "error" else severity


def _against(judgement: Judgement, outcome: Outcome) -> Remark | None:
    """What decided that a target does not pass."""
    if outcome == "passed":
        return None
    said = " ".join(filter(None, (judgement.explanation, judgement.next_step)))
    found = next(iter(deciding(judgement)), None)
    if found is None:
        meaning = "No handshake was done, so nothing can be judged."
        return Remark(judgement.verdict, meaning, "warning", judgement.summary, said)
    level: Severity = "error" if outcome == "failed" else "warning"
    return Remark(found.id, claim(found), level, judgement.summary, said)


def _case(
    seen: Observation,
    outcome: Outcome,
    kind: str,
    message: str,
    text: str,
    remarks: tuple[Remark, ...],
) -> Case:
    return Case(
        name=harmless(place(seen)), at=seen.at, outcome=outcome, kind=kind, message=message,
        text=text, seconds=sum(seen.ms.values()) / 1000, host=seen.target.host,
        port=seen.target.port, remarks=remarks,
    )  # fmt: skip
