"""One attempt and its class: the signals measured with mitmproxy 12.2 and real clients."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addons.bypass.attempt import Attempt, classify

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TRUST = "The client does not trust the proxy's certificate for H"
MAY = "The client may not trust the proxy's certificate for H"
GONE = (
    "The client disconnected during the handshake. If this happens consistently for H, this may"
    " indicate that the client does not trust the proxy's certificate."
)


def attempt(side: str, outcome: str, **fields: object) -> Attempt:
    return Attempt(NOW, side, "a.com", 443, "10.0.0.1", outcome, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"alert": 48, "alert_by": "client"}, "refused"),
        ({"alert": 46, "alert_by": "client"}, "refused"),
        ({"alert": 42, "alert_by": "client", "error": TRUST}, "refused"),
        ({"error": f"{TRUST} (tlsv1 alert unknown ca)"}, "refused"),
        ({"error": f"{TRUST} (OpenSSL Error([('SSL routines', '', 'tls alert certificate unknown')]))"},
         "refused"),
        ({"error": f"{MAY} (sslv3 alert certificate revoked)"}, "refused"),
        ({"alert": 42, "alert_by": "proxy"}, "glitch"),
        ({"error": GONE}, "hung-up"),
        ({"alert": 70, "alert_by": "proxy"}, "client-version"),
        ({"error": "Client and mitmproxy cannot agree on a TLS version to use."}, "client-version"),
        ({"alert": 80, "alert_by": "client", "error": f"{MAY} (tlsv1 alert internal error)"}, "glitch"),
        ({"error": ""}, "glitch"),
    ],
)  # fmt: skip
def test_a_clients_failure_has_its_class(fields: dict[str, object], expected: str) -> None:
    assert classify(attempt("client", "failed", **fields)) == expected


def test_hanging_up_at_once_is_a_refusal_and_later_is_none() -> None:
    assert classify(attempt("client", "quiet", ms=2.0)) == "refused-silently"
    assert classify(attempt("client", "quiet", ms=900.0)) == "glitch"
    assert classify(attempt("client", "accepted")) == "trusted"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"error": "Certificate verify failed: certificate has expired"}, "upstream-certificate-invalid"),
        ({"asked_certificate": True, "error": "OpenSSL Error([('SSL routines', '', 'tls alert handshake failure')])"},
         "upstream-mtls"),
        ({"asked_certificate": True, "alert": 116, "alert_by": "server"}, "upstream-mtls"),
        ({"error": "tlsv13 alert certificate required"}, "upstream-mtls"),
        ({"error": "tls alert handshake failure", "alert": 40, "alert_by": "server"}, "upstream-version"),
        ({"error": "The remote server and mitmproxy cannot agree on a TLS version to use."}, "upstream-version"),
        ({"error": "The remote server does not speak TLS."}, "upstream-not-tls"),
        ({"error": "connection closed"}, "glitch"),
        ({"error": "[Errno 111] Connect call failed"}, "glitch"),
    ],
)  # fmt: skip
def test_a_servers_failure_has_its_class(fields: dict[str, object], expected: str) -> None:
    assert classify(attempt("server", "failed", **fields)) == expected
