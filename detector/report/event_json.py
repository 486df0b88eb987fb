"""What an endpoint agent tells: schema tlsight.event/1, one object a line.

An event says that a finding opened, changed or closed, that the agent lives (heartbeat), that something is wrong with
the agent itself (notice), or answers a fleet's question. A finding is one fact about one network that stands until it
is gone: the same interceptor seen in a thousand runs is one finding and two events.

Every sink and the fleet's collector read these types; severity and headline are said here once for all of them.
docs/reference/event.schema.json is generated from them. Names and meaning are fixed; fields may be added.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from detector.model.observation import Observation
from detector.report.check_json import CheckRecord

EVENT_SCHEMA = "tlsight.event/1"
EventKind = Literal["opened", "changed", "closed", "heartbeat", "notice", "answer"]
# interception: a verdict `intercepted`. suspect: a verdict of that name. trust: a root or setting of this machine that
# stands out. sink: the agent's own connection to a receiver of its events is intercepted.
FindingKind = Literal["interception", "suspect", "trust", "sink"]
Severity = Literal["info", "low", "medium", "high"]
# What a notice is about; `text` says it for a person.
NoticeCode = Literal[
    "started", "stopping", "captive-portal", "portal-left", "offline", "online", "events-lost", "sink-failing",
    "sink-refuses", "sink-again", "list-refused", "list-taken", "revoked", "clock-jumped", "over-budget", "config-refused",
    "state-lost", "cannot-check", "nothing-answers", "answers-again",
]  # fmt: skip

# How open the way out is. captive: a portal stands in it. blocked: it looks open, and nobody completes a handshake.
# unknown: that cannot be told. Empty: nobody has looked yet.
MoodWord = Literal["", "open", "captive", "offline", "unknown", "blocked"]


class DeviceRecord(msgspec.Struct, frozen=True):
    """Who tells.

    Attributes:
        id: 32 hex digits, drawn once and kept; says nothing of the machine.
        name: the machine's own name; empty where the settings keep it back.
        system: e.g. "linux".

    """

    id: str
    name: str = ""
    system: str = ""


class VersionsRecord(msgspec.Struct, frozen=True):
    """By what was judged.

    Attributes:
        tlsight: this program.
        tables: digest of the tables that verdicts rest on; two agents with the same one judge alike.

    """

    tlsight: str
    tables: str = ""


class NetworkRecord(msgspec.Struct, frozen=True):
    """Where the machine was, so that two events can be told to be of one place and nobody learns which.

    Attributes:
        id: the place, by its router: the same for every machine of a fleet there; see detector.agent.senses.network.
        gateway: digest of the default gateway's hardware address, salted with the fleet's or the device's salt.
        ssid: digest of the wireless network's name, likewise.
        dns: digest of the resolvers' addresses, likewise.
        proxy: digest of the proxy that is set, likewise.

    """

    id: str
    gateway: str | None = None
    ssid: str | None = None
    dns: str | None = None
    proxy: str | None = None


class FindingRecord(msgspec.Struct, frozen=True):
    """One fact that stands until it is gone.

    Attributes:
        id: stable from its opening to its closing, on this device: see detector.agent.finding.
        kind: what kind of fact.
        subject: what it is about: `spki:<hex>` or `issuer:<name>` of who intercepts, `host:<host:port>`, `root:<hex>`,
            `setting:<rule of the trust audit>:<file>`.
        opened: when it was first seen.
        seen: when it was last seen.
        hosts: host:port on which it was seen, the latest first, a few.
        host_count: on how many it was seen.
        who: the product, engine or issuer that intercepts, or what is said of a root; of unknown origin.

    """

    id: str
    kind: FindingKind
    subject: str
    opened: datetime
    seen: datetime
    hosts: tuple[str, ...] = ()
    host_count: int = 0
    who: str = ""


class SinkRecord(msgspec.Struct, frozen=True):
    """How a sink fares: events that wait for it, and why, where they do."""

    name: str
    waiting: int
    trouble: str = ""


class HeartbeatRecord(msgspec.Struct, frozen=True):
    """That the agent lives, and what holds now.

    Attributes:
        up: seconds since it started.
        every: seconds to the next heartbeat, at most.
        here: ids of the findings that hold on this network now.
        checked: targets judged since the last heartbeat.
        inconclusive: of these, those that gave no handshake to judge.
        cpu: seconds of processor time since the last heartbeat.
        sent: bytes sent and received since the last heartbeat, for checks and sinks.
        memory: resident bytes.
        lists: serial of each signed list in force, by name.
        sinks: all of them.
        lost: events that were given up for want of room, since the state was made.
        mood: how open the way out is; in "captive", "offline" and "blocked" next to nothing is checked, and no finding
            says nothing.
        mood_since: since when.

    """

    up: float
    every: float
    here: tuple[str, ...] = ()
    checked: int = 0
    inconclusive: int = 0
    cpu: float = 0.0
    sent: int = 0
    memory: int = 0
    lists: dict[str, int] = {}
    sinks: tuple[SinkRecord, ...] = ()
    lost: int = 0
    mood: MoodWord = ""
    mood_since: datetime | None = None


class NoticeRecord(msgspec.Struct, frozen=True):
    """What is to be known of the agent itself; `about` is the sink, list or file it is about."""

    code: NoticeCode
    text: str
    about: str = ""


class EventRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event.

    Attributes:
        schema: tlsight.event/1.
        id: 32 hex digits; a receiver that got it twice (delivery is at least once) knows it by this.
        kind: what happened.
        at: when.
        run: of the run that saw it; all events of one run have the same.
        device: who tells.
        versions: by what was judged.
        network: where.
        finding: what opened, changed or closed; None else.
        changes: what changed, or why it closed, a few words each.
        sanctioned: the policy allows this interceptor for this host.
        check: the judged target that decided, as `tlsight check --json` prints it.
        observation: what was seen there; `tlsight judge` judges it again. Left out where the settings keep it back.
        heartbeat: of that kind.
        notice: of that kind.
        question: id of the fleet's question that this answers.

    """

    schema: Literal["tlsight.event/1"]
    id: str
    kind: EventKind
    at: datetime
    device: DeviceRecord
    versions: VersionsRecord
    run: str = ""
    network: NetworkRecord | None = None
    finding: FindingRecord | None = None
    changes: tuple[str, ...] = ()
    sanctioned: bool = False
    check: CheckRecord | None = None
    observation: Observation | None = None
    heartbeat: HeartbeatRecord | None = None
    notice: NoticeRecord | None = None
    question: str | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(EventRecord)


def encode_event(event: EventRecord) -> bytes:
    """One line of JSON without its end."""
    return _ENCODER.encode(event)


def decode_event(line: bytes) -> EventRecord:
    """One event. Raises what is in detector.model.no_json.NO_JSON."""
    return _DECODER.decode(line)


def severity(event: EventRecord) -> Severity:
    """How much somebody should care, for every receiver that wants to know."""
    if event.kind == "notice" and event.notice is not None:
        return "medium" if event.notice.code in _GRAVE else "low"
    if event.finding is None or event.kind == "closed":
        return "info"
    if event.sanctioned:
        return "info"
    return "high" if event.finding.kind in ("interception", "sink") else "medium"


_GRAVE = frozenset(("events-lost", "list-refused", "revoked", "state-lost", "nothing-answers"))
# Of a mood in which no finding says nothing.
_BLIND: dict[MoodWord, str] = {
    "captive": "behind a captive portal",
    "offline": "offline",
    "blocked": "nobody answers",
}


def blindness(mood: MoodWord) -> str:
    """Why next to nothing is checked, in a few words; empty where it is."""
    return _BLIND.get(mood, "")


_MANY = 10_000


def headline(event: EventRecord) -> str:
    """The event in one line for a person; hosts and issuers in it are of unknown origin."""
    if event.notice is not None:
        return event.notice.text
    if event.heartbeat is not None:
        blind = blindness(event.heartbeat.mood)
        beside = f", but {blind}: not checked" if blind else ""
        return f"alive, {len(event.heartbeat.here)} findings here{beside}"
    finding = event.finding
    if finding is None:
        asked = event.check.target.host if event.check is not None else ""
        return f"asked: {asked} {event.check.verdict if event.check is not None else ''}".rstrip()
    if finding.kind == "trust":
        return f"trust {event.kind}: {finding.who or finding.subject}"
    where = finding.hosts[0] if finding.hosts else finding.subject
    beyond = finding.host_count - 1
    # No agent counts further than some thousands (detector.agent.finding).
    more = f" and {beyond if beyond < _MANY else 'many'} more" if beyond > 0 else ""
    what = f"{finding.kind} {event.kind}: {where}{more}"
    by = finding.who or _interceptor(event)
    told = f"{what} by {by}" if by else what
    return f"{told} (sanctioned)" if event.sanctioned else told


def _interceptor(event: EventRecord) -> str:
    who = event.check.interceptor if event.check is not None else None
    return (who.product or who.engine or who.issuer) if who is not None else ""
