"""An event as a message of RFC 5424, and what else it may carry as its text.

Rules
-----
1. Header fields are printable ASCII of bounded length, "-" where there is nothing to say (section 6.2).
2. What programs read is in one element of structured data, where a quotation mark, a backslash and a closing bracket
   are escaped (section 6.3.3); its name ends in an enterprise number (section 6.3.2). 32473 is the one for examples
   (RFC 5612), for want of one of our own: a receiver matches on `tlsight@`.
3. A text in UTF-8 begins with a byte order mark (section 6.4), one in ASCII needs none. JSON is written in ASCII, since
   its readers do not expect one.
4. A message is at most as long as its receiver takes: 2048 bytes are asked of all, rsyslog takes 8192 unless it is told
   otherwise. What is too long loses the observation, then the check, then is the headline alone, never cut JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC

from msgspec import structs

from detector.report.event_facts import action, facts, line
from detector.report.event_json import EventRecord, Severity, severity

LIMIT = 8192
ENTERPRISE = 32473
FACILITIES = {
    "kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "cron": 9, "authpriv": 10, "audit": 13,
    "local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}  # fmt: skip
PRIORITIES: dict[Severity, int] = {"info": 6, "low": 5, "medium": 4, "high": 2}
_MARK = b"\xef\xbb\xbf"


def event_syslog(
    event: EventRecord,
    text: Callable[[EventRecord], bytes] | None = None,
    *,
    facility: int = FACILITIES["auth"],
    enterprise: int = ENTERPRISE,
    limit: int = LIMIT,
) -> bytes:
    """One message, without framing.

    Args:
        event: what is told.
        text: what the message's text is, JSON where it begins with a brace; the headline without one.
        facility: 0 to 23.
        enterprise: whose number the structured data bear.
        limit: bytes; 1024 at least, where structured data that does not fit is left out.

    """
    head = f"<{facility * 8 + PRIORITIES[severity(event)]}>1 {_header(event)}"
    elements = _elements(event, enterprise)
    if len(head) + len(elements) > limit - 256:
        elements = b"-"
    start = head.encode("ascii") + b" " + elements + b" "
    room = limit - len(start)
    if text is not None:
        for each in (event, *_lean(event)):
            body = _marked(text(each))
            if len(body) <= room:
                return start + body
    headline = line(event).encode()
    return start + _cut(headline if headline.isascii() else _MARK + headline, room)


def _header(event: EventRecord) -> str:
    at = event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{at} {_ascii(event.device.name, 255)} tlsight - {_ascii(action(event), 32)}"


def _elements(event: EventRecord, enterprise: int) -> bytes:
    fields = "".join(f' {name}="{_escaped(value)}"' for name, value in facts(event).items())
    return f"[tlsight@{enterprise}{fields}]".encode()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _ascii(text: str, most: int) -> str:
    return "".join(c if "!" <= c <= "~" else "_" for c in text)[:most] or "-"


def _lean(event: EventRecord) -> tuple[EventRecord, ...]:
    without = structs.replace(event, observation=None)
    return without, structs.replace(without, check=None)


def _marked(body: bytes) -> bytes:
    if body.isascii():
        return body
    if body.startswith(b"{"):
        return json.dumps(json.loads(body), separators=(",", ":")).encode("ascii")
    return _MARK + body


def _cut(body: bytes, room: int) -> bytes:
    return body[:room].decode(errors="ignore").encode() if len(body) > room else body
