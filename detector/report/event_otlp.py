"""Events as OTLP: what opens, changes, closes and is noticed as log records, heartbeats as metrics. Pure.

Encoding
--------
Protocol buffers, which every receiver of OTLP over HTTP takes; JSON is taken by fewer. A message is a run of fields, each
a tag (number << 3 | wire type) and a value: 0 varint, 1 eight bytes, 2 length and bytes. That is all that is needed
to write, so no generated classes are loaded, which would take seven megabytes of an agent's sixty. The numbers are those of
opentelemetry-proto 1.x, which are stable; the tests read what is written here with its own classes.

Names
-----
The resource is the agent: service.name, service.version, service.instance.id, host.id (both the device's id), host.name,
os.type. A record has event_name tlsight.KIND, log.record.uid (the event's id, by which a copy is known),
server.address, server.port and tls.* of the semantic conventions where they are known, the flat facts as tlsight.FACT,
and the whole event as tlsight.event, without what was seen. Its body is the headline.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from msgspec import structs

from detector.errors import WireError
from detector.report.event_facts import action, facts, line
from detector.report.event_json import EventRecord, Severity, encode_event, severity
from detector.version import __version__

_SEVERITIES: dict[Severity, tuple[int, str]] = {
    "info": (9, "INFO"), "low": (10, "INFO2"), "medium": (13, "WARN"), "high": (17, "ERROR"),
}  # fmt: skip
_SCOPE = "tlsight.agent"
_CUMULATIVE = 2
_MAX_VARINT = 10
Value = str | bool | int | Sequence[str]


def is_metric(event: EventRecord) -> bool:
    """Whether it is told as metrics."""
    return event.heartbeat is not None


def logs_request(events: Iterable[EventRecord]) -> bytes:
    """An ExportLogsServiceRequest."""
    found = b""
    for head, same in groupby(events, _resource):
        records = b"".join(_field(2, _record(event)) for event in same)
        found += _field(1, head + _field(2, _scope() + records))
    return found


def metrics_request(events: Iterable[EventRecord]) -> bytes:
    """An ExportMetricsServiceRequest of heartbeats."""
    found = b""
    for head, same in groupby(events, _resource):
        metrics = b"".join(_field(2, metric) for event in same for metric in _metrics(event))
        found += _field(1, head + _field(2, _scope() + metrics))
    return found


def partial_success(answer: bytes) -> tuple[int, str]:
    """Of an Export...ServiceResponse: how many were rejected, and why. Raises WireError where it is none."""
    rejected, why = 0, ""
    for number, value in _fields(answer):
        if number != 1 or not isinstance(value, bytes):
            continue
        for inner, said in _fields(value):
            if inner == 1 and isinstance(said, int):
                rejected = said if said < 1 << 63 else 0
            elif inner == 2 and isinstance(said, bytes):
                why = said[:400].decode("utf-8", "replace")
    return rejected, why


def _resource(event: EventRecord) -> bytes:
    device = event.device
    named: dict[str, Value] = {
        "service.name": "tlsight-agent",
        "service.version": event.versions.tlsight,
        "service.instance.id": device.id,
        "host.id": device.id,
        "host.name": device.name,
        "os.type": device.system,
        "tlsight.tables": event.versions.tables,
    }
    return _field(1, _attributes(1, named))


def _scope() -> bytes:
    return _field(1, _text(1, _SCOPE) + _text(2, __version__))


def _record(event: EventRecord) -> bytes:
    number, word = _SEVERITIES[severity(event)]
    at = _nanoseconds(event.at)
    return (
        _eight(1, at) + _number(2, number) + _text(3, word) + _field(5, _value(line(event)))
        + _attributes(6, _about(event)) + _eight(11, at) + _text(12, f"tlsight.{action(event)}")
    )  # fmt: skip


def _about(event: EventRecord) -> dict[str, Value]:
    named: dict[str, Value] = {"log.record.uid": event.id}
    check = event.check
    if check is not None:
        named |= {"server.address": check.target.host, "server.port": check.target.port}
        named["network.peer.address"] = check.target.ip or ""
        if check.handshake is not None:
            named["tls.protocol.version"] = (check.handshake.version or "").removeprefix("TLSv")
            named["tls.cipher"] = check.handshake.cipher or ""
        if check.chain:
            leaf = check.chain[0]
            named |= {"tls.server.issuer": leaf.issuer, "tls.server.subject": leaf.subject}
            named["tls.server.hash.sha256"] = leaf.sha256.upper()
    named |= {f"tlsight.{name.replace('-', '_')}": value for name, value in facts(event).items()}
    if event.finding is not None:
        named["tlsight.hosts"] = event.finding.host_count
        named["tlsight.seen_on"] = event.finding.hosts
        named["tlsight.sanctioned"] = event.sanctioned
    named["tlsight.event"] = encode_event(structs.replace(event, observation=None)).decode()
    return named


def _metrics(event: EventRecord) -> Iterator[bytes]:
    beat, at = event.heartbeat, _nanoseconds(event.at)
    if beat is None:
        return
    since = "since the heartbeat before"
    for name, text, unit, value in (
        ("uptime", "Time since the agent started", "s", beat.up),
        ("heartbeat.interval", "Time to the next heartbeat, at most", "s", beat.every),
        ("memory", "Resident memory", "By", beat.memory),
        ("heartbeat.cpu", f"Processor time {since}", "s", beat.cpu),
        ("heartbeat.traffic", f"Bytes sent and received {since}", "By", beat.sent),
        ("heartbeat.checked", f"Targets judged {since}", "{target}", beat.checked),
        ("heartbeat.inconclusive", f"Targets without a handshake to judge {since}", "{target}", beat.inconclusive),
        ("findings.here", "Findings that hold on this network", "{finding}", len(beat.here)),
    ):  # fmt: skip
        yield _metric(name, text, unit, _field(5, _field(1, _point(at, value))))
    waiting = (_field(1, _point(at, one.waiting, {"tlsight.sink": one.name})) for one in beat.sinks)
    if beat.sinks:
        yield _metric(
            "sink.waiting",
            "Events that a sink is still to have",
            "{event}",
            _field(5, b"".join(waiting)),
        )
    lost = _field(1, _point(at, beat.lost)) + _number(2, _CUMULATIVE) + _number(3, 1)
    yield _metric("events.lost", "Events given up for want of room", "{event}", _field(7, lost))


def _metric(name: str, text: str, unit: str, data: bytes) -> bytes:
    return _text(1, f"tlsight.agent.{name}") + _text(2, text) + _text(3, unit) + data


def _point(at: int, value: float, labels: dict[str, Value] | None = None) -> bytes:
    if isinstance(value, int):
        said = _tag(6, 1) + struct.pack("<q", min(value, (1 << 63) - 1))
    else:
        said = _tag(4, 1) + struct.pack("<d", value)
    return _eight(3, at) + said + _attributes(7, labels or {})


def _attributes(number: int, named: dict[str, Value]) -> bytes:
    """Empty texts and lists are left out: they say nothing."""
    pairs = (
        _text(1, name) + _field(2, _value(value))
        for name, value in named.items()
        if value not in ("", ())
    )
    return b"".join(_field(number, pair) for pair in pairs)


def _value(value: Value) -> bytes:
    """An AnyValue."""
    if isinstance(value, str):
        return _field(1, _utf8(value))
    if isinstance(value, bool):
        return _tag(2, 0) + _varint(value)
    if isinstance(value, int):
        return _tag(3, 0) + _varint(value & ((1 << 64) - 1))
    return _field(5, b"".join(_field(1, _value(one)) for one in value))


def _text(number: int, text: str) -> bytes:
    return _field(number, _utf8(text)) if text else b""


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _number(number: int, value: int) -> bytes:
    return _tag(number, 0) + _varint(value)


def _eight(number: int, value: int) -> bytes:
    return _tag(number, 1) + struct.pack("<Q", value)


def _field(number: int, data: bytes) -> bytes:
    return _tag(number, 2) + _varint(len(data)) + data


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _nanoseconds(at: datetime) -> int:
    return max(0, int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1000)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field, groups refused. Raises WireError."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _read_varint(data, at)
            yield tag >> 3, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if wire == 2:
            size, at = _read_varint(data, at)
        if size is None or at + size > len(data):
            raise WireError("no message of protocol buffers", at)
        yield tag >> 3, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for position in range(at, min(at + _MAX_VARINT, len(data))):
        value |= (data[position] & 0x7F) << 7 * (position - at)
        if data[position] < 0x80:
            return value & ((1 << 64) - 1), position + 1
    raise WireError("no number of protocol buffers", at)
