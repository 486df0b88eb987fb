"""Explanations for a program: schema tlsight.explain/1."""

from __future__ import annotations

from typing import Literal

import msgspec

from detector.messages.explaining import Explained
from detector.model.alerts import Likelihood
from detector.model.observation import Party


class FixRecord(msgspec.Struct, frozen=True):
    party: Party
    text: str


class ExplainedCause(msgspec.Struct, frozen=True):
    id: str
    likelihood: Likelihood
    party: Party
    text: str
    identifiers: tuple[str, ...]
    tell_apart: str
    fix: tuple[FixRecord, ...]
    references: tuple[str, ...]


class ExplainRecord(msgspec.Struct, frozen=True):
    """One message with the causes it can have, the likeliest first."""

    text: str
    causes: tuple[ExplainedCause, ...]
    schema: Literal["tlsight.explain/1"] = "tlsight.explain/1"


def explain_record(explained: Explained) -> ExplainRecord:
    """The JSON contract."""
    return ExplainRecord(
        explained.text,
        tuple(
            ExplainedCause(
                id=one.cause.id,
                likelihood=one.likelihood,
                party=one.cause.party,
                text=one.cause.text,
                identifiers=one.identifiers,
                tell_apart=one.tell_apart,
                fix=tuple(FixRecord(party, text) for party, text in one.cause.advice),
                references=one.cause.references,
            )
            for one in explained.causes
        ),
    )
