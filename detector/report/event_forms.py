"""The forms that an event is written in, by the name that settings give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from detector.report.event_json import EventRecord, encode_event

Form = Literal["ndjson", "ecs", "ocsf", "cef", "text"]


def form(name: Form) -> Callable[[EventRecord], bytes]:
    """Writes one event as one line without its end; loaded when it is asked for."""
    if name == "ecs":
        from detector.report.event_ecs import encode_ecs

        return encode_ecs
    if name == "ocsf":
        from detector.report.event_ocsf import encode_ocsf

        return encode_ocsf
    if name == "cef":
        from detector.report.event_cef import event_cef

        return lambda event: event_cef(event).encode()
    if name == "text":
        return _text
    return encode_event


def _text(event: EventRecord) -> bytes:
    from detector.report.event_facts import line
    from detector.report.event_json import severity

    at = event.at.isoformat().replace("+00:00", "Z")
    return f"{at} {severity(event)} {line(event)}".encode()
