"""An event without the names of hosts that are nobody else's business: what a user's programs speak to stays on the machine.

Told stay names that the settings or a signed list hold, and canaries. A host that is none of these goes, wherever it
stands: in the finding, its changes, the check, its chain (a digest of a public leaf finds its name in CT), its sentences,
and the observation. What remains is that there is a finding, of which kind, by whom, on how many hosts. Pure.
"""

from __future__ import annotations

import hmac
from collections.abc import Container, Iterable, Mapping

from msgspec.structs import replace

from detector.agent.finding import Held
from detector.report.check_json import CheckRecord, RouteRecord, TargetRecord
from detector.report.event_json import EventRecord, FindingRecord

# Sinks that stay on this machine and before this user: these are sent events as they are.
LOCAL = frozenset(("desktop",))
KEPT_BACK = "kept-back"
_HALF = 32


def redact(event: EventRecord, told: Container[str], key: bytes) -> EventRecord:
    """The event as others may see it; the same where it names no other host.

    Args:
        event: as it was made.
        told: host:port and host of all that may be named.
        key: a secret of this device; what was a digest of a name becomes one that nobody can try names against.

    """
    finding, check = event.finding, event.check
    private = check is not None and not _may(f"{check.target.host}:{check.target.port}", told)
    if finding is None:
        return event if not private else replace(event, check=_nameless(check), observation=None)
    names = _names(event, told)
    finding = _of_finding(finding, told, names, key)
    changes = tuple(change for change in event.changes if _is_told(change, told))
    if not private:
        return replace(event, finding=finding, changes=changes)
    check = _nameless(check, names)
    return replace(event, finding=finding, changes=changes, check=check, observation=None)


def _of_finding(
    finding: FindingRecord, told: Container[str], names: frozenset[str], key: bytes
) -> FindingRecord:
    hosts = tuple(host for host in finding.hosts if _may(host, told))
    kind, _, about = finding.subject.partition(":")
    hidden = (kind == "host" and not _may(about, told)) or (
        kind == "issuer" and _mentions(about, names)
    )
    if not hidden:
        return replace(finding, hosts=hosts)
    who = KEPT_BACK if _mentions(finding.who, names) else finding.who
    subject = f"{kind}:{KEPT_BACK}"
    return replace(finding, hosts=hosts, id=_id(finding.id, key), subject=subject, who=who)


def _id(made: str, key: bytes) -> str:
    """Made of the name, the id would tell it to whoever tries names."""
    return hmac.digest(key, made.encode(), "sha256").hex()[:_HALF]


def kept_back(held: Held, told: Container[str], key: bytes) -> Held:
    """A finding that stands, as others may see it."""
    record = held.record
    if record.kind in ("sink", "trust"):
        return held
    about = (record.subject.removeprefix("host:"),) if record.subject.startswith("host:") else ()
    names = _names_of((*record.hosts, *(one.host for one in held.hosts), *about), told)
    issuer = KEPT_BACK if _mentions(held.issuer, names) else held.issuer
    hosts = tuple(one for one in held.hosts if _may(one.host, told))
    return replace(
        held, record=_of_finding(record, told, names, key), issuer=issuer, hosts=hosts, known=b""
    )


def here(
    ids: Iterable[str], held: Mapping[str, Held], told: Container[str], key: bytes
) -> tuple[str, ...]:
    """A heartbeat's list of what stands, under the ids that its events bore; what is not known any more is kept back."""
    return tuple(
        kept_back(held[one], told, key).id if one in held else _id(one, key) for one in ids
    )


def _nameless(check: CheckRecord | None, names: frozenset[str] = frozenset()) -> CheckRecord | None:
    """What was judged, without anything that a name could be in."""
    if check is None:
        return None
    target = check.target
    names = names or _of_host(target.host)
    who = check.interceptor
    if who is not None and _mentions(who.issuer, names):  # signed by itself
        who = replace(who, issuer=KEPT_BACK, issuer_spki_sha256=None)
    return replace(
        check,
        target=TargetRecord(KEPT_BACK, target.port, None, None, target.starttls),
        route=RouteRecord(check.route.kind, None, check.route.tls),
        chain=[],
        summary="",
        explanation="",
        next_step="",
        interceptor=who,
        evidence=[replace(one, text="", details={}) for one in check.evidence],
        causes=[replace(one, text="") for one in check.causes],
        error=replace(check.error, text="", spoke=None, proxy=None) if check.error else None,
    )


def _names(event: EventRecord, told: Container[str]) -> frozenset[str]:
    """What may not be named, as it could stand in a certificate."""
    hosts = list(event.finding.hosts) if event.finding is not None else []
    if event.check is not None:
        hosts.append(f"{event.check.target.host}:{event.check.target.port}")
    if event.finding is not None and event.finding.subject.startswith("host:"):
        hosts.append(event.finding.subject.removeprefix("host:"))
    return _names_of(hosts, told)


def _names_of(hosts: Iterable[str], told: Container[str]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for host in hosts:
        if not _may(host, told):
            found |= _of_host(_name_of(host))
    return found


def _of_host(host: str) -> frozenset[str]:
    """A name, and what is above it where that is a name, too."""
    above = host.partition(".")[2]
    return frozenset((host, above)) if "." in above else frozenset((host,))


def _mentions(text: str, names: frozenset[str]) -> bool:
    folded = text.casefold()
    return any(name and name in folded for name in names)


def _may(host: str, told: Container[str]) -> bool:
    return host in told or _name_of(host) in told


def _name_of(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name.strip("[]") if port.isdecimal() and name else host.strip("[]")


def _is_told(change: str, told: Container[str]) -> bool:
    """Whether every word that could be a name may be told."""
    words = (word.strip("\"'()[],;.:") for word in change.split())
    return all(_may(word, told) for word in words if "." in word or ":" in word)
