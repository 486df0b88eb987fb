"""client-certificate-required: the server asks for a certificate, and none was shown.

To ask is not to require: a server may ask and go on without (RFC 8446 section 4.3.2). Before TLS 1.3 the server's
Finished says that it has (RFC 5246 section 7.4.9), and a refusal is an alert before it. In TLS 1.3 the refusal comes
after the client's Finished (RFC 8446 section 4.4.2.4), as an alert too. Web servers that only ask say so in HTTP.
A server that wants one for some paths asks once it has read the request. A connection that ends without a word may
have ended for anything: it counts where the server was asked in its own protocol, and noted otherwise.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.model.applications import HTTP, spoken_at
from detector.wire.alerts import alert_name

_REFUSALS = (40, 42, 46, 48, 80)
_TEXT = "The server wants a certificate from the client."


def find(clues: Clues) -> Claim | None:
    if clues.inquiry.client_certificate:
        return None
    shown = _shown(clues)
    if shown is None:
        return _perhaps(clues)
    named = clues.authorities_told
    if clues.authorities == ():
        named = ("It names no CA whose certificates would do.",)
    return Claim("error", _TEXT, (shown, *named))


def _shown(clues: Clues) -> str | None:
    """What shows that it does not go on without."""
    asked = clues.authorities is not None
    application, failure = clues.inquiry.application, clues.failure
    late = application.alert if application is not None and application.outcome == "alert" else None
    if late == 116 or (failure is not None and failure.cause == "client-certificate-required"):
        where = _where(clues) if not asked and late == 116 else ""
        sent = late if late is not None else _said_no(clues)
        if sent is None:
            return "It asks for one, and ends the handshake when none comes."
        return f"The server sends the alert {alert_name(sent)} ({sent}){where}."
    if application is not None and application.anew and late in _REFUSALS:
        where = _where(clues)
        return f"It asks for one by another handshake{where}, and sends {alert_name(late)} ({late}) when none comes."
    if asked and late in _REFUSALS and _may_refuse_late(clues):
        return f"It asks for one, and sends {alert_name(late)} ({late}) when none comes."
    if application is not None and application.outcome == "alert" and application.alert is None:
        return "It sends an encrypted alert right after the client's Finished."
    if asked and _ended_before_finished(clues):
        return "It asks for one, and ends the handshake when none comes."
    if clues.status in (400, 401, 403, 496) and (asked or clues.status == 496):
        # HEAD brings no page to read: a refusal by a server that asked is what there is.
        return f"It asks for one, and answers {clues.status} without it."
    if asked and _cut_when_asked(clues) and _speaks_its_words(clues):
        return "It asks for one, and ends the connection when none comes, whatever it is asked."
    return None


def _said_no(clues: Clues) -> int | None:
    """The alert by which the server ended the handshake itself."""
    said = (one.code for one in clues.observation.alerts if one.sender == "server" and one.fatal)
    return next(said, None)


def _perhaps(clues: Clues) -> Claim | None:
    """Nothing came where a web server's answer was to come, and nobody knows that it is one."""
    if clues.authorities is None or not _cut_when_asked(clues):
        return None
    text = "The server asks for a certificate from the client, and closes without saying whether it wants one."
    fix = "If this is no web server, say what it is (rediss://, ldaps://, ...); if it is, try with a certificate."
    return Claim("note", text, (), None, fix)


def _may_refuse_late(clues: Clues) -> bool:
    """The server's Finished came before it had seen what the client shows."""
    done = clues.observation.handshake
    return done is None or not done.completed or done.version == "TLSv1.3"


def _ended_before_finished(clues: Clues) -> bool:
    """The full handshake got as far as the request and no further."""
    begun = clues.observation.handshake
    return begun is not None and not begun.completed


def _cut_when_asked(clues: Clues) -> bool:
    """In TLS 1.3, where the client's Finished is the last message, the connection ended without an answer."""
    done, application = clues.observation.handshake, clues.inquiry.application
    if done is None or done.version != "TLSv1.3" or application is None:
        return False
    return application.outcome in ("reset", "closed")


def _speaks_its_words(clues: Clues) -> bool:
    """The protocol is known, and is not that which every unknown port is taken for."""
    target = clues.observation.target
    return target.starttls is None and (target.protocol or spoken_at(target.port)) != HTTP


def _where(clues: Clues) -> str:
    path = clues.observation.target.path
    return f" for {path}" if path is not None else ""
