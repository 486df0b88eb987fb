"""An event in the Open Cybersecurity Schema Framework, one JSON object.

A finding is a Detection Finding (class 2004): opened is created and new, changed is updated and in progress, closed is
closed and resolved; one that the policy allows is suppressed. `finding_info.uid` is the finding's id, the same from its
opening to its closing; `metadata.uid` is the event's, by which a second copy is known. What tells of no finding is a
Base Event (class 0), the one class that fits any. The device makes it the profile `host`. The observation is left out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from detector.chain.certificate import read_certificate
from detector.chain.names import as_address
from detector.errors import CertificateError
from detector.report.event_facts import host, line
from detector.report.event_json import EventKind, EventRecord, FindingRecord, Severity, severity

VERSION = "1.8.0"
_SEVERITIES: dict[Severity, tuple[int, str]] = {
    "info": (1, "Informational"), "low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High"),
}  # fmt: skip
_ACTIVITIES: dict[EventKind, tuple[int, str]] = {
    "opened": (1, "Create"), "changed": (2, "Update"), "closed": (3, "Close"),
}  # fmt: skip
_STATUS: dict[EventKind, tuple[int, str]] = {
    "opened": (1, "New"), "changed": (2, "In Progress"), "closed": (4, "Resolved"),
}  # fmt: skip
_SYSTEMS = {"linux": (200, "Linux"), "windows": (100, "Windows"), "darwin": (300, "macOS"), "macos": (300, "macOS")}  # fmt: skip
_HOSTNAME, _ADDRESS, _FINGERPRINT = (1, "Hostname"), (2, "IP Address"), (30, "Fingerprint")
_ENCODER = msgspec.json.Encoder()


def encode_ocsf(event: EventRecord) -> bytes:
    """One line of JSON without its end."""
    return _ENCODER.encode(event_ocsf(event))


def event_ocsf(event: EventRecord) -> dict[str, Any]:
    """The object."""
    grade, graded = _SEVERITIES[severity(event)]
    found: dict[str, Any] = {
        "time": _ms(event.at),
        "severity_id": grade,
        "severity": graded,
        "message": line(event),
        "metadata": {
            "version": VERSION,
            "uid": event.id,
            "correlation_uid": event.run or None,
            "product": {
                "name": "tlsight", "vendor_name": "tlsight", "version": event.versions.tlsight,
            },
            "log_name": event.schema,
            "profiles": ["host"],
        },
        "device": _device(event),
        "unmapped": _unmapped(event),
    }  # fmt: skip
    found |= _detection(event, event.finding) if event.finding is not None else _base(event)
    cleaned = _cleaned(found)
    assert isinstance(cleaned, dict)
    return cleaned


def _detection(event: EventRecord, finding: FindingRecord) -> dict[str, Any]:
    activity, active = _ACTIVITIES.get(event.kind, (99, "Other"))
    status, standing = _STATUS.get(event.kind, (99, "Other"))
    if event.sanctioned and event.kind != "closed":
        status, standing = 3, "Suppressed"
    check = event.check
    sure = finding.kind != "suspect"
    return {
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "activity_id": activity,
        "activity_name": active,
        "type_uid": 200400 + activity,
        "type_name": f"Detection Finding: {active}",
        "status_id": status,
        "status": standing,
        "status_detail": "; ".join(event.changes) or None,
        "confidence_id": 3 if sure else 2,
        "confidence": "High" if sure else "Medium",
        "is_alert": event.kind != "closed" and not event.sanctioned,
        "finding_info": {
            "uid": finding.id,
            "title": line(event),
            "desc": check.summary if check is not None else None,
            "types": [finding.kind],
            "created_time": _ms(finding.opened),
            "first_seen_time": _ms(finding.opened),
            "last_seen_time": _ms(finding.seen),
            "modified_time": _ms(event.at),
            "analytic": _analytic(event),
        },
        "evidences": [_evidence(event)],
        "observables": _observables(event, finding),
    }


def _base(event: EventRecord) -> dict[str, Any]:
    return {
        "category_uid": 0,
        "category_name": "Uncategorized",
        "class_uid": 0,
        "class_name": "Base Event",
        "activity_id": 99,
        "activity_name": event.kind,
        "type_uid": 99,
        "type_name": "Base Event: Other",
    }


def _device(event: EventRecord) -> dict[str, Any]:
    device = event.device
    number, name = _SYSTEMS.get(device.system, (99, device.system))
    system = {"name": name, "type_id": number} if device.system else None
    return {"uid": device.id, "name": device.name, "type_id": 0, "type": "Unknown", "os": system}


def _analytic(event: EventRecord) -> dict[str, Any] | None:
    if event.check is None:
        return None
    rule = event.check.decided_by
    return {
        "type_id": 1,
        "type": "Rule",
        "name": rule,
        "uid": rule,
        "version": event.versions.tables,
    }


def _evidence(event: EventRecord) -> dict[str, Any] | None:
    """Whom it was seen with; an evidence has to have one of the schema's own parts."""
    where = host(event)
    if where is None:
        return None
    name, _, port = where.rpartition(":")
    name = name.strip("[]")
    check = event.check
    target = check.target if check is not None and check.target.host == name else None
    literal = as_address(name) is not None
    address = name if literal else target.ip if target is not None else None
    number = int(port) if port.isascii() and port.isdigit() else None
    endpoint = {"hostname": None if literal else name, "ip": address, "port": number}
    rules = [one.id for one in check.evidence] if check is not None else None
    data = {"verdict": check.verdict, "evidence": rules} if check is not None else None
    return {"dst_endpoint": endpoint, "tls": _tls(event), "data": data}


def _tls(event: EventRecord) -> dict[str, Any] | None:
    check = event.check
    if check is None or check.handshake is None or check.handshake.version is None:
        return None
    return {
        "version": check.handshake.version.removeprefix("TLSv"),
        "cipher": check.handshake.cipher,
        "sni": check.target.sni,
        "certificate": _certificate(event),
    }


def _certificate(event: EventRecord) -> dict[str, Any] | None:
    """The leaf; its serial number, which the schema asks for, is in the observation alone."""
    chain = event.observation.chain if event.observation is not None else ()
    if not chain or event.check is None or not event.check.chain:
        return None
    leaf = event.check.chain[0]
    try:
        serial = read_certificate(chain[0]).x509.serial_number
    except (CertificateError, ValueError):
        return None
    return {
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "serial_number": f"{serial:x}",
        "created_time": _ms(leaf.not_before),
        "expiration_time": _ms(leaf.not_after),
        "fingerprints": [{"algorithm_id": 3, "algorithm": "SHA-256", "value": leaf.sha256}],
    }


def _observables(event: EventRecord, finding: FindingRecord) -> list[dict[str, Any]]:
    found: list[tuple[str, tuple[int, str], str | None]] = []
    for one in finding.hosts:
        name = one.rpartition(":")[0].strip("[]")
        kind = _HOSTNAME if as_address(name) is None else _ADDRESS
        part = "hostname" if kind is _HOSTNAME else "ip"
        found.append((f"evidences[].dst_endpoint.{part}", kind, name))
    if event.check is not None:
        found.append(("evidences[].dst_endpoint.ip", _ADDRESS, event.check.target.ip))
        who = event.check.interceptor
        key = who.issuer_spki_sha256 if who is not None else None
        found.append(("unmapped.interceptor.issuer_spki_sha256", _FINGERPRINT, key))
    return [
        {"name": name, "type_id": number, "type": kind, "value": value}
        for name, (number, kind), value in dict.fromkeys(found)
        if value
    ]


def _unmapped(event: EventRecord) -> dict[str, Any]:
    check = event.check
    built: dict[str, Any] = {
        "kind": event.kind,
        "run": event.run,
        "network": event.network,
        "subject": event.finding.subject if event.finding is not None else None,
        "hosts": event.finding.hosts if event.finding is not None else None,
        "host_count": event.finding.host_count if event.finding is not None else None,
        "sanctioned": event.sanctioned if event.finding is not None else None,
        "interceptor": check.interceptor if check is not None else None,
        "heartbeat": event.heartbeat,
        "notice": event.notice,
        "question": event.question,
    }
    return {key: msgspec.to_builtins(value) for key, value in built.items() if value is not None}


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _cleaned(value: Any) -> Any:
    """Without what is None or empty, lists too."""
    if isinstance(value, list):
        return [each for one in value if (each := _cleaned(one)) is not None]
    if not isinstance(value, dict):
        return value
    found = {key: _cleaned(one) for key, one in value.items()}
    return {key: one for key, one in found.items() if one is not None and one not in ("", {}, [])}
