"""client-certificate-rejected: the certificate that the client showed is not accepted (RFC 8446 4.4.2.4)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.wire.alerts import alert_name

# Alert -> what it says of a certificate (RFC 8446 section 6.2).
_COMPLAINTS = {
    42: "it is broken, or its signature is",
    43: "it is of a kind that the server does not take",
    44: "it is revoked",
    45: "it is out of date",
    46: "the server does not say what is wrong with it",
    48: "its CA is not one that the server trusts",
    49: "it is good, but its owner may not come in",
    51: "its key did not sign for it",
}


def find(clues: Clues) -> Claim | None:
    if not clues.inquiry.client_certificate:
        return None
    application = clues.inquiry.application
    alert = application.alert if application is not None else None
    if alert is None:
        alert = next((a.code for a in clues.observation.alerts if a.sender == "server"), None)
    if alert not in _COMPLAINTS and not (alert == 40 and clues.authorities is not None):
        return None
    sent = f"The server sends the alert {alert_name(alert)} ({alert})."
    why = _COMPLAINTS.get(alert, "it is not accepted")
    return Claim(
        "error",
        f"The server rejects the client's certificate: {why}.",
        (sent, *clues.authorities_told),
    )
