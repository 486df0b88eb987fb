"""Schannel's events, exported from the event viewer as XML, or by it and PowerShell as CSV.

Source: Microsoft, "Schannel Events" (event ids 36864 and later) and "Schannel error codes for TLS and SSL
alerts".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from detector.logs.event import Event
from detector.logs.reasons import Reasons
from detector.model.alerts import meanings
from detector.wire.alerts import alert_name

_EVENT = re.compile(rb"<Event\b")
_END = b"</Event>"
_ID = re.compile(rb"<EventID[^<>]*+>(\d{1,9})</EventID>")
_TIME = re.compile(rb"SystemTime=['\"]([^'\"]+)")
_DATA = re.compile(rb"<Data Name=['\"](\w+)['\"]>([^<]*)</Data>")
# Both bounded: a message may be made of nothing but beginnings.
_ALERT_WORDS = re.compile(r"alert code is (\d+)|fatal alert[^.\d]{0,200}+(\d+)", re.IGNORECASE)
_NAME = re.compile(
    r"(?:target|server) name is ([\w.-]+)"
    r"|name (?:on|in) the certificate[^.]{0,200}?(?<![\w-])([\w-]{1,63}+\.[\w.-]++)"
)
_MAX = 64 << 20
# Event -> cause, whether this machine was the client, what it says.
_MEANINGS: dict[int, tuple[str, bool, str]] = {
    36874: ("no-shared-cipher", False, "no cipher suite in common with the client"),
    36871: ("wrong-usage", False, "a TLS credential could not be made"),
    36876: ("untrusted-root", True, "the server's certificate has not validated correctly"),
    36880: ("healthy", False, "a handshake was completed"),
    36881: ("certificate-expired", True, "the server's certificate has expired"),
    36882: (
        "untrusted-root",
        True,
        "the server's certificate was issued by an untrusted authority",
    ),
    36884: ("hostname-mismatch", True, "the server's certificate is for another name"),
    36885: ("client-certificate-rejected", False, "the list of trusted authorities is too long"),
    36886: ("no-shared-cipher", False, "no suitable default credential"),
}


def looks_like(start: bytes) -> bool:
    head = start[:8192]
    return b"Schannel" in head and (b"<Event" in head or b"Event ID" in head or b'"Id"' in head)


def events(first: bytes, read: Callable[[int], bytes], reasons: Reasons) -> Iterator[Event]:
    """Failures of an export of at most 64 MiB; Event Viewer's logs are smaller."""
    data = bytearray(first)
    while len(data) < _MAX and (more := read(1 << 20)):
        data += more
    if bytes(data[:2]) in (b"\xff\xfe", b"\xfe\xff"):
        data = bytearray(bytes(data).decode("utf-16", "replace").encode())
    rows = _from_xml(bytes(data)) if b"<Event" in data[:8192] else _from_csv(bytes(data))
    for number, at, alert, name in rows:
        found = _event(number, at, alert, name, reasons)
        if found is not None:
            yield found


_Row = tuple[int, float | None, int | None, str | None]


def _from_xml(data: bytes) -> Iterator[_Row]:
    for text in _elements(data):
        number, time = _ID.search(text), _TIME.search(text)
        if number is None or b"Schannel" not in text:
            continue
        fields = {
            name.decode(): value.decode("utf-8", "replace") for name, value in _DATA.findall(text)
        }
        alert = fields.get("AlertDesc") or fields.get("AlertCode") or ""
        name = fields.get("TargetName") or fields.get("ServerName") or fields.get("Name")
        yield (
            int(number[1]),
            _time(time[1].decode("ascii", "replace")) if time else None,
            _number(alert),
            name,
        )


def _elements(data: bytes) -> Iterator[bytes]:
    """Every event with what is in it; each byte is looked at once, also where no event ends."""
    at = 0
    while (end := data.find(_END, at)) >= 0:
        begins = _EVENT.search(data, at, end)
        if begins is not None:
            yield data[begins.start() : end]
        at = end + len(_END)


def _from_csv(data: bytes) -> Iterator[_Row]:
    text = data.decode("utf-8-sig", "replace").replace("\0", "")
    if text.startswith("#TYPE"):
        text = text.partition("\n")[2]
    try:
        reader = csv.reader(io.StringIO(text))
        head = [name.strip().casefold() for name in next(reader, [])]
        for row in reader:
            fields = dict(zip(head, row, strict=False))
            number = _number(
                fields.get("event id") or fields.get("id") or fields.get("eventid") or ""
            )
            if number is None:
                continue
            message = fields.get("message") or (row[len(head)] if len(row) > len(head) else "")
            found = _ALERT_WORDS.search(message)
            name = _NAME.search(message)
            when = fields.get("date and time") or fields.get("timecreated") or ""
            yield (
                number,
                _time(when),
                _number(next(g for g in found.groups() if g)) if found else None,
                next((g for g in name.groups() if g), None) if name else None,
            )
    except csv.Error:
        return


def _event(
    number: int, at: float | None, alert: int | None, name: str | None, reasons: Reasons
) -> Event | None:
    if number in (36887, 36888) and alert is not None:
        received = number == 36887
        words = f"alert number {alert}" if received else ""
        meant = reasons.of(words) if received else None
        cause = meant.cause if meant is not None else meanings(alert, "client")[0].cause
        return Event(
            at=at,
            program="schannel",
            cause=cause,
            complainant="client" if received else "server",
            reason=f"event {number}: alert {alert_name(alert)} ({alert}) {'received' if received else 'sent'}",
            name=name,
            alert=alert,
        )
    known = _MEANINGS.get(number)
    if known is None or known[0] == "healthy":
        return None
    cause, client, text = known
    return Event(
        at=at,
        program="schannel",
        cause=cause,
        complainant="client" if client else "server",
        reason=f"event {number}: {text}",
        name=name,
        upstream=client,
    )


def _number(text: str) -> int | None:
    """None for what is no number, and for one that no event and no alert has."""
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 10 else None


_WAYS = ("%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S")


def _time(text: str) -> float | None:
    text = text.strip()
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        pass
    for way in _WAYS:
        try:
            return datetime.strptime(text, way).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None
