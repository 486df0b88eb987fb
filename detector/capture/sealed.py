"""What encrypted records tell by their lengths and their place.

Theory of operation
-------------------
An encrypted alert of TLS 1.3 is a record of 19 bytes (two of the alert, one of its type, sixteen of the tag); a
Finished has 36 or 52 bytes, and 17 more. A client whose first encrypted record is an alert has refused what
the server showed; a server whose only one after the client's Finished is an alert has refused the client
(RFC 8446 sections 5.2 and 6).
"""

from __future__ import annotations

from detector.capture.connection import SeenAlert, ServerFacts
from detector.capture.flow import Flow, Half
from detector.wire.records import ALERT, APPLICATION_DATA
from detector.wire.registry import hides_certificates, is_tls13

_SEALED_ALERT = 19
# A server's records up to its Finished, session tickets included.
_FLIGHT_RECORDS = 6


def has_resumed(answer: ServerFacts | None, *, bare: bool, ccs: bool) -> bool | None:
    """Whether the session is an earlier one.

    Args:
        answer: the ServerHello.
        bare: nothing followed it in clear, apart from a session ticket.
        ccs: the server's ChangeCipherSpec came.

    Before TLS 1.3 the abbreviated handshake tells: after its hello the server goes over to the keys at once
    (RFC 5246 section 7.3, RFC 5077 section 3.1), whatever the session ids say.

    """
    if answer is None:
        return None
    if hides_certificates(answer.version):
        return answer.psk
    return (True if ccs else None) if bare else False


def has_completed(
    client: Half, server: Half, answer: ServerFacts | None, *, opened: bool, finished: bool | None
) -> bool:
    if answer is None:
        return False
    if opened:
        return bool(finished)
    if is_tls13(answer.version):
        return client.opaque > 0 and server.opaque > 0 and not _is_alert(client.sizes[0])
    return client.ccs and server.ccs


def inferred_alerts(
    client: Half, server: Half, answer: ServerFacts | None, *, completed: bool
) -> list[SeenAlert]:
    """Alerts of TLS 1.3 that nobody can read, told from lengths."""
    if answer is None or not is_tls13(answer.version):
        return []
    if client.sizes and _is_alert(client.sizes[0]):
        return [SeenAlert("client", None, fatal=True, encrypted=True)]
    if client.opaque > 1 and _is_alert(client.last):
        return []  # the client takes its leave; what the server says then is its own close_notify
    # Tickets, or an answer, would stand between the client's Finished and a mere close_notify.
    only = server.opaque - client.before == 1 and _is_alert(server.last)
    if completed and only and server.peer.flow.ends:
        _, from_opener, _ = server.flow.ends[0]
        if from_opener == (server is server.flow.opener):
            return [SeenAlert("server", None, fatal=True, encrypted=True)]
    return []


def came_too_late(flow: Flow, half: Half) -> bool:
    """The other side had closed before this one complained: OpenSSL says decode_error to a FIN."""
    if not flow.ends:
        return False
    _, from_opener, time = flow.ends[0]
    return from_opener != (half is flow.opener) and time <= half.alert_at


def _is_alert(record: tuple[int, int]) -> bool:
    return record == (APPLICATION_DATA, _SEALED_ALERT) or (
        record[0] == ALERT and record[1] in (2, _SEALED_ALERT)
    )


def refused_late(alerts: list[SeenAlert], server: Half) -> bool:
    """TLS 1.3: the server says no to the client after both have finished, before it sent any data."""
    return (
        any(a.sender == "server" and a.fatal for a in alerts) and server.opaque <= _FLIGHT_RECORDS
    )
