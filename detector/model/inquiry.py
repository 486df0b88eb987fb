"""What was tried to find out why a handshake fails, and what was concluded: plain, frozen, free of I/O.

Beside `detector.model.observation` because `check` needs none of it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from detector.model.observation import Judgement, Observation, Party, Severity
from detector.model.recorded import Recorded

Outcome = Literal[
    "answered", "alert", "reset", "closed", "silent", "not-tls", "malformed", "unreachable"
]
StepName = Literal[
    "dns", "tcp", "proxy", "client-hello", "server-hello", "certificate", "key-exchange",
    "finished", "application",
]  # fmt: skip


class Trial(msgspec.Struct, frozen=True):
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
        scts: list of SCTs in the TLS extension, beside those in the certificate (RFC 6962 section 3.3).
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
    scts: bytes | None = None
    messages: tuple[tuple[int, bytes], ...] = ()
    sent: bytes = b""
    ms: tuple[float, float] = (0.0, 0.0)

    @property
    def answered(self) -> bool:
        return self.outcome == "answered"


class Application(msgspec.Struct, frozen=True):
    """What came over the connection once the handshake was done.

    Attributes:
        outcome: "answered" is data, "quiet" nothing within the time that was given.
        data: its first bytes; of HTTP/2 its status and header fields, as lines.
        alert: description of a fatal alert that came instead, None where it is encrypted.
        anew: the server began another handshake within this one, as to ask for a client certificate once it knows
            what is wanted (TLS 1.2 and before).
        wants_http11: it wants to be asked in HTTP/1.1 instead of HTTP/2.

    """

    outcome: Literal["answered", "quiet", "alert", "closed", "reset"]
    data: bytes = b""
    alert: int | None = None
    ms: float = 0.0
    anew: bool = False
    wants_http11: bool = False


class Lookup(msgspec.Struct, frozen=True):
    """Something that was fetched to find out more: an issuer, a CRL, an OCSP response.

    Attributes:
        kind: "issuer", "ocsp" or "crl".
        body: what came; empty where nothing usable did, and `problem` says why.
        refused: nobody was asked, because the address leads where the peer has no business.

    """

    kind: Literal["issuer", "ocsp", "crl"]
    url: str
    body: bytes = b""
    problem: str = ""
    refused: bool = False


class ServedSuites(msgspec.Struct, frozen=True):
    """Cipher suites that a server agrees to under one version, in the order in which it chose them.

    `server_prefers`: the order is the server's own; it chose the same whatever came first in the hello.
    """

    version: int
    suites: tuple[int, ...]
    server_prefers: bool


class Inquiry(msgspec.Struct, frozen=True):
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
        unfinished: what the time for one target did not suffice for: handshake, trials, addresses,
            resumption, past-the-proxy, lookups, suites.

    """

    observation: Observation
    trials: dict[str, Trial] = msgspec.field(default_factory=dict)
    addresses: dict[str, Trial] = msgspec.field(default_factory=dict)
    direct: Trial | None = None
    application: Application | None = None
    resumption: Literal["resumed", "full", "failed"] | None = None
    client_certificate: bool = False
    lookups: tuple[Lookup, ...] = ()
    suites: tuple[ServedSuites, ...] = ()
    unfinished: tuple[str, ...] = ()


class Fix(msgspec.Struct, frozen=True):
    """What one party does about a cause. `config` has lines by program: nginx, apache, ..."""

    party: Party
    text: str
    config: dict[str, str]


class FoundCause(msgspec.Struct, frozen=True):
    """A cause with what proves it, what mends it, and what would confirm it.

    Attributes:
        confirm: a command for a POSIX shell that asks the same question.
        shows: what to see there where the cause holds, as a sentence without its end.

    """

    id: str
    party: Party
    severity: Severity
    text: str
    evidence: tuple[str, ...]
    fix: tuple[Fix, ...]
    references: tuple[str, ...]
    confirm: str
    shows: str = ""


class Step(msgspec.Struct, frozen=True):
    """One rung of the handshake's ladder."""

    step: StepName
    status: Literal["ok", "failed", "skipped"]
    ms: float | None
    text: str


class Diagnosis(Recorded, msgspec.Struct, frozen=True):
    """Why a handshake fails, or that it does not.

    Attributes:
        steps: every rung in order.
        causes: what is wrong, the one to mend first in front.
        flips: pairs of hellos that differ in one thing and end differently, as sentences.
        judgement: who answered; see `Judgement`.
        repaired: the chain that the server should send: leaf and intermediates (DER), verified; empty
            where nothing is to be mended or could be fetched.

    """

    inquiry: Inquiry
    steps: tuple[Step, ...]
    causes: tuple[FoundCause, ...]
    flips: tuple[str, ...]
    judgement: Judgement
    repaired: tuple[bytes, ...] = ()

    @property
    def refused(self) -> tuple[str, ...]:
        """Addresses that certificates name and that were not asked, and why, as sentences."""
        return tuple(one.problem for one in self.inquiry.lookups if one.refused)

    @property
    def healthy(self) -> bool:
        return all(cause.severity != "error" for cause in self.causes)
