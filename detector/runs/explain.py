"""A message or a log explained, with the shipped tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from detector.knowledge.explanations import error_table
from detector.messages.explaining import Explained, answers
from detector.messages.reading import Line, lines_of, lines_of_bytes
from detector.model.alerts import Side

_SHOWN = 64 << 10


def explained(text: str, side: Side | None = None) -> Explained:
    """What an error message can mean.

    Args:
        text: the message, with whatever stands around it; or a log.
        side: who wrote it; told from the text when left out.

    """
    return Explained(text[:_SHOWN], answers(lines_of(text), error_table(), side))


def explained_bytes(chunks: Iterable[bytes], side: Side | None = None) -> Explained:
    """The same of a file or a stream of any size and encoding; `text` is what was kept of it."""
    return explained_lines(lines_of_bytes(chunks), side)


def explained_lines(lines: Sequence[Line], side: Side | None = None) -> Explained:
    """The same of lines that are here already."""
    text = "\n".join(line.text for line in lines[:2000])[:_SHOWN]
    return Explained(text, answers(lines, error_table(), side))
