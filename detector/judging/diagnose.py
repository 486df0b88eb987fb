"""Inquiries in, diagnoses out. Pure, as judging is."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.confirm import Confirmation, confirmation
from detector.causes.find import find_causes
from detector.judging.judge import judge_all
from detector.judging.ladder import ladder
from detector.known.knowledge import Knowledge
from detector.model.asked import Asked, asked_by
from detector.model.causes import Lines
from detector.model.inquiry import Diagnosis, Fix, FoundCause, Inquiry
from detector.model.observation import Judgement


def diagnose(inquiry: Inquiry, known: Knowledge, lines: Lines) -> Diagnosis:
    """Why one handshake fails, judged by itself. Never raises for what a peer sent."""
    (judgement,) = judge_all([inquiry.observation], known)
    return conclude(inquiry, judgement, known, lines)


def conclude(
    inquiry: Inquiry,
    judgement: Judgement,
    known: Knowledge,
    lines: Lines,
    asked: Asked | None = None,
) -> Diagnosis:
    """Why the handshake fails, once it is judged who answers. Never raises for what a peer sent.

    `lines` are those of configurations that mend a cause; `asked` is the question, for commands that ask it
    again, told from the observation when left out.
    """
    asked = asked or asked_by(inquiry.observation)
    clues = Clues(inquiry, known, judgement)
    causes = find_causes(clues, lenient=True)
    for cause in judgement.causes:
        # Certificates that cannot be read have no rule of their own: the judge says so.
        if cause.id == "malformed-certificate":
            causes = {cause.id: Claim(cause.severity, cause.text), **causes}
    causes = _with_failure(clues, causes)
    return Diagnosis(
        inquiry=inquiry,
        steps=ladder(clues, causes),
        causes=tuple(_dressed(name, one, clues, lines, asked) for name, one in causes.items()),
        flips=clues.flips_told,
        judgement=judgement,
        repaired=tuple(certificate.der for certificate in clues.repaired[:-1]),
    )


def _with_failure(clues: Clues, causes: dict[str, Claim]) -> dict[str, Claim]:
    """The recorded failure as a cause, where nothing explains it and no hello of today is answered."""
    failure = clues.failure
    if failure is None or clues.welcome or any(f.severity == "error" for f in causes.values()):
        return causes
    text = clues.failed_with(failure.cause) or failure.text
    return {failure.cause: Claim("error", text, clues.flips_told), **causes}


def _dressed(name: str, found: Claim, clues: Clues, lines: Lines, asked: Asked) -> FoundCause:
    """A cause with what is known of it."""
    info = clues.known.causes[name]
    party = found.party or info.party
    fix = [Fix(party, found.fix or info.fix, dict(lines.get(name, {}) if found.web else {}))]
    if info.also is not None and not found.fix:
        fix.append(Fix(info.also.party, info.also.fix, {}))
    shown_by = clues.known.causes[found.confirm_as or name]
    sure = Confirmation(found.confirm) if found.confirm else confirmation(shown_by, asked)
    return FoundCause(
        id=name,
        party=party,
        severity=found.severity,
        text=found.text,
        evidence=found.evidence,
        fix=tuple(one for one in fix if one.text),
        references=info.references,
        confirm=sure.command,
        shows=sure.shows,
    )
