"""An event in ArcSight's Common Event Format, version 0: one line.

CEF:0|vendor|product|version|class|name|severity|extension

In the header a backslash and a pipe are escaped with a backslash and no line ends; in the extension a backslash and an
equals sign are, and line ends are \\n. Pipes stand as they are there, and equals signs in the header. Keys are those of
the dictionary, each within the length that it is given there; what has none is a custom string beside its label.
An address of IPv6 has a key of its own.
"""

from __future__ import annotations

from datetime import datetime

from detector.model.harmless import harmless
from detector.report.event_facts import action, facts, line
from detector.report.event_json import EventRecord, Severity, severity

_GRADES: dict[Severity, int] = {"info": 1, "low": 3, "medium": 6, "high": 9}


def event_cef(event: EventRecord) -> str:
    """One line without its end."""
    header = (
        "CEF:0", "tlsight", "tlsight", _header(event.versions.tlsight, 31), _header(action(event), 1023),
        _header(line(event), 512), str(_GRADES[severity(event)]),
    )  # fmt: skip
    extension = " ".join(f"{key}={_value(value)}" for key, value in _extension(event).items())
    return "|".join((*header, extension))


def _extension(event: EventRecord) -> dict[str, str]:
    known = facts(event)
    finding, check = event.finding, event.check
    address = check.target.ip if check is not None else None
    found: dict[str, str | None] = {
        "rt": _milliseconds(event.at),
        "externalId": event.id,
        "deviceExternalId": event.device.id,
        "dvchost": event.device.name[:100],
        "cat": known.get("what", event.kind),
        "act": event.kind,
        "dst": address if address is not None and ":" not in address else None,
        "msg": line(event)[:1023],
    }
    if (where := known.get("host")) is not None:
        name, _, port = where.rpartition(":")
        found["dhost"] = name
        found["dpt"] = port
    if address is not None and ":" in address:
        found |= {"c6a3": address, "c6a3Label": "Destination IPv6 Address"}
    if finding is not None:
        found["start"] = _milliseconds(finding.opened)
        found["end"] = _milliseconds(finding.seen)
        found["cnt"] = str(finding.host_count)
        found["outcome"] = "sanctioned" if event.sanctioned else None
        found["reason"] = known.get("changes") or known.get("because")
    custom = (
        ("cs1", "issuer"), ("cs2", "product"), ("cs3", "finding"), ("cs4", "verdict"), ("cs5", "network"),
        ("cs6", "subject"), ("flexString1", "run"), ("flexString2", "about"),
    )  # fmt: skip
    for key, name in custom:
        if name in known:
            found |= {key: known[name], f"{key}Label": name}
    return {key: value for key, value in found.items() if value}


def _milliseconds(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


def _header(text: str, most: int) -> str:
    """Cut before it is escaped, so that no escape is cut in two."""
    return harmless(text)[:most].replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("=", "\\=")
    return harmless(escaped.replace("\r\n", "\n").replace("\n", "\\n").replace("\r", "\\r"))
