"""What is wrong with a handshake or its certificates, apart from interception: cause ids."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.model import Cause, Judgement, Observation, Party

# Who has to act for each step's failure; certificate causes are the server's.
_PARTY: dict[str, Party] = {
    "dns-failure": "network",
    "connection-refused": "server",
    "connection-timeout": "network",
    "connection-reset": "network",
    "silent-drop": "network",
    "proxy-refused": "network",
    "proxy-auth-required": "client",
    "captive-portal": "network",
}


def failure_cause(observation: Observation) -> Cause | None:
    """The failure that the probe recorded, as a cause."""
    failure = observation.failure
    if failure is None:
        return None
    return Cause(failure.cause, _PARTY.get(failure.cause, "server"), "error", failure.text)


def certificate_causes(seen: Examination, judgement: Judgement) -> tuple[Cause, ...]:
    """Faults that a client would complain about, most serious first."""
    found: list[Cause] = []

    def add(cause: str, text: str, severity: str = "error") -> None:
        found.append(Cause(cause, "server", severity, text))  # type: ignore[arg-type]

    at, leaf = seen.observation.at, seen.leaf
    if judgement.verdict == "intercepted":
        found.append(Cause("tls-intercepted", "network", "error", judgement.summary))
    if at > leaf.not_after:
        add("certificate-expired", f"The certificate expired on {leaf.not_after:%Y-%m-%d}.")
    elif at < leaf.not_before:
        add(
            "certificate-not-yet-valid",
            f"The certificate is valid from {leaf.not_before:%Y-%m-%d}.",
        )
    expired = seen.path.expired(at)
    if expired:
        text = f"{expired[0].subject_text} is out of date."
        add("intermediate-expired", text)
    if not seen.holds_name:
        add("hostname-mismatch", f"The certificate does not name {seen.host}.")
    if seen.path.kind == "self-signed":
        add("self-signed", "The certificate is signed by itself.")
    elif seen.path.kind == "incomplete" and seen.looks_public:
        add(
            "incomplete-chain",
            f"The server does not send {seen.path.certificates[-1].issuer_text}.",
        )
    elif seen.path.kind in ("private", "incomplete"):
        add("untrusted-root", "No public program has the chain's root.")
    if not leaf.may_serve_tls:
        add("wrong-usage", "The certificate is not for servers.")
    if _out_of_order(seen):
        add(
            "chain-out-of-order",
            "The certificates are not sent in the order of signing.",
            "warning",
        )
    return tuple(found)


def _out_of_order(seen: Examination) -> bool:
    """The path's certificates are among those sent, but in another order (RFC 5246 7.4.2)."""
    positions = [seen.sent.index(c) for c in seen.path.certificates if c in seen.sent]
    return positions != sorted(positions)
