"""Lines read as `tlsight logs` reads them."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from detector.knowledge.explanations import error_table
from detector.logs.event import Event
from detector.logs.reading import LogReader
from detector.logs.reasons import Reasons
from detector.logs.stamp import Stamps

REASONS = Reasons(error_table())
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def reader(form: str | None = None) -> LogReader:
    return LogReader(REASONS, lambda: Stamps(UTC, NOW), form, "error.log")


def read(text: str | bytes, form: str | None = None) -> list[Event]:
    """Failures of some lines; the program is recognised when left out."""
    data = text.encode() if isinstance(text, str) else text
    return list(reader(form).events(io.BytesIO(data).read))
