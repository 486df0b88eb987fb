"""One message explained, with the shipped tables."""

from __future__ import annotations

from detector.knowledge.explanations import error_table
from detector.messages.explaining import Explained
from detector.messages.explaining import explain as causes_of
from detector.model.alerts import Side


def explained(text: str, side: Side | None = None) -> Explained:
    """What an error message can mean.

    Args:
        text: the message, with whatever stands around it.
        side: who wrote it; told from the text when left out.

    """
    return Explained(text, causes_of(text, error_table(), side))
