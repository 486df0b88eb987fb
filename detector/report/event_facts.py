"""An event's facts as short strings under fixed names: for forms that are flat (syslog, CEF, the journal).

Names are one each here for all of them; text of unknown origin is made harmless and short.
"""

from __future__ import annotations

from detector.model.harmless import harmless
from detector.report.event_json import EventRecord, headline, severity

_LONGEST = 256


def action(event: EventRecord) -> str:
    """What happened in one word, ASCII, at most 32 characters: interception-opened, heartbeat, notice-events-lost."""
    if event.finding is not None:
        return f"{event.finding.kind}-{event.kind}"
    if event.notice is not None:
        return f"notice-{event.notice.code}"[:32]
    return event.kind


def facts(event: EventRecord) -> dict[str, str]:
    """What is known, in a fixed order; what is not is left out."""
    finding, check, network = event.finding, event.check, event.network
    who = check.interceptor if check is not None else None
    found: dict[str, str | None] = {
        "id": event.id,
        "kind": event.kind,
        "severity": severity(event),
        "device": event.device.id,
        "run": event.run,
        "version": event.versions.tlsight,
        "network": network.id if network is not None else None,
        "finding": finding.id if finding is not None else None,
        "what": finding.kind if finding is not None else None,
        "subject": finding.subject if finding is not None else None,
        "host": host(event),
        "hosts": str(finding.host_count) if finding is not None else None,
        "verdict": check.verdict if check is not None else None,
        "because": check.decided_by if check is not None else None,
        "issuer": who.issuer if who is not None else None,
        "issuer-key": who.issuer_spki_sha256 if who is not None else None,
        "product": (who.product or who.engine) if who is not None else None,
        "sanctioned": str(event.sanctioned).lower() if finding is not None else None,
        "changes": "; ".join(event.changes),
        "notice": event.notice.code if event.notice is not None else None,
        "about": event.notice.about if event.notice is not None else None,
        "question": event.question,
    }
    return {name: harmless(value)[:_LONGEST] for name, value in found.items() if value}


def host(event: EventRecord) -> str | None:
    """host:port that the event is about."""
    if event.finding is not None and event.finding.hosts:
        return event.finding.hosts[0]
    if event.check is not None:
        return f"{event.check.target.host}:{event.check.target.port}"
    return None


def line(event: EventRecord) -> str:
    """The headline, fit for a terminal."""
    return harmless(" ".join(headline(event).split()))
