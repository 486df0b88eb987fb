"""Inquiries in, diagnoses out. Pure, as judging is."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from detector.causes.clues import Clues, Found
from detector.causes.rules import PARTIES, find_causes
from detector.evidence.known import Knowledge
from detector.explain.table import CauseInfo
from detector.inquiry import Diagnosis, Fix, FoundCause, Inquiry
from detector.judging import judge_all
from detector.ladder import ladder


class Catalogue(msgspec.Struct, frozen=True):
    """What is known of causes.

    Attributes:
        causes: by id: who acts, what to do, how to be sure.
        config: by id and program: the lines that mend it.

    """

    causes: Mapping[str, CauseInfo]
    config: Mapping[str, Mapping[str, str]]


def diagnose(inquiry: Inquiry, known: Knowledge, catalogue: Catalogue) -> Diagnosis:
    """Why the handshake fails. Never raises for what a peer sent."""
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
        causes=tuple(_dressed(name, one, clues, catalogue) for name, one in causes.items()),
        flips=clues.flips_told,
        judgement=judgement,
        repaired=tuple(certificate.der for certificate in clues.repaired[:-1]),
    )


def _dressed(name: str, found: Found, clues: Clues, catalogue: Catalogue) -> FoundCause:
    """A cause with what the catalogue says of it."""
    info = catalogue.causes.get(name)
    party = found.party or (info.party if info is not None else PARTIES.get(name, "server"))
    target = clues.observation.target
    where = target.host if target.port == 443 else f"{target.host}:{target.port}"
    advice = found.fix or (info.fix if info is not None else "")
    fix = Fix(party, advice, dict(catalogue.config.get(name, {})))
    confirm = found.confirm or (info.apart if info is not None else "")
    confirm = confirm.replace("HOST:443", f"{target.host}:{target.port}")
    return FoundCause(
        id=name,
        party=party,
        severity=found.severity,
        text=found.text,
        evidence=found.evidence,
        fix=(fix,) if fix.text else (),
        references=info.references if info is not None else (),
        confirm=confirm.replace("-servername HOST", f"-servername {target.host}").replace(
            "HOST", where
        ),
    )
