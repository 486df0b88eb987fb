"""One TLS attempt through the proxy, in either direction, and what it says.

A class is about one attempt alone. Whether a refused certificate means that the host is pinned, or that the
client lacks the proxy's CA, only many attempts can tell; see learning.py.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

import msgspec

AttemptClass = Literal[
    "trusted",  # the client took our certificate and spoke
    "refused",  # the client said that it does not take our certificate
    "refused-silently",  # it made the handshake and hung up at once without a word
    "hung-up",  # it left in the middle of the handshake
    "client-version",  # client and proxy share no version or suite
    "upstream-mtls",  # the server wants a certificate from the client
    "upstream-version",  # server and proxy share no version or suite
    "upstream-certificate-invalid",  # the server's certificate does not verify
    "upstream-not-tls",  # the server speaks something else
    "glitch",  # a connection that went away
]

# Alerts by which a client refuses a certificate (RFC 8446 section 6.2).
_REFUSALS = frozenset((42, 43, 44, 45, 46, 48, 113))
_VERSIONS = frozenset((40, 70, 71, 86))
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
# curl's pin failure, GnuTLS and Node hang up within milliseconds; a slow page does not.
QUIET_MS = 250.0


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Plain data, one line of a log.

    Attributes:
        side: whose TLS it was: "client" towards us, "server" from us on.
        host: SNI, else the name or address that was asked for.
        client: the client's address.
        outcome: "accepted": data came; "quiet": the handshake was done, and nothing came; "failed".
        alert: description of the alert that ended it, `alert_by` who sent it.
        error: mitmproxy's text.
        ms: from the end of the handshake to the end of the connection, or of the handshake itself where it
            failed.
        asked_certificate: the server asked for a client certificate.

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


def classify(attempt: Attempt) -> AttemptClass:
    """What one attempt says."""
    if attempt.outcome == "accepted":
        return "trusted"
    return _client(attempt) if attempt.side == "client" else _server(attempt)


def _client(attempt: Attempt) -> AttemptClass:
    if attempt.alert in _REFUSALS and attempt.alert_by != "proxy":
        return "refused"
    if attempt.outcome == "quiet":
        return "refused-silently" if attempt.ms <= QUIET_MS else "glitch"
    text = attempt.error
    if attempt.alert in _VERSIONS or "cannot agree on a TLS version" in text:
        return "client-version"
    if "may indicate that the client does not trust" in text or text.endswith("connection closed"):
        return "hung-up"
    return "refused" if _REFUSED.search(text) else "glitch"


def _server(attempt: Attempt) -> AttemptClass:
    text = attempt.error
    if "Certificate verify failed" in text or "certificate verify failed" in text:
        return "upstream-certificate-invalid"
    if attempt.asked_certificate and (attempt.alert in (40, 42, 46, 48, 116) or _MTLS.search(text)):
        return "upstream-mtls"
    if "certificate required" in text:
        return "upstream-mtls"
    if attempt.alert in _VERSIONS or "cannot agree on a TLS version" in text:
        return "upstream-version"
    return "upstream-not-tls" if "does not speak TLS" in text else "glitch"
