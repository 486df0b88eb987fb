"""Apache httpd's error log (mod_ssl: ssl_engine_io.c, ssl_engine_kernel.c; log numbers AHnnnnn)."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER_PORT, in_order, then
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

_PID = then(rb"\[pid (?P<key>[^\[\]]++)\]")
_CLIENT = rb"\[client " + PEER_PORT + rb"\] AH\d++: "

PROGRAM = Program(
    name="apache",
    title="Apache httpd",
    marks=(re.compile(rb"^\[[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d [\d:.]+ \d{4}\] \[\w*:\w+\] \[pid "),),
    rows=(
        LineRow(
            b"SSL Library Error:",
            in_order(_PID, then(rb" SSL Library Error: (?P<reason>.*)")),
            role="reason",
        ),
        LineRow(
            b"in handshake",
            in_order(
                _PID,
                then(
                    _CLIENT + rb"(?P<reason>SSL library error \S++ in handshake)"
                    rb" \(server (?P<name>[^:)]++)"
                ),
            ),
            role="hold",
        ),
        LineRow(
            b"HTTP spoken on HTTPS port",
            in_order(_PID, then(_CLIENT + rb"(?P<reason>.*)")),
            role="hold",
        ),
        LineRow(
            b"SSL handshake stopped",
            in_order(then(_CLIENT + rb"(?P<reason>SSL handshake stopped.*)")),
        ),
        LineRow(
            b"SSL Proxy connect failed",
            in_order(_PID, then(rb"(?P<reason>SSL Proxy connect failed)")),
            role="hold",
            upstream=True,
        ),
        LineRow(
            b"Certificate Chain too long",
            re.compile(rb"(?P<reason>Certificate Verification: Certificate Chain too long.*)"),
            cause="client-certificate-rejected",
            complainant="server",
        ),
    ),
    blind=(
        BlindSpot(
            (b":info] ", b":debug] ", b":trace"),
            "Failed handshakes are written at the level ssl:info; the default is warn.",
            "LogLevel warn ssl:info",
            r"(?mi)^[ \t]*LogLevel[ \t]++(?:[^\n]*\bssl:(?:info|debug|trace\d)|(?:info|debug|trace\d)\b)",
        ),
    ),
    changes=(
        ChangeRow(b"AH00094", "Apache was started"),
        ChangeRow(b"resuming normal operations", "Apache read its configuration again"),
    ),
    config_marks=r"(?mi)^[ \t]*(?:SSLEngine|LoadModule|<VirtualHost|LogLevel)\b",
)
