"""One TLS attempt through the proxy, in either direction, and what it says.

A class is about one attempt alone. Whether a refused certificate means that the host is pinned, or that the
client lacks the proxy's CA, only many attempts can tell; see learning.py.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

import msgspec

from detector.model.alerts import AlertContext, Side, meanings

AttemptClass = Literal[
    "trusted",  # the client took our certificate and spoke
    "not-http",  # it took our certificate and spoke something that is no HTTP
    "refused",  # the client said that it does not take our certificate
    "refused-silently",  # it made the handshake and hung up at once without a word
    "hung-up",  # it left in the middle of the handshake
    "client-version",  # client and proxy share no version or suite
    "upstream-mtls",  # the server wants a certificate from the client
    "upstream-version",  # server and proxy share no version or suite
    "upstream-certificate-invalid",  # the server's certificate does not verify
    "upstream-not-tls",  # the server speaks something else
    "quic",  # QUIC failed, and its texts do not say why
    "glitch",  # a connection that went away
]
# What each class asks of whom; letting the host through is one remedy of several.
REMEDIES: dict[AttemptClass, str] = {
    "trusted": "nothing",
    "not-http": "nothing: mitmproxy relays it as TCP; tcp_hosts keeps it from being taken for HTTP",
    "refused": "install the proxy's CA on the client, or let the host through if the app pins its keys",
    "refused-silently": "install the proxy's CA on the client, or let the host through if the app pins",
    "hung-up": "nothing while it is rare; then as for a refusal",
    "client-version": "set tls_version_client_min lower, or update the client",
    "upstream-mtls": "give mitmproxy the certificate with client_certs, or let the host through",
    "upstream-version": "set tls_version_server_min lower for this server, or let the host through",
    "upstream-certificate-invalid": "the server's owner renews it; letting it through would only hide it",
    "upstream-not-tls": "the server's owner looks at the port; add the host to tcp_hosts",
    "quic": "block UDP port 443, so that clients fall back to TCP",
    "glitch": "nothing: networks do that",
}

# Causes that a version or a suite would mend.
_DISAGREEMENTS = frozenset(("version-mismatch", "no-shared-cipher", "weak-cipher-only"))
# Causes that blame what the server showed.
_CERTIFICATES = frozenset((
    "untrusted-root", "certificate-pinned", "certificate-expired", "certificate-revoked", "wrong-usage",
    "must-staple-missing",
))  # fmt: skip
# Endings of mitmproxy's texts; OpenSSL's own wording before them changes with its version.
_REFUSED = re.compile(
    r"(?:unknown ca|bad certificate|certificate unknown|unsupported certificate"
    r"|certificate revoked|certificate expired|does not trust the proxy's certificate)",
    re.IGNORECASE,
)
_MTLS = re.compile(
    r"certificate required|handshake failure|bad certificate|connection closed|closed connection",
    re.IGNORECASE,
)
# How aioquic words a refusal: the reason phrase of CONNECTION_CLOSE, in the client library's own words.
_QUIC_REFUSED = re.compile(
    r"certificate|unknown ca|CERT_|issuer|self.signed|bad_certificate|unknown_ca", re.IGNORECASE
)
# curl's pin failure, GnuTLS and Node hang up within milliseconds; a slow page does not.
QUIET_MS = 250.0


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Plain data, one line of a log.

    Attributes:
        side: whose TLS it was: "client" towards us, "server" from us on.
        host: SNI, else the name or address that was asked for.
        client: the client's address.
        address: of the server, as far as it was known by then.
        outcome: "accepted": data came; "quiet": the handshake was done, and nothing came; "failed".
        alert: description of the alert that ended it, `alert_by` who sent it.
        error: mitmproxy's text.
        ms: from the end of the handshake to the end of the connection, or of the handshake itself where it
            failed.
        asked_certificate: the server asked for a client certificate.
        quic: the handshake was QUIC's.
        plain: what came first after the handshake was no HTTP.
        ech: the hello carried an encrypted one, or made-up bytes in its place (browsers do that).
        bound: the proxy itself found `address` to be one of the host's; False: it is another's, None: nobody
            could tell. The name alone is what the client says. Earlier versions did not ask.
        user: who logged in to the proxy, where that tells one person from another.
        via: the gateway that said so; None: this machine's own proxy.

    """

    at: datetime
    side: Literal["client", "server"]
    host: str
    port: int
    client: str
    outcome: Literal["accepted", "quiet", "failed"]
    address: str | None = None
    ja4: str | None = None
    alert: int | None = None
    alert_by: Literal["client", "server", "proxy"] | None = None
    error: str = ""
    ms: float = 0.0
    asked_certificate: bool = False
    quic: bool = False
    plain: bool = False
    ech: bool = False
    bound: bool | None = None
    user: str | None = None
    via: str | None = None


def classify(attempt: Attempt) -> AttemptClass:
    """What one attempt says."""
    if attempt.outcome == "accepted":
        return "not-http" if attempt.plain else "trusted"
    return _client(attempt) if attempt.side == "client" else _server(attempt)


def _client(attempt: Attempt) -> AttemptClass:
    cause = _complaint(attempt, "server")
    if cause in _CERTIFICATES and attempt.alert_by != "proxy":
        return "refused"
    if attempt.outcome == "quiet":
        return "refused-silently" if attempt.ms <= QUIET_MS else "glitch"
    text = attempt.error
    if attempt.quic:
        return "refused" if _QUIC_REFUSED.search(text) else "quic"
    if cause in _DISAGREEMENTS or "cannot agree on a TLS version" in text:
        return "client-version"
    if "may indicate that the client does not trust" in text or text.endswith("connection closed"):
        return "hung-up"
    return "refused" if _REFUSED.search(text) else "glitch"


def _server(attempt: Attempt) -> AttemptClass:
    text = attempt.error
    if "Certificate verify failed" in text or "certificate verify failed" in text:
        return "upstream-certificate-invalid"
    cause = _complaint(attempt, "client")
    if cause == "client-certificate-required" or "certificate required" in text:
        return "upstream-mtls"
    if attempt.asked_certificate and _MTLS.search(text):
        return "upstream-mtls"
    if cause in _DISAGREEMENTS or "cannot agree on a TLS version" in text:
        return "upstream-version"
    return "upstream-not-tls" if "does not speak TLS" in text else "glitch"


def _complaint(attempt: Attempt, receiver: Side) -> str | None:
    """The likeliest cause of the alert that ended it, None where none did."""
    if attempt.alert is None:
        return None
    # The proxy shows no certificate of its own unless it is told to; then nothing is known.
    asked = attempt.asked_certificate or None
    return meanings(attempt.alert, receiver, AlertContext(asked=asked))[0].cause
