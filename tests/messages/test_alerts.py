"""Alerts that were received, and those that were sent, by every library's spelling."""

from __future__ import annotations

import pytest

from detector.knowledge.explanations import error_table
from detector.messages.alerts import alerts_in, alerts_sent, side_of

SPELLINGS = error_table().spellings


def received(text: str) -> list[int]:
    return [number for number, _, _ in alerts_in(text, SPELLINGS)]


def sent(text: str) -> list[int]:
    return [number for number, _, _ in alerts_sent(text, SPELLINGS)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("error:0A000458:SSL routines::tlsv1 unrecognized name:ssl/record/rec_layer_s3.c:1586:SSL alert number 112", 112),
        ("remote error: tls: handshake failure", 40),
        ("received fatal alert: UnrecognisedName", 112),
        ("javax.net.ssl.SSLHandshakeException: Received fatal alert: protocol_version", 70),
        ("ssl_msg.c:4799 is a fatal alert message (msg 70)", 70),
        ("wget: TLS error from peer (alert code 80): 80", 80),
        ("boringssl_context_handle_fatal_alert(2072) read alert, level: fatal, description: protocol version", 70),
        ("ERR_SSL_UNRECOGNIZED_NAME_ALERT", 112),
        ("curl: (35) ssl/tls alert handshake failure", 40),
    ],
)  # fmt: skip
def test_a_received_alert_is_known_by_any_spelling(text: str, number: int) -> None:
    assert received(text) == [number]


@pytest.mark.parametrize(
    "text",
    ["WARN rustls::conn: Sending fatal alert BadCertificate", "* TLSv1.3 (OUT), TLS alert, bad certificate (554):",
     '{tls_alert,{bad_certificate,"TLS client: In state certify generated CLIENT ALERT: Fatal - Bad Certificate"}}'],
)  # fmt: skip
def test_an_alert_that_was_sent_is_not_taken_for_a_received_one(text: str) -> None:
    assert sent(text) == [42]
    assert received(text) == []


def test_an_alert_wrapped_into_the_next_line_is_found() -> None:
    assert received("SSL alert\nnumber 48") == [48]


def test_everyday_alerts_are_none() -> None:
    assert received("snort alert 112 triggered; disk alert: full") == []


def test_servers_are_known_by_their_words() -> None:
    assert (
        side_of("http: TLS handshake error from 10.0.0.1:4: remote error: tls: bad certificate")
        == "server"
    )
    assert side_of("curl: (35) tls alert") == "client"


@pytest.mark.parametrize(
    "line",
    [
        "1: New connection from 10.0.0.7:4 on port 8883.",
        "FAILED: error accepting connection: received fatal alert: UnknownCA",
        "Error accepting a client connection: error:0A00010B:SSL routines::wrong version number",
        "error:1417C086:SSL routines:tls_process_client_certificate:certificate verify failed",
    ],
)
def test_what_only_a_server_does_tells_that_one_wrote_it(line: str) -> None:
    assert side_of(line) == "server"


def test_openvpn_says_the_same_on_both_sides() -> None:
    assert side_of("TLS_ERROR: BIO read tls_read_plaintext error") == "client"
