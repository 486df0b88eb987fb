"""Observations in, judgements out. Pure: knowledge, sharing and time all come in as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from detector.causes.clues import Claim, Clues
from detector.causes.find import find_causes
from detector.causes.through_proxy import advice
from detector.chain.certificate import read_certificate
from detector.errors import CertificateError
from detector.evidence.examination import Examination
from detector.evidence.gather import gather
from detector.evidence.sharing import Sharing
from detector.judging.verdict import decide
from detector.known.knowledge import Baseline, Knowledge
from detector.model.causes import CauseTable
from detector.model.inquiry import Inquiry
from detector.model.observation import Cause, Evidence, Judgement, Observation


def judge_all(
    observations: Iterable[Observation], known: Knowledge, sharing: Sharing | None = None
) -> list[Judgement]:
    """Judge together: what the observations share with each other counts for all of them."""
    sharing = sharing if sharing is not None else Sharing()
    items: list[Observation | Examination] = []
    for observation in observations:
        seen = examine(observation, known)
        if seen is not None:
            sharing.note(seen)
        items.append(seen if seen is not None else observation)
    return [
        judge_examined(item, sharing) if isinstance(item, Examination) else unjudged(item, known)
        for item in items
    ]


def examine(
    observation: Observation, known: Knowledge, baseline: Baseline | None = None
) -> Examination | None:
    """None when there is nothing to examine: no certificate, or a leaf that is none."""
    if not observation.chain:
        return None
    try:
        return Examination(observation, known, baseline)
    except CertificateError:
        return None


def judge_examined(seen: Examination, sharing: Sharing) -> Judgement:
    """The verdict over one examined observation, with its causes. Never raises for what a peer
    sent: a leaf whose fields cannot be read is no honest one that a client would accept.
    """
    try:
        judgement = decide(seen, gather(seen, sharing))
        causes = _certificate_causes(seen, judgement)
    except CertificateError as error:
        return _malformed(seen.observation, seen.known, error.message)
    return replace(judgement, causes=_with_failure(causes, seen.observation, seen.known))


def _certificate_causes(seen: Examination, judgement: Judgement) -> tuple[Cause, ...]:
    """Faults that a client would complain about, most serious first."""
    clues = Clues(Inquiry(seen.observation), seen.known, judgement, seen)
    return _told(find_causes(clues, seen.known.causes.one_handshake), seen.known.causes)


def _told(found: Mapping[str, Claim], table: CauseTable) -> tuple[Cause, ...]:
    return tuple(
        table.cause(name, one.severity, one.text, one.party) for name, one in found.items()
    )


def _with_failure(
    causes: tuple[Cause, ...], observation: Observation, known: Knowledge
) -> tuple[Cause, ...]:
    """The recorded failure in front, unless what was found says the same more exactly."""
    failure = _failure_cause(observation, known)
    if failure is None:
        return causes
    found = {cause.id for cause in causes if cause.severity == "error"}
    better = known.causes.left_out_beside.get(failure.id, frozenset()) | {failure.id}
    return causes if found & better else (failure, *causes)


def _failure_cause(observation: Observation, known: Knowledge) -> Cause | None:
    """The failure that the probe recorded, as a cause."""
    failure = observation.failure
    if failure is None:
        return None
    party = known.causes[failure.cause].party
    behind = advice(observation)
    if behind is not None:
        party = behind[0]
    return known.causes.cause(failure.cause, "error", failure.text, party)


def _why_unreadable(data: bytes) -> str:
    try:
        read_certificate(data)
    except CertificateError as error:
        return error.message
    return "it cannot be read"


def _malformed(observation: Observation, known: Knowledge, why: str) -> Judgement:
    text = f"A certificate breaks its grammar: {why}."
    return Judgement(
        observation=observation,
        verdict="suspect",
        summary="Suspect: a certificate cannot be read; no client would accept it.",
        decided_by="malformed-certificate",
        evidence=(Evidence("malformed-certificate", "intercepted", "weak", text),),
        causes=(known.causes.cause("malformed-certificate", "error", text),),
    )


def unjudged(observation: Observation, known: Knowledge) -> Judgement:
    """Nothing to judge: no handshake, or a first certificate that is none."""
    causes: tuple[Cause, ...] = ()
    handshake = observation.handshake
    if observation.chain and handshake is not None and handshake.completed:
        # Somebody does hold that certificate's key: no honest server shows such a one.
        return _malformed(observation, known, _why_unreadable(observation.chain[0]))
    if observation.chain:
        summary = "Inconclusive: the first certificate cannot be read."
        causes = (known.causes.cause("malformed-certificate", "error", summary),)
    elif observation.failure is not None:
        summary = f"Inconclusive: {observation.failure.text}"
    else:
        summary = "Inconclusive: no certificate was shown."
    behind = advice(observation)
    judgement = Judgement(
        observation=observation,
        verdict="inconclusive",
        summary=summary,
        decided_by="no-handshake",
        evidence=(),
        next_step=behind[1] if behind is not None else "",
    )
    clues = Clues(Inquiry(observation), known, judgement)
    found = find_causes(clues, known.causes.one_handshake, lenient=True)
    causes += _told(found, known.causes)
    return replace(judgement, causes=_with_failure(causes, observation, known))
