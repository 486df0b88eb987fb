"""The values everything else passes around: plain, frozen, free of I/O.

An `Observation` is what was seen; it can be saved, sent, and judged again elsewhere. A `Judgement`
is what was concluded, with the `Evidence` that decided it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

VerdictName = Literal["direct", "consistent", "private", "suspect", "intercepted", "inconclusive"]
Points = Literal["intercepted", "direct", "neutral"]
Strength = Literal["proof", "strong", "weak"]
RouteKind = Literal["direct", "http-connect", "socks5"]
Party = Literal["client", "server", "network"]
Severity = Literal["error", "warning", "note"]

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

    """

    host: str
    port: int = 443
    ip: str | None = None
    sni: str | None = None
    starttls: str | None = None
    pinned_address: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """How we went there. `proxy` is host:port, never with credentials."""

    kind: RouteKind = "direct"
    proxy: str | None = None


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
class Failure:
    """Why no handshake was completed.

    Attributes:
        step: dns, tcp, proxy, starttls or tls.
        cause: cause id.
        text: one line for a person.

    """

    step: str
    cause: str
    text: str


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
class Observation:
    """Everything one probe saw.

    Attributes:
        at: aware UTC time of the probe.
        chain: DER certificates in the order they were sent, leaf first.
        client_bytes, server_bytes: what each side put on the wire, up to 64 KiB of the TLS part.
        ocsp: stapled OCSP response (DER) when the server gave one in clear.
        ms: milliseconds per step: dns, connect, proxy, starttls, tls.
        inclusion: proofs that public logs hold the leaf.

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


Outcome = Literal[
    "answered", "alert", "reset", "closed", "silent", "not-tls", "malformed", "unreachable"
]
StepName = Literal[
    "dns", "tcp", "proxy", "client-hello", "server-hello", "certificate", "key-exchange",
    "finished", "application",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """How a peer took one ClientHello of our own.

    Attributes:
        offer: which hello it was.
        outcome: "answered" is a ServerHello or HelloRetryRequest; the others are how it ended.
        size: bytes of the hello's message.
        alert: description of the alert that was received.
        version, cipher, group, scheme: code points that the server chose.
        retry: it asked for another key share (`group`).
        authorities: names (DER) of CAs for a client certificate, None where none was asked for.
        dh_bits: size of the Diffie-Hellman prime.
        renegotiation: secure renegotiation was confirmed (TLS 1.2 and before).
        messages: (type, body) of the server's handshake messages, decrypted where TLS 1.3 hides them.
        sent: the ClientHello's message.
        scts: SCTs came in the handshake, beside those in the certificate (RFC 6962 section 3.3).
        ms: to the server's first byte, and to the end of its flight.

    """

    offer: str
    outcome: Outcome
    text: str = ""
    size: int = 0
    alert: int | None = None
    version: int | None = None
    cipher: int | None = None
    group: int | None = None
    scheme: int | None = None
    alpn: str | None = None
    retry: bool = False
    chain: tuple[bytes, ...] = ()
    ocsp: bytes | None = None
    authorities: tuple[bytes, ...] | None = None
    dh_bits: int | None = None
    renegotiation: bool = False
    scts: bool = False
    messages: tuple[tuple[int, bytes], ...] = ()
    sent: bytes = b""
    ms: tuple[float, float] = (0.0, 0.0)

    @property
    def answered(self) -> bool:
        return self.outcome == "answered"


@dataclass(frozen=True, slots=True)
class Application:
    """What came over the connection once the handshake was done.

    Attributes:
        outcome: "answered" is data, "quiet" nothing within the time that was given.
        data: its first bytes.
        alert: description of a fatal alert that came instead.

    """

    outcome: Literal["answered", "quiet", "alert", "closed", "reset"]
    data: bytes = b""
    alert: int | None = None
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Lookup:
    """Something that was fetched to find out more: an issuer, a CRL, an OCSP response.

    Attributes:
        kind: "issuer", "ocsp" or "crl".
        body: what came; empty where nothing usable did, and `problem` says why.

    """

    kind: Literal["issuer", "ocsp", "crl"]
    url: str
    body: bytes = b""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ServedSuites:
    """Cipher suites that a server agrees to under one version, in the order in which it chose them.

    `server_prefers`: the order is the server's own; it chose the same whatever came first in the hello.
    """

    version: int
    suites: tuple[int, ...]
    server_prefers: bool


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Everything that was tried to find out why a handshake fails: one full handshake, as a lenient
    client does it, and many hellos that differ in one thing each.

    Attributes:
        observation: the full handshake.
        trials: by the offer's id.
        addresses: how each address of the name took the plain hello.
        direct: the plain hello without the proxy.
        application: what came afterwards, None where the handshake was not done.
        resumption: how resuming the session went, None where there was none to resume.
        client_certificate: one was at hand and would have been sent.
        lookups: what was fetched.
        suites: what is served under each version, where that was asked for.

    """

    observation: Observation
    trials: dict[str, Trial] = field(default_factory=dict)
    addresses: dict[str, Trial] = field(default_factory=dict)
    direct: Trial | None = None
    application: Application | None = None
    resumption: Literal["resumed", "full", "failed"] | None = None
    client_certificate: bool = False
    lookups: tuple[Lookup, ...] = ()
    suites: tuple[ServedSuites, ...] = ()


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
class Fix:
    """What one party does about a cause. `config` has lines by program: nginx, apache, ..."""

    party: Party
    text: str
    config: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundCause:
    """A cause with what proves it, what mends it, and what would confirm it."""

    id: str
    party: Party
    severity: Severity
    text: str
    evidence: tuple[str, ...]
    fix: tuple[Fix, ...]
    references: tuple[str, ...]
    confirm: str


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the handshake's ladder."""

    step: StepName
    status: Literal["ok", "failed", "skipped"]
    ms: float | None
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
class Judgement:
    """The verdict over one observation, with its proof.

    Attributes:
        verdict: see docs/explanation/verdicts.md.
        sanctioned: the policy names this interceptor's key and lets it decrypt this host.
        decided_by: the row of the verdict table that decided.
        evidence: all findings, the deciding ones first.
        causes: what is wrong with the handshake or the certificates, apart from interception.

    """

    observation: Observation
    verdict: VerdictName
    summary: str
    decided_by: str
    evidence: tuple[Evidence, ...]
    sanctioned: bool = False
    interceptor: Interceptor | None = None
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a handshake fails, or that it does not.

    Attributes:
        steps: every rung in order.
        causes: what is wrong, the one to mend first in front.
        flips: pairs of hellos that differ in one thing and end differently, as sentences.
        judgement: who answered; see `Judgement`.

    """

    inquiry: Inquiry
    steps: tuple[Step, ...]
    causes: tuple[FoundCause, ...]
    flips: tuple[str, ...]
    judgement: Judgement

    @property
    def healthy(self) -> bool:
        return all(cause.severity != "error" for cause in self.causes)
