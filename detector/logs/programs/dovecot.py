"""Dovecot's login processes. With verbose_ssl the reason comes first, on a line of its own."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER, here, in_order, maybe, maybe_last, then
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

_LOGIN = rb"-login(?:\((?P<key>[^()]*+)\))?: \w++: "

PROGRAM = Program(
    name="dovecot",
    title="Dovecot",
    marks=(re.compile(rb"\b(?:imap|pop3|managesieve|submission)-login: "),),
    rows=(
        LineRow(
            b"SSL error: SSL_accept() failed",
            re.compile(_LOGIN + rb"SSL error: (?P<reason>SSL_accept\(\) failed.*)"),
            role="why",
        ),
        LineRow(
            b"SSL error: Received invalid SSL certificate",
            re.compile(_LOGIN + rb"SSL error: (?P<reason>Received invalid SSL.*)"),
            role="why",
        ),
        LineRow(
            b"TLS handshaking",
            in_order(
                then(rb"rip=" + PEER + rb","),
                maybe(rb"rport=(?P<port>\d++)", before=rb"TLS handshaking"),
                then(rb"TLS handshaking(?:: (?P<reason>.*?))?(?:, session=|$)"),
            ),
        ),
        LineRow(
            b"present valid SSL cert",
            in_order(
                then(rb"(?P<reason>client didn't present valid SSL cert\w*+)"),
                then(rb"rip=" + PEER),
            ),
            cause="client-certificate-required",
            complainant="server",
        ),
        LineRow(
            b"Info: Received invalid SSL certificate",
            in_order(
                then(rb"(?=Received invalid SSL certificate: )"),
                here(rb"(?P<reason>.*?)(?:: user=|$)"),
                maybe_last(rb"rip=" + PEER),
            ),
        ),
    ),
    blind=(
        BlindSpot(
            (b"SSL: where=", b"SSL error:", b"SSL alert:"),
            'Without verbose_ssl some failures are told as "Invalid argument", or not at all.',
            "verbose_ssl = yes",
            r"(?m)^[ \t]*verbose_ssl\s*=\s*yes",
        ),
    ),
    changes=(
        ChangeRow(b"SIGHUP received - reloading", "Dovecot read its configuration again"),
        ChangeRow(b"Dovecot v", "Dovecot was started"),
    ),
    config_marks=r"(?m)^[ \t]*(?:ssl_cert|ssl_key|passdb|protocols)\b",
)
