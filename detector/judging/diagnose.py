"""Inquiries in, diagnoses out. Pure, as judging is."""

from __future__ import annotations

from detector.causes.clues import Clues, Found
from detector.causes.find import find_causes
from detector.judging.judge import judge_all
from detector.judging.ladder import ladder
from detector.known.knowledge import Knowledge
from detector.model.causes import Lines
from detector.model.inquiry import Diagnosis, Fix, FoundCause, Inquiry


def diagnose(inquiry: Inquiry, known: Knowledge, lines: Lines) -> Diagnosis:
    """Why the handshake fails. Never raises for what a peer sent.

    `lines` are those of configurations that mend a cause.
    """
    (judgement,) = judge_all([inquiry.observation], known)
    clues = Clues(inquiry, known, judgement)
    causes = find_causes(clues, lenient=True)
    for cause in judgement.causes:
        # Certificates that cannot be read have no rule of their own: the judge says so.
        if cause.id == "malformed-certificate":
            causes = {cause.id: Found(cause.severity, cause.text), **causes}
    return Diagnosis(
        inquiry=inquiry,
        steps=ladder(clues, causes),
        causes=tuple(_dressed(name, one, clues, lines) for name, one in causes.items()),
        flips=clues.flips_told,
        judgement=judgement,
        repaired=tuple(certificate.der for certificate in clues.repaired[:-1]),
    )


def _dressed(name: str, found: Found, clues: Clues, lines: Lines) -> FoundCause:
    """A cause with what is known of it."""
    info = clues.known.causes[name]
    party = found.party or info.party
    target = clues.observation.target
    where = target.host if target.port == 443 else f"{target.host}:{target.port}"
    fix = Fix(party, found.fix or info.fix, dict(lines.get(name, {})))
    confirm = info.confirm.replace("HOST:443", f"{target.host}:{target.port}")
    return FoundCause(
        id=name,
        party=party,
        severity=found.severity,
        text=found.text,
        evidence=found.evidence,
        fix=(fix,) if fix.text else (),
        references=info.references,
        confirm=confirm.replace("-servername HOST", f"-servername {target.host}").replace(
            "HOST", where
        ),
    )
