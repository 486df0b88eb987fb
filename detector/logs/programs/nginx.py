"""nginx's error log, the client's side and the upstream's (ngx_event_openssl.c, ngx_http_request.c)."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER, PEER_PORT, here, in_order, maybe_last, then
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

_CONNECTION = then(rb"\*\d++ ")

PROGRAM = Program(
    name="nginx",
    title="nginx",
    marks=(re.compile(rb"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] \d+#\d+: "),),
    rows=(
        LineRow(
            b"while SSL handshaking to upstream",
            in_order(
                _CONNECTION,
                here(rb"(?P<reason>.*?) while SSL handshaking to upstream,"),
                maybe_last(rb"upstream: \"\w++://" + PEER_PORT),
                maybe_last(rb"host: \"(?P<name>[^\"]++)"),
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
            in_order(
                _CONNECTION,
                here(
                    rb"(?P<reason>.*?) while SSL handshaking, client: "
                    + PEER
                    + rb"(?:, server: (?P<name>[^\s,]++))?"
                ),
            ),
        ),
        LineRow(
            b"while reading client request headers",
            in_order(
                then(
                    rb"(?=client sent plain HTTP request to HTTPS port"
                    rb"|client sent no required SSL certificate|client SSL certificate verify error: )"
                ),
                here(
                    rb"(?P<reason>.*?) while reading client request headers, client: "
                    + PEER
                    + rb"(?:, server: (?P<name>[^\s,]++))?"
                ),
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
    config_marks=r"(?m)\bssl_certificate\b|\bserver_name\b|^(?>[^\n]*?\berror_log\b)[^\n]*;",
)
