"""The words in which a program says why, into cause, complainant and alert.

Theory of operation
-------------------
A program that writes logs is mostly a server: what its library says of a peer is about a client, and means
something else than the same words in a client. Those few are in a table here; for everything else `explain`
knows, told which side wrote it. Words repeat, so answers are remembered, a bounded number of them.
"""

from __future__ import annotations

import re

import msgspec

from detector.logs.event import Complainant
from detector.messages.alerts import alerts_in
from detector.messages.explaining import explain
from detector.messages.table import ErrorTable

_ROOM = 4096
# OpenSSL's packed error without its words: Squid's err_detail, HAProxy's ssl_fc_err.
_PACKED = re.compile(r"TLS_LIB_ERR=([0-9A-Fa-f]{6,8})")
MAX_REASON = 400


class Reason(msgspec.Struct, frozen=True):
    cause: str
    complainant: Complainant | None
    alert: int | None = None
    noise: bool = False


# Words, cause, who complains, noise. The first that is found counts.
_SERVERS: tuple[tuple[tuple[str, ...], str, Complainant | None, bool], ...] = (
    (
        ("http request", "HTTP spoken on HTTPS", "plain HTTP", "HTTP request to an HTTPS",
         "https proxy request", "Unsupported or unrecognized SSL message", "not an SSL/TLS record",
         "does not look like a TLS", "wrong version number", "unknown protocol", "packet length too long",
         "bad packet length", "SSLv2", "unsupported record version", "record header",
         "received with unexpected version", "invalid length of startup"),
        "not-tls", "server", True,
    ),
    (
        ("peer did not return a certificate", "didn't provide a certificate", "did not return a valid cert",
         "No client certificate presented", "Empty (?:client|server) certificate chain",
         "no required SSL certificate", "certificate required", "null cert chain"),
        "client-certificate-required", "server", False,
    ),
    (
        ("client certificate not trusted", "certificate verify failed", "failed to verify client",
         "PKIX path", "invalid SSL certificate", "client SSL certificate verify error", "VERIFY ERROR"),
        "client-certificate-rejected", "server", False,
    ),
    (
        ("no suitable signature algorithm", "unsupported protocol", "version too low",
         "only unsupported versions", "not accepted by server preferences", "Client requested protocol"),
        "version-mismatch", "server", False,
    ),
    (
        ("no shared cipher", "no cipher suites? (?:in common|supported)", "no ciphers? in common",
         "Could not negotiate a supported cipher", "no supported cipher"),
        "no-shared-cipher", "server", False,
    ),
    # OpenSSL's clients say no in clear where a TLS 1.3 server already reads with keys: to Go that is a bad
    # record, to Java a record of two bytes, to GnuTLS one that does not decrypt. What they say cannot be
    # read; most often it is unknown_ca.
    (
        (r"local error: tls: bad record MAC", r"AEAD cipher fragment \(2\)", "Decryption has failed"),
        "untrusted-root", "client", False,
    ),
    # GnuTLS's words for the alerts that it received.
    (("CA is unknown", "Certificate is bad", "Unknown certificate"), "untrusted-root", "client", False),
    ((r"Certificate (?:is|was|has|has been) expired",), "certificate-expired", "client", False),
    (("Certificate was revoked",), "certificate-revoked", "client", False),
    (("Error in protocol version",), "version-mismatch", "client", False),
    (("no application protocol", "unsupported application protocols"), "alpn-mismatch", "server", False),
    (
        ("callback failed", "clienthello tlsext", "unrecognized name", "no certificate (?:available|found)",
         "filter_chain_not_found"),
        "sni-unrecognized", "server", False,
    ),
    (
        ("reset by peer", "Connection reset", "ECONNRESET", "Broken pipe"),
        "connection-reset", None, False,
    ),
    (("timed? ?out", "Timeout"), "silent-drop", None, False),
    (
        ("unexpected eof", r"\bEOF\b", "end of file", "closed connection", "peer closed", "lost connection",
         "connection (?:was )?closed", "terminated the handshake", "shut down incorrectly",
         "socket hang up", "suddenly disconnected", "disconnected during"),
        "closed-during-handshake", None, False,
    ),
)  # fmt: skip
# What a client says of a server is `explain`'s business, but for the ends that nobody explains.
_ENDS = ("connection-reset", "silent-drop", "closed-during-handshake")
_TABLE: tuple[tuple[re.Pattern[str], str, Complainant | None, bool], ...] = tuple(
    (re.compile("|".join(words), re.IGNORECASE), cause, who, noise)
    for words, cause, who, noise in _SERVERS
)
_CLIENTS = tuple(row for row in _TABLE if row[1] in _ENDS)


class Reasons:
    """Remembers what each wording means.

    Args:
        table: what is known of error texts.

    """

    def __init__(self, table: ErrorTable) -> None:
        self._table = table
        self._made: dict[tuple[str, bool], Reason] = {}

    def of(self, words: str, *, upstream: bool = False) -> Reason:
        """What the words mean, said by a server, or by a client where `upstream`."""
        key = words[:MAX_REASON], upstream
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= _ROOM:
                self._made.clear()
            found = self._made[key] = self._make(*key)
        return found

    def _make(self, words: str, upstream: bool) -> Reason:
        if "TLS_error" in words or "OPENSSL_internal" in words:
            words = words.replace("_", " ")  # Envoy's way to keep a field in one word
        words = self._spelled_out(words)
        alert = next((number for number, _, _ in alerts_in(words, self._table.spellings)), None)
        us: Complainant = "client" if upstream else "server"
        them: Complainant = "server" if upstream else "client"
        if alert is None:
            for expression, cause, who, noise in _CLIENTS if upstream else _TABLE:
                if expression.search(words):
                    return Reason(cause, who, None, noise)
        found = explain(words, self._table, "client" if upstream else "server")
        cause = found[0].cause.id if found else "other-alert"
        return Reason(cause, them if alert is not None else us, alert)

    def _spelled_out(self, words: str) -> str:
        """An error that is only a number, in OpenSSL's words."""
        found = _PACKED.search(words)
        if found is None:
            return words
        reason = int(found[1], 16) & 0x7FFFFF
        if reason >= 1000:
            return f"{words} alert number {reason - 1000}"
        rows = (row for row in self._table.texts if row.family == "OpenSSL handshake")
        text = next((row.text for row in rows if row.code == str(reason)), "")
        return f"{words} {text}"
