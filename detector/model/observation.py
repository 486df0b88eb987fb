"""The values everything else passes around: plain, frozen, free of I/O.

An `Observation` is what was seen; it can be saved, sent, and judged again elsewhere. A `Judgement`
is what was concluded, with the `Evidence` that decided it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from detector.errors import ProxyFault
from detector.model.recorded import Recorded

VerdictName = Literal["direct", "consistent", "private", "suspect", "intercepted", "inconclusive"]
Points = Literal["intercepted", "direct", "neutral"]
Strength = Literal["proof", "strong", "weak"]
RouteKind = Literal["direct", "http-connect", "socks5"]
Party = Literal["client", "server", "network"]
Severity = Literal["error", "warning", "note"]
Ending = Literal["rst", "fin", "silence", "alert", "refused"]
Dialled = Literal["server", "proxy"]
Beside = Literal["scts", "ocsp"]
Way = Literal["ipv4", "ipv6", "http3"]
SpokenProtocol = Literal[
    "http", "http2", "ssh", "smtp", "ftp", "smtp-or-ftp", "imap", "pop3", "mysql", "postgres", "redis",
    "xmpp", "html", "unknown",
]  # fmt: skip

OBSERVATION_SCHEMA = "tlsight.observation/1"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom we wanted to reach.

    Attributes:
        host: lower-case A-label name without trailing dot, or an IP literal without brackets.
        port: TCP port.
        ip: address that was connected to; None when a proxy resolved the name.
        sni: server name sent, None when none was.
        starttls: protocol that was upgraded, e.g. "smtp".
        pinned_address: the address was given by the user, not resolved from the name.
        dialled: the address and port that were given, as address:port.
        protocol: what is spoken inside TLS, where a URL's scheme said so; else the port tells.
        path: of a URL, as an HTTP request has it; no query, which may hold secrets.

    """

    host: str
    port: int = 443
    ip: str | None = None
    sni: str | None = None
    starttls: str | None = None
    pinned_address: bool = False
    dialled: str | None = None
    protocol: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """How we went there.

    Attributes:
        proxy: host:port, never with credentials.
        tls: TLS is spoken to the proxy itself (an https:// proxy).
        named_by: the option, variable or PAC file that names it.
        tried: proxies that were to be asked first and could not be, each with why.

    """

    kind: RouteKind = "direct"
    proxy: str | None = None
    tls: bool = False
    named_by: str = ""
    tried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake that got as far as a ServerHello.

    Attributes:
        completed: both Finished messages were verified, so the peer holds the leaf's key.
        version: "TLSv1.3" and so on.
        cipher: IANA name where known.
        group: key exchange group, e.g. "x25519".
        alpn: protocol the server chose.

    """

    completed: bool
    version: str | None = None
    cipher: str | None = None
    group: str | None = None
    alpn: str | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A TLS alert that was seen in clear or reported by the TLS library."""

    sender: Literal["client", "server"]
    code: int
    name: str
    fatal: bool


@dataclass(frozen=True, slots=True)
class Spoke:
    """What a peer said that is no TLS.

    Attributes:
        protocol: whose grammar it follows.
        banner: its first line, or the program it names; safe for a terminal.
        status: HTTP's.

    """

    protocol: SpokenProtocol
    banner: str = ""
    status: int | None = None


@dataclass(frozen=True, slots=True)
class ProxyAnswer:
    """What the way through a proxy failed by.

    Attributes:
        fault: the proxy itself, what it says of the server, what it thinks of the question, or what it wants.
        status: HTTP's status code or SOCKS' reply, where it answered.
        schemes: what it takes for a login, as it calls them.

    """

    fault: ProxyFault
    status: int | None = None
    schemes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no handshake was completed.

    Attributes:
        step: dns, tcp, proxy, starttls or tls.
        cause: cause id.
        text: one line for a person.
        spoke: what came instead of TLS.
        how: the way it ended, where it is known.
        dialled: whom the step that failed was with.
        why: what this machine's own system said of it, without a host's name; empty where a peer did it.
        proxy: what the way through a proxy failed by, where it was that.

    """

    step: str
    cause: str
    text: str
    spoke: Spoke | None = None
    how: Ending | None = None
    dialled: Dialled = "server"
    why: str = ""
    proxy: ProxyAnswer | None = None


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A log's proof that it holds the observed leaf; anybody can check it again.

    Attributes:
        log_id: SHA-256 of the log's key, 32 bytes.
        form: which interface it came from.
        head: the signed tree head as served: get-sth's JSON, or a checkpoint.
        index: place of the entry in the tree.
        path: hashes from the leaf's sibling up, 32 bytes each.

    """

    log_id: bytes
    form: Literal["rfc6962", "static-ct"]
    head: bytes
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BrowserAnswer:
    """What a server chose when it was offered what browsers of today offer.

    Attributes:
        at: aware UTC time.
        version: "TLSv1.3" and so on.
        group: key exchange group; before TLS 1.3, or where none was agreed on, None.
        alpn: None where the server chose none, or where TLS 1.3 hides its choice.

    """

    at: datetime
    version: str
    group: str | None = None
    alpn: str | None = None


@dataclass(frozen=True, slots=True)
class OtherWay:
    """What the same host showed by another of its ways, in a completed handshake.

    Attributes:
        way: the address family that the first connection did not take, or HTTP/3 over its address.
        ip: address that was asked.
        chain: DER certificates, leaf first.

    """

    way: Way
    ip: str
    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything one probe saw.

    Attributes:
        at: aware UTC time of the probe.
        chain: DER certificates in the order they were sent, leaf first.
        client_bytes, server_bytes: what each side put on the wire, up to 64 KiB of the TLS part.
        ocsp: stapled OCSP response (DER), when the client asked and the server gave one.
        ms: milliseconds per step: dns, connect, proxy, starttls, tls.
        inclusion: proofs that public logs hold the leaf.
        captured: somebody else's connection, read from packets: clock and stores are not this machine's.
        scts: list of SCTs as the TLS extension brought it (RFC 6962 section 3.3.1).
        asked_for: what the client asked the server for beside its certificates, as far as the answer was
            seen: `scts` and `ocsp` are None there where the server has none to give.
        browser: how the server took a browser's hello by this way, where two ways are compared.
        other_ways: what the host showed by its other ways, where they were asked.
        fetched: issuers that were not sent (DER), from the addresses that certificates name. Whoever reads them
            believes their signatures alone.

    """

    at: datetime
    target: Target
    route: Route = field(default_factory=Route)
    handshake: Handshake | None = None
    chain: tuple[bytes, ...] = ()
    client_bytes: bytes = b""
    server_bytes: bytes = b""
    ocsp: bytes | None = None
    alerts: tuple[Alert, ...] = ()
    failure: Failure | None = None
    ms: dict[str, float] = field(default_factory=dict)
    inclusion: tuple[InclusionProof, ...] = ()
    schema: str = OBSERVATION_SCHEMA
    captured: bool = False
    scts: bytes | None = None
    asked_for: tuple[Beside, ...] = ()
    browser: BrowserAnswer | None = None
    other_ways: tuple[OtherWay, ...] = ()
    fetched: tuple[bytes, ...] = ()

    @property
    def asks_for_name(self) -> bool:
        """The client asked for somebody. In a capture without SNI or a proxy's target only an address is known."""
        return not self.captured or self.target.sni is not None or self.target.ip is None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding of one rule.

    Attributes:
        id: kind, e.g. "sct-verified".
        points: what it speaks for.
        strength: proof decides alone, strong with company, weak never decides.
        text: one sentence for a person.
        details: JSON-ready values for a program.

    """

    id: str
    points: Points
    strength: Strength
    text: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cause:
    """A fact about one party that makes, or would make, a handshake fail."""

    id: str
    party: Party
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class Interceptor:
    """Who stands in between, as far as the evidence tells."""

    product: str | None
    engine: str | None
    category: str | None
    issuer: str
    issuer_spki_sha256: str | None


@dataclass(frozen=True, slots=True)
class Judgement(Recorded):
    """The verdict over one observation, with its proof.

    Attributes:
        verdict: see docs/explanation/verdicts.md.
        sanctioned: the policy names this interceptor's key and lets it decrypt this host.
        decided_by: the row of the verdict table that decided.
        evidence: all findings, the deciding ones first.
        causes: what is wrong with the handshake or the certificates, apart from interception.
        explanation: what the verdict leaves open, or rests on, in a sentence; may be empty.
        next_step: what decides it or mends it; may be empty.

    """

    observation: Observation
    verdict: VerdictName
    summary: str
    decided_by: str
    evidence: tuple[Evidence, ...]
    sanctioned: bool = False
    interceptor: Interceptor | None = None
    causes: tuple[Cause, ...] = ()
    explanation: str = ""
    next_step: str = ""
