"""A captured connection as the values that live probes make: an Observation, and a Trial."""

from __future__ import annotations

from datetime import UTC, datetime

from detector.capture.connection import Connection
from detector.causes.plan import OTHER_NAME
from detector.chain.certificate import read_certificate
from detector.chain.names import as_address, claims_name
from detector.errors import CertificateError, TargetError
from detector.model.inquiry import Outcome, Trial
from detector.model.observation import Alert, Failure, Handshake, Observation, Route, Target
from detector.model.targets import normal_host
from detector.wire import registry as r
from detector.wire.alerts import alert_name
from detector.wire.suites import suite_name


def observation(connection: Connection, failure: Failure | None = None) -> Observation:
    """What a probe in the client's place would have seen."""
    c = connection
    alerts = tuple(
        Alert(a.sender, a.code, alert_name(a.code), a.fatal) for a in c.alerts if a.code is not None
    )
    return Observation(
        at=moment(c.first),
        target=target(c),
        route=route(c),
        handshake=handshake(c),
        chain=c.chain,
        server_bytes=b"" if c.reached in ("nothing", "other") else b"\x16\x03\x03",
        ocsp=c.ocsp,
        alerts=alerts,
        failure=failure,
        ms=c.ms,
        captured=True,
        scts=c.scts,
        asked_for=c.asked_for,
    )


def moment(seconds: float) -> datetime:
    """Packet time as an aware time; the epoch for what no calendar holds."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def target(c: Connection) -> Target:
    """Whom the client wanted: the name it sent, or the proxy's target, or the address."""
    host, port = c.server, c.server_port
    asked = c.preamble.target if c.preamble is not None else None
    if asked is not None:
        name, _, number = asked.rpartition(":")
        host = name.strip("[]") or host
        port = int(number) if number.isdecimal() and len(number) < 6 else port
    # An address is no name, and not allowed there (RFC 6066 section 3): whom such a client checks, nobody knows. And
    # a trial of our own asks for nobody by the other name.
    told = c.sni is not None and c.sni != OTHER_NAME and as_address(c.sni) is None
    sni = c.sni if told and not hides_its_name(c) else None
    name = sni or host
    try:
        name = normal_host(name)
    except TargetError:  # a name that no resolver takes: whom the client checks, nobody knows
        name, sni = c.server, None
    starttls = c.preamble.protocol if c.preamble is not None else None
    ip = None if asked is not None else c.server
    return Target(name, port, ip=ip, sni=sni, starttls=starttls)


def hides_its_name(c: Connection) -> bool:
    """The hello's name only stands for the one that was asked for.

    A client that completes with a certificate of another name, and sent ECH's extension, had it answered; the names of
    all such servers nobody knows.
    """
    if c.ech is None or c.ech == "outer":
        return c.ech is not None
    if not (c.completed and c.chain and c.sni):
        return False
    try:
        return not claims_name(read_certificate(c.chain[0]), c.sni.lower())
    except CertificateError:
        return False


def route(c: Connection) -> Route:
    kind = c.preamble.kind if c.preamble is not None else None
    proxy = f"{c.server}:{c.server_port}"
    if kind == "http-connect":
        return Route("http-connect", proxy)
    return Route("socks5", proxy) if kind in ("socks5", "socks4") else Route()


def handshake(c: Connection) -> Handshake | None:
    if c.answer is None:
        return None
    return Handshake(
        completed=c.completed,
        version=r.version_name(c.answer.version),
        cipher=suite_name(c.answer.cipher),
        group=r.group_name(c.answer.group) if c.answer.group is not None else None,
        alpn=c.alpn,
    )


def trial(c: Connection, name: str) -> Trial | None:
    """How the server took the hello; None where the capture does not show it."""
    outcome = _outcome(c)
    if outcome is None:
        return None
    alert = next((a.code for a in c.alerts if a.sender == "server" and a.fatal), None)
    text = (
        f"alert {alert_name(alert)} ({alert})" if outcome == "alert" and alert is not None else ""
    )
    answer = c.answer
    return Trial(
        name,
        outcome,
        text,
        c.hello_size,
        alert=alert,
        version=answer.version if answer else None,
        cipher=answer.cipher if answer else None,
        group=answer.group if answer else None,
        alpn=c.alpn,
        retry=c.retry,
        chain=c.chain,
        ocsp=c.ocsp,
        authorities=c.authorities,
        dh_bits=c.dh_bits,
        renegotiation=answer.renegotiation if answer else False,
        scts=c.scts,
        ms=(c.ms.get("server-hello", 0.0), c.ms.get("server-hello", 0.0)),
    )


def _outcome(c: Connection) -> Outcome | None:
    if c.refused or (c.opened == "syn" and c.reached != "unseen"):
        return "unreachable"
    if c.hello is None or c.reached == "unseen":
        return None
    if c.answer is not None:
        return "answered"
    if c.reached == "alert":
        return "alert"
    if c.reached == "other":
        return "not-tls"
    if c.reached == "hello":
        return "malformed"
    if c.closed_by in ("server", "middlebox"):
        return "reset" if c.how == "rst" else "closed"
    return "silent" if c.closed_by == "client" or c.last - c.first > 1 else None
