"""Words for what a captured connection did, the same in lines, tables and pages."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from detector.capture.connection import ClosedBy, Connection
from detector.forensics.browsers import HelloOpinion
from detector.forensics.outcomes import Stage
from detector.report.pcap_json import FailureRecord, SummaryRecord

REACHED: dict[str, str] = {
    "syn": "SYN",
    "tcp": "TCP",
    "preamble": "before TLS",
    "client-hello": "ClientHello",
    "server-hello": "ServerHello",
    "certificate": "Certificate",
    "finished": "Finished",
}
_AFTER: dict[Stage, str] = {
    "syn": "at the SYN",
    "tcp": "before the ClientHello",
    "preamble": "before TLS",
    "client-hello": "after the ClientHello",
    "server-hello": "after the ServerHello",
    "certificate": "after the certificate",
    "finished": "after Finished",
}
_WHO: dict[ClosedBy, str] = {
    "client": "the client",
    "server": "the server",
    "middlebox": "somebody on the way",
}
_FAULTS = 2


def after(reached: Stage) -> str:
    """How far it came, as the end of a sentence."""
    return _AFTER[reached]


def cut(
    closed_by: ClosedBy | None,
    how: Literal["fin", "rst", "open"],
    alert: int | None,
    *,
    encrypted: bool = False,
) -> str:
    """Who ended it, and by what."""
    if closed_by is None:
        return "no end was seen"
    if encrypted or alert is not None:
        what = "encrypted alert" if encrypted else f"alert {alert}"
        return f"ended by {_WHO[closed_by]} ({what})"
    if how == "rst":
        return f"cut by {_WHO[closed_by]} (RST)"
    return f"closed by {_WHO[closed_by]} (FIN)" if how == "fin" else f"left by {_WHO[closed_by]}"


def cut_of(c: Connection) -> str:
    """As `cut`, of one connection."""
    fatal = c.fatal
    code = fatal.code if fatal is not None else None
    return cut(c.closed_by, c.how, code, encrypted=fatal is not None and code is None)


def ended(one: FailureRecord) -> str:
    """How far the connections came, and who ended them."""
    said = cut(one.closed_by, one.how, one.alert, encrypted=one.encrypted)
    return f"{after(one.reached)}, {said}"


def place(one: SummaryRecord) -> str:
    """A server: the name that was asked for, its address and port, and what is spoken where that is not TLS at once."""
    if one.via is not None:
        return f"{one.via} via {one.key}"
    name = f"{one.name} " if one.name and one.name not in _hosts(one.key) else ""
    if name and one.outer:
        name += "(outer name) "
    spoken = [protocol.upper() for protocol in one.protocols if protocol != "tls"]
    return " ".join((f"{name}{one.key}", *spoken[:3]))


def clients(one: SummaryRecord) -> str:
    """Who asked: the only one's address, or how many."""
    return one.client or f"{one.clients:,} clients"


def reached(one: SummaryRecord) -> str:
    """How far most of those that failed came, else how far most came; "" for none."""
    if one.failures:
        return one.failures[0].reached
    return max(one.reached, key=lambda name: one.reached[name]) if one.reached else ""


def called(number: int, source: int) -> str:
    """What a connection is called by: of several files the later ones are told."""
    return f"#{number} of file {source + 1}" if source else f"#{number}"


def counted(one: SummaryRecord) -> str:
    """How many of the connections failed."""
    return f"{one.failed:,}/{one.connections:,}"


def odd_hellos(one: SummaryRecord) -> str:
    """What hellos say against the browsers that they claim to be; "" where nothing."""
    odd = one.odd_hello
    count = one.hellos.get("likely", 0)
    if odd is None or not count:
        return ""
    opinion = odd.opinion
    who = f" of {opinion.claims}" if opinion.claims else ""
    many = "The hello is" if count == 1 else f"{count:,} hellos are"
    said = " ".join(_beside(opinion))
    return f"{many} not that{who} that the request names: {said} (#{odd.number})"


def opinion_text(one: HelloOpinion) -> str:
    """Whether a hello is that of the browser that the request names."""
    who = one.claims or "the browser"
    if one.interception == "likely":
        said = f"The hello is not that of {who} that the request names, so somebody in between likely sent it."
    elif one.interception == "unlikely":
        said = f"The hello is that of {who}, as the request says."
    else:
        said = one.reason or f"Whether the hello is that of {who} is unknown."
    return " ".join([said, *_beside(one)])


def _beside(one: HelloOpinion) -> list[str]:
    """What does not fit, and whose hello it is."""
    parts = list(one.differs)
    if one.headers:
        parts.append(f"{', '.join(one.headers)} added a header.")
    if one.looks_like and one.looks_like not in one.reason:
        kind = " (a library that many programs have)" if one.looks_like_kind == "library" else ""
        parts.append(f"{one.looks_like}{kind} sends this very hello.")
    return parts


def faults(one: SummaryRecord) -> list[tuple[str, str]]:
    """Id and sentence of what is wrong at a server beside what its failed connections say."""
    said = {text for failure in one.failures for text in (failure.cause, failure.text)}
    found = [
        (fault.id, fault.text)
        for fault in one.faults
        if fault.severity == "error"
        and not {fault.id, fault.text} & said
        and fault.id != "tls-intercepted"
    ]
    return found[:_FAULTS]


def span(first: datetime, last: datetime) -> str:
    """From when to when, with the zone."""
    start, end = f"{first:%Y-%m-%d %H:%M:%S}", f"{last:%Y-%m-%d %H:%M:%S}"
    if start == end:
        return f"{start} UTC"
    return f"{start} to {end[11:] if start[:10] == end[:10] else end} UTC"


def _hosts(key: str) -> tuple[str, ...]:
    host = key.rpartition(":")[0]
    return host, host.strip("[]")
