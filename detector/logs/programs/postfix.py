"""Postfix: smtpd as the server, smtp as the client; client and reason on two lines of one process."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER, here, in_order, then
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

_PROCESS = rb"(?<![\w/-])postfix[\w/-]*+\[(?P<key>\d++)\]: "

PROGRAM = Program(
    name="postfix",
    title="Postfix",
    marks=(re.compile(rb"(?<![\w/-])postfix(?:-\w++)?/\w++(?:/\w++)*+\[\d++\]: "),),
    rows=(
        LineRow(
            b"TLS library problem",
            re.compile(_PROCESS + rb"warning: TLS library problem: (?P<reason>.*)"),
            role="reason",
        ),
        LineRow(
            b"SSL_accept error from",
            re.compile(
                _PROCESS
                + rb"SSL_accept error from [^\[]*\["
                + PEER
                + rb"\](?::(?P<port>\d+))?: (?P<reason>.*)"
            ),
            role="hold",
        ),
        LineRow(
            b"abort: TLS from",
            in_order(
                then(rb"abort: TLS from "),
                here(rb"[^\[]*+\[" + PEER + rb"\](?::(?P<port>\d++))?: (?P<reason>.*)"),
            ),
        ),
        LineRow(
            b"SSL_connect error to",
            re.compile(
                _PROCESS
                + rb"SSL_connect error to (?P<name>[^\[]*)\["
                + PEER
                + rb"\]:(?P<port>\d+): (?P<reason>.*)"
            ),
            role="hold",
            upstream=True,
        ),
        LineRow(
            b"Server certificate not",
            re.compile(
                rb"(?<![\w.-])(?P<name>[\w.-]++)\["
                + PEER
                + rb"\]:(?P<port>\d+): (?P<reason>Server certificate not .*)"
            ),
            upstream=True,
            cause="untrusted-root",
            complainant="client",
        ),
    ),
    blind=(
        BlindSpot(
            (b"TLS connection established",),
            "Without a level of 1 there is no line about TLS connections that succeed.",
            "smtpd_tls_loglevel = 1",
            r"(?m)^[ \t]*smtpd_tls_loglevel\s*=\s*[1-4]",
        ),
    ),
    changes=(
        ChangeRow(b"reload -- version", "Postfix read its configuration again"),
        ChangeRow(b"daemon started", "Postfix was started"),
    ),
    config_marks=r"(?m)^[ \t]*smtpd?_tls_\w+\s*=",
)
