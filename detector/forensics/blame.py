"""Why one captured connection failed: one cause, said as `diagnose` says it.

Theory of operation
-------------------
The table follows the handshake: what did not even begin, who did not answer, who said no to the hello, who
said no to the certificate, who said no afterwards. An alert's meaning depends on who sent it and on what was
shown before: where the certificates are readable, they say why the client said no; where they are not, the
alert's number says it; where that is encrypted too, only the step is certain.
"""

from __future__ import annotations

from collections.abc import Callable

from detector.capture.connection import Connection, SeenAlert
from detector.causes.through_proxy import ACTS
from detector.model.alerts import AlertContext, meanings
from detector.model.causes import CauseTable
from detector.model.observation import Cause, Party
from detector.wire import greeting
from detector.wire import registry as r
from detector.wire.alerts import alert_name
from detector.wire.proxy_answer import Meaning, ProxyReply, meaning, socks_meaning
from detector.wire.suites import suite_name, weak_family

# Alerts by which a client says no to what the server showed (RFC 8446 section 6.2).
_OF_CERTIFICATES = frozenset((42, 43, 44, 45, 46, 48, 51, 113))
_LARGE = 1300
_TLS12, _TLS13 = 0x0303, 0x0304
_ENOUGH = 1.0


def blame(
    c: Connection,
    causes: CauseTable,
    certificate_causes: Callable[[], tuple[Cause, ...]],
) -> Cause | None:
    """The cause, None for a connection that did not fail or whose end the capture does not show.

    Args:
        c: the connection.
        causes: who acts on which cause.
        certificate_causes: what is wrong with the certificates that were shown, asked when it matters.

    """
    found = _said(c, certificate_causes)
    if found is None:
        return None
    name, text, party = found
    return causes.cause(name, "error", text, party)


# A cause, a sentence, and who acts where it is not the one of the table.
_Said = tuple[str, str, Party | None]


def _said(c: Connection, certificate_causes: Callable[[], tuple[Cause, ...]]) -> _Said | None:
    for rule in (_unopened, _proxied, _not_offered, _unanswered, _refused_hello):
        found = rule(c)
        if found is not None:
            return found
    if c.hello is None or (c.reached in ("nothing", "unseen") and c.answer is None):
        return None
    fatal = c.fatal
    if fatal is not None and fatal.sender == "server":
        return _server_said_no(c, fatal)
    if c.answer is None:
        return None
    if fatal is not None:
        return _client_said_no(c, fatal, certificate_causes())
    return None if c.completed else _hung_up(c, certificate_causes())


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
    host, _, number = (before.target or "").rpartition(":")
    port = int(number) if number.isascii() and number.isdigit() else 443
    if before.kind == "http-connect" and 300 <= before.status < 400:
        where = f"a tunnel to {before.target}" if before.target is not None else "a tunnel"
        return "proxy-refused", f"The proxy redirects {where}: {before.status}.", None
    if before.fault is not None and before.told is not None:
        found = Meaning(before.fault, before.told)
    elif before.kind == "http-connect" and before.status >= 400:
        found = meaning(ProxyReply(before.status), host or "the host", port)
    elif before.kind == "socks5" and before.status:
        found = socks_meaning(before.status, host or "the host", port)
    else:
        return None
    act = ACTS[found.fault]
    return act.cause, f"{found.text[:1].upper()}{found.text[1:]}.", act.party


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
    if c.transport == "udp":
        return "connection-timeout", "Nothing answers the ClientHello over UDP.", None
    return "silent-drop", "The connection stands, and nothing answers the ClientHello.", None


def _refused_hello(c: Connection) -> _Said | None:
    """What the server's first bytes, or its choice, say by themselves."""
    if c.hello is None:
        return None
    if c.reached == "other":
        spoke = greeting.spoken(c.plain)
        if greeting.is_portal(spoke):
            text = greeting.portal_text(spoke)
            return "captive-portal", f"{text[:1].upper()}{text[1:]}.", None
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


def _server_said_no(c: Connection, alert: SeenAlert) -> _Said:
    code = alert.code
    if code is None:
        text = "The server sends an encrypted alert right after the client's Finished"
        if c.client_certificate:
            text += ": it rejects the client's certificate."
            return "client-certificate-rejected", text, None
        return "client-certificate-required", f"{text}: most likely it wanted a certificate.", None
    cause = meanings(code, "client", alert_context(c))[0].cause
    named = f"{alert_name(code)} ({code})"
    if cause == "client-certificate-required":
        text = f"The server wants a certificate from the client; without one it sends {named}."
        return cause, text, None
    if cause == "client-certificate-rejected":
        return cause, f"The server rejects the client's certificate: {named}.", None
    if cause == "sni-unrecognized":
        return cause, f"The server does not know the name {c.sni}: {named}.", None
    assert c.hello is not None
    if cause == "version-mismatch" and c.hello.highest < _TLS12:
        spoken = r.version_text(c.hello.highest)
        text = f"The client offers nothing later than {spoken}; the server sends {named}."
        return cause, text, "client"
    return cause, f"The server refuses the ClientHello: {named}.", None


def alert_context(c: Connection) -> AlertContext:
    """What the capture shows of the circumstances in which the server complained."""
    hello = c.hello
    hidden = c.answer is not None and c.answer.version >= _TLS13 and c.authorities is None
    return AlertContext(
        offered=hello.highest if hello is not None else None,
        named=c.sni is not None if hello is not None else None,
        protocols=bool(hello.alpn) if hello is not None else None,
        asked=None if hidden else c.authorities is not None,
        shown=None if hidden else bool(c.client_certificate),
        answered=c.answer is not None,
    )


def _client_said_no(c: Connection, alert: SeenAlert, seen: tuple[Cause, ...]) -> _Said:
    worst = next((cause for cause in seen if cause.severity == "error"), None)
    if alert.code is None:
        said = (
            "The client ends the handshake with an encrypted alert right after the server's flight"
        )
        if worst is not None:
            return worst.id, f"{said}: {worst.text}", worst.party
        return "other-alert", f"{said}: most likely it rejects the certificate.", "client"
    named = f"{alert_name(alert.code)} ({alert.code})"
    if alert.code in _OF_CERTIFICATES or alert.code == 80:
        if worst is not None:
            return worst.id, f"The client sends {named}: {worst.text}", worst.party
        if c.chain and alert.code in (42, 46, 48):
            text = f"The client sends {named}, yet nothing is wrong with the certificates: it pins another key, or lacks the root."
            return "client-lacks-ca" if alert.code == 48 else "certificate-pinned", text, "client"
    cause = meanings(alert.code, "server")[0].cause
    return cause, f"The client rejects what the server showed: {named}.", None


def _hung_up(c: Connection, seen: tuple[Cause, ...]) -> _Said | None:
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
            return worst.id, f"The client hangs up {after}: {worst.text}", worst.party
        text = f"The client hangs up {after}, without a word."
        return "closed-during-handshake", text, "client"
    if c.authorities is not None and not c.client_certificate:
        text = "The server asks for a certificate and closes when none comes."
        return "client-certificate-required", text, None
    if c.how == "rst":
        who = "Somebody on the way" if c.closed_by == "middlebox" else "The server"
        return "connection-reset", f"{who} resets the connection {after}.", None
    return "closed-during-handshake", f"The server closes {after}.", None
