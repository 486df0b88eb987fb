"""An event in the Elastic Common Schema, one JSON object.

Fields of the schema where it has them, with its spelling: hashes in upper case, versions of TLS without their letters,
categories and types from its lists. Everything else is under `tlsight`, as the schema asks of fields of one's own. The
observation is left out: it is bytes that no search reads.
"""

from __future__ import annotations

from typing import Any

import msgspec

from detector.chain.names import as_address
from detector.report.check_json import CheckRecord
from detector.report.event_facts import action, host, line
from detector.report.event_json import EventRecord, FindingKind, Severity, severity

VERSION = "9.4.0"
_GRADES: dict[Severity, int] = {"info": 0, "low": 21, "medium": 47, "high": 73}
_CATEGORIES: dict[FindingKind, tuple[str, ...]] = {
    "interception": ("network", "intrusion_detection"),
    "suspect": ("network", "intrusion_detection"),
    "sink": ("network", "intrusion_detection"),
    "trust": ("configuration",),
}
_OS_TYPES = {"linux": "linux", "darwin": "macos", "macos": "macos", "windows": "windows"}
_ENCODER = msgspec.json.Encoder()


def encode_ecs(event: EventRecord) -> bytes:
    """One line of JSON without its end."""
    return _ENCODER.encode(event_ecs(event))


def event_ecs(event: EventRecord) -> dict[str, Any]:
    """The object; only what is known is in it."""
    device, versions = event.device, event.versions
    found: dict[str, Any] = {
        "@timestamp": event.at,
        "ecs": {"version": VERSION},
        "message": line(event),
        "event": _event(event),
        "agent": {"type": "tlsight", "id": device.id, "version": versions.tlsight},
        "observer": {
            "type": "tls-monitor", "vendor": "tlsight", "product": "tlsight", "version": versions.tlsight,
        },
        "host": {
            "id": device.id,
            "name": device.name or device.id,
            "hostname": device.name,
            "os": {"platform": device.system, "type": _OS_TYPES.get(device.system)},
        },
        "rule": _rule(event),
        "destination": _destination(event),
        "tls": _tls(event.check),
        "related": _related(event),
        "tlsight": _own(event),
    }  # fmt: skip
    cleaned = _without_nothing(found)
    assert isinstance(cleaned, dict)
    return cleaned


def _event(event: EventRecord) -> dict[str, Any]:
    finding = event.finding
    alert = finding is not None and event.kind != "closed" and not event.sanctioned
    categories = _CATEGORIES[finding.kind] if finding is not None else ("host",)
    types = ["info"]
    if event.sanctioned and "network" in categories:
        types.append("allowed")
    return {
        "id": event.id,
        "kind": "alert" if alert else "state" if event.kind == "heartbeat" else "event",
        "category": categories,
        "type": types,
        "action": action(event),
        "module": "tlsight",
        "dataset": "tlsight.event",
        "provider": "tlsight",
        "severity": _GRADES[severity(event)],
        "created": event.at,
        "start": finding.opened if finding is not None else None,
        "end": finding.seen if finding is not None and event.kind == "closed" else None,
        "reason": "; ".join(event.changes) or None,
    }


def _rule(event: EventRecord) -> dict[str, Any] | None:
    if event.finding is None:
        return None
    decided = event.check.decided_by if event.check is not None else event.finding.kind
    text = event.check.summary if event.check is not None else None
    return {"name": decided, "category": event.finding.kind, "description": text}


def _destination(event: EventRecord) -> dict[str, Any] | None:
    where = host(event)
    if where is None:
        return None
    name, _, port = where.rpartition(":")
    name = name.strip("[]")
    target = event.check.target if event.check is not None else None
    same = target is not None and target.host == name
    address = target.ip if target is not None and same else None
    if as_address(name) is not None:
        address, domain = name, None
    else:
        domain = name
    number = int(port) if port.isascii() and port.isdigit() else None
    return {"address": name, "domain": domain, "ip": address, "port": number}


def _tls(check: CheckRecord | None) -> dict[str, Any] | None:
    if check is None or not (check.handshake or check.chain):
        return None
    found: dict[str, Any] = {"client": {"server_name": check.target.sni}}
    if (handshake := check.handshake) is not None:
        found |= {
            "established": handshake.completed,
            "version": handshake.version.removeprefix("TLSv") if handshake.version else None,
            "version_protocol": "tls",
            "cipher": handshake.cipher,
            "curve": handshake.group,
            "next_protocol": handshake.alpn,
        }
    if check.chain:
        leaf = check.chain[0]
        found["server"] = {
            "subject": leaf.subject,
            "issuer": leaf.issuer,
            "not_before": leaf.not_before,
            "not_after": leaf.not_after,
            "hash": {"sha256": leaf.sha256.upper()},
        }
    return found


def _related(event: EventRecord) -> dict[str, Any]:
    names = [one.rpartition(":")[0] for one in event.finding.hosts] if event.finding else []
    target = event.check.target if event.check is not None else None
    hashes = [one.sha256.upper() for one in event.check.chain] if event.check is not None else []
    return {
        "hosts": list(dict.fromkeys(names)),
        "ip": [target.ip] if target is not None and target.ip else [],
        "hash": hashes,
    }


def _own(event: EventRecord) -> dict[str, Any]:
    check = event.check
    built: dict[str, Any] = {
        "schema": event.schema,
        "kind": event.kind,
        "run": event.run,
        "tables": event.versions.tables,
        "network": event.network,
        "finding": event.finding,
        "sanctioned": event.sanctioned if event.finding is not None else None,
        "verdict": check.verdict if check is not None else None,
        "interceptor": check.interceptor if check is not None else None,
        "evidence": [e.id for e in check.evidence] if check is not None else None,
        "heartbeat": event.heartbeat,
        "notice": event.notice,
        "question": event.question,
    }
    return {key: msgspec.to_builtins(value) for key, value in built.items()}


def _without_nothing(value: Any) -> Any:
    """Without what is None or empty."""
    if not isinstance(value, dict):
        return value
    found = {key: _without_nothing(one) for key, one in value.items()}
    return {key: one for key, one in found.items() if one is not None and one not in ("", {}, [])}
