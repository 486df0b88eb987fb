"""Why one captured connection failed: one cause, said as `diagnose` says it.

Theory of operation
-------------------
The table follows the handshake: what did not even begin, who did not answer, who said no to the hello, who
said no to the certificate, who said no afterwards. An alert's meaning depends on who sent it and on what was
shown before: where the certificates are readable, they say why the client said no; where they are not, the
alert's number says it; where that is encrypted too, only the step is certain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from detector.capture.connection import Connection, SeenAlert
from detector.causes.rules import PARTIES
from detector.explain.table import AlertMeaning
from detector.model import Cause, Party
from detector.wire import greeting
from detector.wire import registry as r
from detector.wire.alerts import alert_name
from detector.wire.suites import suite_name, weak_family

# Alerts by which a client says no to what the server showed (RFC 8446 section 6.2).
_OF_CERTIFICATES = frozenset((42, 43, 44, 45, 46, 48, 51, 113))
_LARGE = 1300
_ENOUGH = 1.0
_STEPS = {
    "connection-timeout": "tcp", "connection-refused": "tcp", "proxy-refused": "proxy",
    "proxy-auth-required": "proxy",
}  # fmt: skip


def step_of(cause: str) -> str:
    """dns, tcp, proxy or tls."""
    return _STEPS.get(cause, "tls")


def blame(
    c: Connection,
    alerts: Mapping[int, AlertMeaning],
    certificate_causes: Callable[[], tuple[Cause, ...]],
) -> Cause | None:
    """The cause, None for a connection that did not fail or whose end the capture does not show.

    Args:
        c: the connection.
        alerts: what alerts mean by who received them.
        certificate_causes: what is wrong with the certificates that were shown, asked when it matters.

    """
    for rule in (_unopened, _proxied, _not_offered, _unanswered, _refused_hello):
        found = rule(c)
        if found is not None:
            return _cause(*found)
    if c.hello is None or (c.reached in ("nothing", "unseen") and c.answer is None):
        return None
    fatal = c.fatal
    if fatal is not None and fatal.sender == "server":
        return _server_said_no(c, fatal, alerts)
    if c.answer is None:
        return None
    if fatal is not None:
        return _client_said_no(c, fatal, alerts, certificate_causes())
    return None if c.completed else _hung_up(c, certificate_causes())


_Said = tuple[str, str, Party | None]


def _unopened(c: Connection) -> _Said | None:
    if c.refused:
        return "connection-refused", "The server's machine refuses the connection.", "server"
    if c.opened == "syn" and c.reached == "nothing" and not c.sent and c.how == "open":
        return "connection-timeout", "The connection is never taken: no answer to SYN.", None
    return None


def _proxied(c: Connection) -> _Said | None:
    before = c.preamble
    if before is None or before.status is None or c.hello is not None:
        return None
    what = f"The proxy refuses a tunnel to {before.target}: {before.status}."
    if before.kind == "http-connect" and before.status == 407:
        return "proxy-auth-required", f"The proxy wants a password for {before.target}.", None
    if (before.kind == "http-connect" and before.status >= 300) or (
        before.kind == "socks5" and before.status
    ):
        return "proxy-refused", what, None
    return None


def _not_offered(c: Connection) -> _Said | None:
    """The client speaks no TLS to a server that does."""
    if c.hello is not None or not c.sent or c.reached != "alert":
        return None
    return "not-tls", "The client speaks no TLS to a TLS server.", "client"


def _unanswered(c: Connection) -> _Said | None:
    if c.hello is None or c.reached != "nothing":
        return None
    if c.closed_by == "middlebox":
        return (
            "connection-reset",
            "Somebody on the way resets the connection after the ClientHello.",
            None,
        )
    if c.closed_by == "server":
        if c.how == "rst":
            return (
                "connection-reset",
                "The server resets the connection after the ClientHello.",
                None,
            )
        return "closed-during-handshake", "The server closes after the ClientHello.", None
    if c.closed_by is None and c.last - c.first < _ENOUGH:
        return None  # the capture ended too soon to tell
    if c.hello_lost and c.hello_size > _LARGE:
        text = f"A ClientHello of {c.hello_size} bytes is sent again and again and never arrives."
        return "large-hello-dropped", text, None
    return "silent-drop", "The connection stands, and nothing answers the ClientHello.", None


def _refused_hello(c: Connection) -> _Said | None:
    """What the server's first bytes, or its choice, say by themselves."""
    if c.hello is None:
        return None
    if c.reached == "other":
        spoke = greeting.spoken(c.plain)
        if greeting.is_portal(spoke):
            text = f"{spoke.banner!r} answers in clear on the TLS port."
            return "captive-portal", text, None
        return "not-tls", f"What answers is no TLS: {greeting.described(spoke)}.", None
    if c.reached == "hello" and c.answer is None and c.error:
        return "malformed-handshake", f"The server's handshake makes no sense: {c.error}.", "server"
    answer = c.answer
    if answer is None or c.completed:
        return None
    if answer.version < 0x0303 and c.fatal is not None and c.fatal.sender == "client":
        spoken = r.version_text(answer.version)
        if answer.version not in c.hello.versions or c.fatal.code in (70, 40, 47, 80, 86, 71):
            return (
                "version-mismatch",
                f"The server answers with {spoken}, which the client does not take.",
                "server",
            )
    if c.fatal is not None and c.fatal.sender == "client" and c.fatal.code not in _OF_CERTIFICATES:
        if weak_family(answer.cipher) is not None:
            return "weak-cipher-only", f"The server chose {suite_name(answer.cipher)}.", "server"
        if c.dh_bits is not None and c.dh_bits < 2048:
            return "weak-key", f"The Diffie-Hellman prime has {c.dh_bits} bits.", "server"
        if not answer.renegotiation and answer.version < 0x0304 and c.fatal.code == 40:
            return (
                "legacy-renegotiation",
                "The server has no secure renegotiation; the client insists on it.",
                "server",
            )
    return None


def _server_said_no(
    c: Connection, alert: SeenAlert, alerts: Mapping[int, AlertMeaning]
) -> Cause | None:
    assert c.hello is not None
    code = alert.code
    asked = c.authorities is not None
    if code is None:
        text = "The server sends an encrypted alert right after the client's Finished"
        if c.client_certificate:
            return _cause(
                "client-certificate-rejected", f"{text}: it rejects the client's certificate.", None
            )
        return _cause(
            "client-certificate-required", f"{text}: most likely it wanted a certificate.", None
        )
    named = f"{alert_name(code)} ({code})"
    if code == 116 or (asked and code in (40, 42, 46, 48, 80) and not c.client_certificate):
        return _cause("client-certificate-required",
                      f"The server wants a certificate from the client; without one it sends {named}.", None)  # fmt: skip
    if (asked or c.answer is not None) and code in (40, *_OF_CERTIFICATES, 49):
        return _cause("client-certificate-rejected",
                      f"The server rejects the client's certificate: {named}.", None)  # fmt: skip
    meaning = alerts.get(code)
    cause = (
        meaning.by_client[0].cause if meaning is not None and meaning.by_client else "other-alert"
    )
    if code in (40, 71) and c.hello.highest < 0x0303:
        cause = "version-mismatch"
    if code == 70 and c.hello.highest < 0x0303:
        text = f"The client offers nothing later than {r.version_text(c.hello.highest)}; the server sends {named}."
        return _cause("version-mismatch", text, "client")
    if cause == "sni-unrecognized":
        return _cause(cause, f"The server does not know the name {c.sni}: {named}.", None)
    return _cause(cause, f"The server refuses the ClientHello: {named}.", None)


def _client_said_no(
    c: Connection,
    alert: SeenAlert,
    alerts: Mapping[int, AlertMeaning],
    seen: tuple[Cause, ...],
) -> Cause | None:
    worst = next((cause for cause in seen if cause.severity == "error"), None)
    if alert.code is None:
        said = (
            "The client ends the handshake with an encrypted alert right after the server's flight"
        )
        if worst is not None:
            return Cause(worst.id, worst.party, "error", f"{said}: {worst.text}")
        return _cause("other-alert", f"{said}: most likely it rejects the certificate.", "client")
    named = f"{alert_name(alert.code)} ({alert.code})"
    if alert.code in _OF_CERTIFICATES or alert.code == 80:
        if worst is not None:
            return Cause(worst.id, worst.party, "error", f"The client sends {named}: {worst.text}")
        if c.chain and alert.code in (42, 46, 48):
            text = f"The client sends {named}, yet nothing is wrong with the certificates: it pins another key, or lacks the root."
            return _cause(
                "client-lacks-ca" if alert.code == 48 else "certificate-pinned", text, "client"
            )
    meaning = alerts.get(alert.code)
    cause = (
        meaning.by_server[0].cause if meaning is not None and meaning.by_server else "other-alert"
    )
    return _cause(cause, f"The client rejects what the server showed: {named}.", None)


def _hung_up(c: Connection, seen: tuple[Cause, ...]) -> Cause | None:
    """No alert, no end: somebody closed in the middle."""
    if c.closed_by is None:
        return None
    worst = next((cause for cause in seen if cause.severity == "error"), None)
    after = (
        "after the server's certificate"
        if c.chain or c.reached == "data"
        else "after the ServerHello"
    )
    if c.closed_by == "client":
        if worst is not None:
            return Cause(
                worst.id, worst.party, "error", f"The client hangs up {after}: {worst.text}"
            )
        return _cause(
            "closed-during-handshake", f"The client hangs up {after}, without a word.", "client"
        )
    if c.authorities is not None and not c.client_certificate:
        return _cause(
            "client-certificate-required",
            "The server asks for a certificate and closes when none comes.",
            None,
        )
    if c.how == "rst":
        who = "Somebody on the way" if c.closed_by == "middlebox" else "The server"
        return _cause("connection-reset", f"{who} resets the connection {after}.", None)
    return _cause("closed-during-handshake", f"The server closes {after}.", None)


def _cause(name: str, text: str, party: Party | None) -> Cause:
    return Cause(name, party or PARTIES.get(name, "server"), "error", text)
