"""Dovecot's login processes. With verbose_ssl the reason comes first, on a line of its own."""

from __future__ import annotations

import re

from detector.logs.program import PEER, BlindSpot, ChangeRow, LineRow, Program

_LOGIN = rb"-login(?:\((?P<key>[^)]*)\))?: \w+: "

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
            re.compile(
                rb"rip="
                + PEER
                + rb",(?:.*rport=(?P<port>\d+))?.*TLS handshaking"
                + rb"(?:: (?P<reason>[^\n]*?))?(?:, session=|$)"
            ),
        ),
        LineRow(
            b"present valid SSL cert",
            re.compile(rb"(?P<reason>client didn't present valid SSL cert\w*).*?rip=" + PEER),
            cause="client-certificate-required",
            complainant="server",
        ),
        LineRow(
            b"Info: Received invalid SSL certificate",
            re.compile(
                rb"(?P<reason>Received invalid SSL certificate: [^\n]*?)(?:: user=.*rip="
                + PEER
                + rb"|$)"
            ),
        ),
    ),
    blind=(
        BlindSpot(
            (b"SSL: where=", b"SSL error:", b"SSL alert:"),
            'Without verbose_ssl some failures are told as "Invalid argument", or not at all.',
            "verbose_ssl = yes",
            r"(?m)^\s*verbose_ssl\s*=\s*yes",
        ),
    ),
    changes=(
        ChangeRow(b"SIGHUP received - reloading", "Dovecot read its configuration again"),
        ChangeRow(b"Dovecot v", "Dovecot was started"),
    ),
    config_marks=r"(?m)^\s*(?:ssl_cert|ssl_key|passdb|protocols)\b",
)
