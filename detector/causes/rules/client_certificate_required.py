"""client-certificate-required: the server asks for a certificate, and none was shown.

In TLS 1.2 the refusal ends the handshake; in TLS 1.3 it comes after it (RFC 8446 section 4.4.2.4); web
servers that only ask say so in HTTP.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.wire.alerts import alert_name


def find(clues: Clues) -> Claim | None:
    if clues.inquiry.client_certificate:
        return None
    asked = clues.authorities
    application = clues.inquiry.application
    late = application.alert if application is not None and application.outcome == "alert" else None
    failure = clues.failure
    evidence: list[str] = []
    if late == 116 or (failure is not None and failure.cause == "client-certificate-required"):
        evidence.append("The server sends the alert certificate_required (116).")
    elif asked is not None and late in (40, 42, 46, 48, 80):
        evidence.append(f"It asks for one, and sends {alert_name(late)} ({late}) when none comes.")
    elif application is not None and application.outcome == "alert" and application.alert is None:
        evidence.append("It sends an encrypted alert right after the client's Finished.")
    elif asked is not None and _cut_after_request(clues):
        evidence.append("It asks for one, and ends the handshake when none comes.")
    elif clues.status in (400, 401, 403, 496) and _speaks_of_it(clues, asked):
        evidence.append(f"It asks for one, and answers {clues.status} without it.")
    else:
        return None
    evidence += clues.authorities_told
    if asked == ():
        evidence.append("It names no CA whose certificates would do.")
    return Claim("error", "The server wants a certificate from the client.", tuple(evidence))


def _cut_after_request(clues: Clues) -> bool:
    """The full handshake got as far as the request and no further."""
    begun = clues.observation.handshake
    application = clues.inquiry.application
    if application is not None and application.outcome in ("reset", "closed"):
        return True
    return begun is not None and not begun.completed


def _speaks_of_it(clues: Clues, asked: tuple[bytes, ...] | None) -> bool:
    """HEAD brings no page to read: a refusal by a server that asked is what there is."""
    return asked is not None or clues.status == 496
