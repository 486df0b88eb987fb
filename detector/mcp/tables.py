"""Tables that agents may quote, as resources: what a cause is, and what an alert means on each side."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

Page = Callable[[], str]


class Resource(msgspec.Struct, frozen=True):
    """A page of Markdown."""

    uri: str
    name: str
    description: str
    page: Page


def causes() -> str:
    """All causes, the one to mend first in front."""
    from detector.knowledge.causes import cause_table

    return "\n".join(
        f"## {row.id}\n\n{row.text}\n\n"
        + "".join(f"- {party} acts: {fix}\n" for party, fix in row.advice)
        + f"- to be sure: `{row.confirm}`\n- see {', '.join(row.references)}\n"
        for row in cause_table().rows
    )


def alerts() -> str:
    """All alerts of IANA's registry with their causes, the likeliest first, by who received them."""
    from detector.model.alerts import meanings, rows

    lines = ["| code | alert | received by a client | received by a server |", "|---|---|---|---|"]
    for row in rows():
        by = [", ".join(m.cause for m in meanings(row.code, side)) for side in ("client", "server")]
        lines.append(f"| {row.code} | {row.name} | {by[0]} | {by[1]} |")
    return "\n".join(lines) + "\n"


RESOURCES = {
    row.uri: row
    for row in (
        Resource("tlsight://causes", "causes", "Every cause: what it is, who acts, what to do", causes),
        Resource("tlsight://alerts", "alerts", "Every TLS alert, and what it means on each side", alerts),
    )
}  # fmt: skip
