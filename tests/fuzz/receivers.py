"""Targets of what receivers of an agent's events answer."""

from __future__ import annotations

from contextlib import suppress

from detector.agent.sinks.http import bulk_statuses
from tests.fuzz.target import Target


def targets() -> dict[str, Target]:
    """By name."""
    return {
        "bulk-answer": Target(
            _bulk,
            (
                b'{"took":3,"errors":true,"items":[{"create":{"_id":"a","status":201}},{"create":{"status":409}}]}',
                b'{"errors":false,"items":[]}',
            ),
        ),
    }


def _bulk(data: bytes) -> None:
    """An answer to a bulk request is a status for each part, or none to it."""
    with suppress(ValueError):
        assert len(bulk_statuses(data, 2)) == 2
