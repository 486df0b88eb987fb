"""Explanations for a program (JSON, schema tlsight.explain/1) and for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from detector.explain.explaining import Explanation
from detector.model.alerts import Likelihood
from detector.model.observation import Party
from detector.report.check_text import escape

_STYLES = {"likely": "bold", "possible": "cyan", "unlikely": "dim"}


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


def record(text: str, found: Sequence[Explanation]) -> ExplainRecord:
    """The JSON contract."""
    return ExplainRecord(
        text,
        tuple(
            ExplainedCause(
                id=one.cause.id,
                likelihood=one.likelihood,
                party=one.cause.party,
                text=one.cause.text,
                identifiers=one.identifiers,
                tell_apart=one.tell_apart,
                fix=(FixRecord(one.cause.party, one.cause.fix),),
                references=one.cause.references,
            )
            for one in found
        ),
    )


def render(found: Sequence[Explanation]) -> RenderableType:
    """Cause, who acts, what to do, how to be sure."""
    if not found:
        return Text("nothing in this text is known; paste the whole message, or the log's lines")
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for one in found:
        style = _STYLES[one.likelihood]
        led = ", ".join(one.identifiers[:2])
        lines = (
            f"[{style}]{one.cause.id}[/] {escape(one.cause.text)}\n"
            f"[dim]because of[/] {escape(led)}\n"
            f"[dim]{one.cause.party} acts:[/] {escape(one.cause.fix)}\n"
            f"[dim]to be sure:[/] {escape(one.tell_apart)}"
        )
        table.add_row(Text(one.likelihood, style=style), Text.from_markup(lines))
    return table
