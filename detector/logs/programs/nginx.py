"""nginx's error log, the client's side and the upstream's (ngx_event_openssl.c, ngx_http_request.c)."""

from __future__ import annotations

import re

from detector.logs.program import PEER, PEER_PORT, BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="nginx",
    title="nginx",
    marks=(re.compile(rb"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] \d+#\d+: "),),
    rows=(
        LineRow(
            b"while SSL handshaking to upstream",
            re.compile(
                rb"\*\d+ (?P<reason>.*) while SSL handshaking to upstream,"
                rb"(?:.*upstream: \"\w+://" + PEER_PORT + rb")?(?:.*host: \"(?P<name>[^\"]+))?"
            ),
            upstream=True,
        ),
        LineRow(
            b"client closed connection while SSL handshaking",
            re.compile(
                rb"(?P<reason>client closed connection) while SSL handshaking, client: "
                + PEER
                + rb"(?:, server: (?P<name>\S+))?"
            ),
            cause="closed-during-handshake",
            noise=True,  # not one byte was sent
        ),
        LineRow(
            b"while SSL handshaking",
            re.compile(
                rb"\*\d+ (?P<reason>.*) while SSL handshaking, client: "
                + PEER
                + rb"(?:, server: (?P<name>[^\s,]+))?"
            ),
        ),
        LineRow(
            b"while reading client request headers",
            re.compile(
                rb"(?P<reason>client sent plain HTTP request to HTTPS port"
                rb"|client sent no required SSL certificate|client SSL certificate verify error: .*?)"
                rb" while reading client request headers, client: "
                + PEER
                + rb"(?:, server: (?P<name>[^\s,]+))?"
            ),
        ),
    ),
    blind=(
        BlindSpot(
            (b" [info] ", b" [debug] "),
            "Failed handshakes of clients are written at the level info; the default is error.",
            "error_log /var/log/nginx/error.log info;",
            r"(?m)^[^#\n]*\berror_log\s+\S+\s+(?:info|debug)\s*;",
        ),
    ),
    changes=(
        ChangeRow(b", reconfiguring", "nginx read its configuration again"),
        ChangeRow(b"start worker processes", "nginx started its workers"),
    ),
    config_marks=r"\bssl_certificate\b|\bserver_name\b|\berror_log\b[^\n]*;",
)
