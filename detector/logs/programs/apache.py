"""Apache httpd's error log (mod_ssl: ssl_engine_io.c, ssl_engine_kernel.c; log numbers AHnnnnn)."""

from __future__ import annotations

import re

from detector.logs.program import PEER_PORT, BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="apache",
    title="Apache httpd",
    marks=(re.compile(rb"^\[[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d [\d:.]+ \d{4}\] \[\w*:\w+\] \[pid "),),
    rows=(
        LineRow(
            b"SSL Library Error:",
            re.compile(rb"\[pid (?P<key>[^\]]+)\].* SSL Library Error: (?P<reason>.*)"),
            role="reason",
        ),
        LineRow(
            b"in handshake",
            re.compile(
                rb"\[pid (?P<key>[^\]]+)\].*\[client " + PEER_PORT + rb"\] AH\d+: "
                rb"(?P<reason>SSL library error \S+ in handshake) \(server (?P<name>[^:)]+)"
            ),
            role="hold",
        ),
        LineRow(
            b"HTTP spoken on HTTPS port",
            re.compile(
                rb"\[pid (?P<key>[^\]]+)\].*\[client " + PEER_PORT + rb"\] AH\d+: (?P<reason>.*)"
            ),
            role="hold",
        ),
        LineRow(
            b"SSL handshake stopped",
            re.compile(
                rb"\[client " + PEER_PORT + rb"\] AH\d+: (?P<reason>SSL handshake stopped.*)"
            ),
        ),
        LineRow(
            b"SSL Proxy connect failed",
            re.compile(rb"\[pid (?P<key>[^\]]+)\].*(?P<reason>SSL Proxy connect failed)"),
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
            r"(?mi)^\s*LogLevel\s+(?:[^\n]*\bssl:(?:info|debug|trace\d)|(?:info|debug|trace\d)\b)",
        ),
    ),
    changes=(
        ChangeRow(b"AH00094", "Apache was started"),
        ChangeRow(b"resuming normal operations", "Apache read its configuration again"),
    ),
    config_marks=r"(?mi)^\s*(?:SSLEngine|LoadModule|<VirtualHost|LogLevel)\b",
)
