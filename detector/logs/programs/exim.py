"""Exim's main log, with OpenSSL's words or with GnuTLS's."""

from __future__ import annotations

import re

from detector.logs.program import PEER, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="exim",
    title="Exim",
    marks=(
        re.compile(
            rb"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: \[\d+\])? "
            rb"(?:TLS error on|\w{6}-\w{6}-\w\w |exim |SMTP connection from )"
        ),
    ),
    rows=(
        LineRow(
            b"TLS error on connection from",
            re.compile(
                rb"TLS error on connection from .*?\["
                + PEER
                + rb"\](?::(?P<port>\d+))?.*?(?:\([^)]*\): |: )(?P<reason>.*)"
            ),
        ),
        LineRow(
            b"TLS error on connection to",
            re.compile(
                rb"TLS error on connection to (?P<name>\S+) \["
                + PEER
                + rb"\].*?(?:\([^)]*\): |: )(?P<reason>.*)"
            ),
            upstream=True,
        ),
        LineRow(
            b"TLS session: ",
            re.compile(rb"H=(?P<name>\S+) \[" + PEER + rb"\].*TLS session: (?P<reason>.*)"),
            upstream=True,
        ),
    ),
    changes=(ChangeRow(b"daemon started", "Exim was started"),),
    config_marks=r"(?m)^\s*(?:tls_certificate|tls_advertise_hosts|primary_hostname)\s*=",
)
