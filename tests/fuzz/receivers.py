"""Targets of what receivers of an agent's events answer, and of what is asked of its metrics."""

from __future__ import annotations

from contextlib import suppress

import h11

from detector.agent.sinks.http import bulk_statuses
from detector.errors import WireError
from detector.net.answering import Asked, refusal, what_is_asked
from detector.report.event_otlp import partial_success
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
        "otlp-answer": Target(
            _otlp,
            (b"\x0a\x0b\x08\xf0\xa2\x04\x12\x07too old", b"\x0a\x02\x08\x01\x12\x00", b"\x08\x01"),
        ),
        "scrape": Target(
            _scrape,
            (
                b"GET /probe?target=a.example:443&module=tls HTTP/1.1\r\nHost: [::1]:9219\r\n\r\n",
                b"GET http://a/%2e?=&a=%ff HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-site\r\n\r\n",
            ),
        ),
    }


def _otlp(data: bytes) -> None:
    """An answer by OTLP says how many were rejected and why, or is none."""
    with suppress(WireError):
        rejected, why = partial_success(data)
        assert 0 <= rejected < 1 << 63
        assert len(why) <= len(data)


def _scrape(data: bytes) -> None:
    """Whatever is asked is refused with a reason, or is a path and a few parameters."""
    talk = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 14)
    with suppress(h11.RemoteProtocolError):
        talk.receive_data(data)
        request = talk.next_event()
        if isinstance(request, h11.Request):
            refused = refusal(request, frozenset(("localhost",)))
            assert refused is None or refused.status in (400, 403, 405, 421)
            found = what_is_asked(request)
            assert isinstance(found, Asked)
            assert len(found.query) <= 16


def _bulk(data: bytes) -> None:
    """An answer to a bulk request is a status for each part, or none to it."""
    with suppress(ValueError):
        assert len(bulk_statuses(data, 2)) == 2
