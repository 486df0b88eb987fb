"""Node servers that print the error of "tlsClientError"."""

from __future__ import annotations

import re

from detector.logs.program import BlindSpot, LineRow, Program

PROGRAM = Program(
    name="node",
    title="Node",
    marks=(re.compile(rb"deps/openssl|tlsClientError|ERR_SSL_\w+"),),
    rows=(
        LineRow(
            b"SSL routines:",
            re.compile(rb"(?P<reason>error:[0-9A-Fa-f]{8}:SSL routines:[^\n]*)"),
        ),
        LineRow(
            b"read ECONNRESET",
            re.compile(rb"(?P<reason>read ECONNRESET)"),
        ),
        LineRow(
            b"Client network socket disconnected",
            re.compile(rb"(?P<reason>Client network socket disconnected before secure TLS.*)"),
            cause="closed-during-handshake",
        ),
    ),
    blind=(
        BlindSpot(
            (b"SSL routines:",),
            "Node says nothing of failed handshakes unless the program listens for them.",
            "server.on('tlsClientError', (error, socket) =>"
            " console.error(socket.remoteAddress, error))",
            r"tlsClientError",
        ),
    ),
    config_marks=r"require\(.(?:https|tls)",
)
