"""Exim's main log, with OpenSSL's words or with GnuTLS's."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER, in_order, then
from detector.logs.program import ChangeRow, LineRow, Program

# In brackets what failed, then why.
_WHY = then(rb"(?:\([^()]*+\): |: )(?P<reason>.*)")

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
            in_order(
                then(rb"TLS error on connection from "),
                then(rb"\[" + PEER + rb"\](?::(?P<port>\d++))?"),
                _WHY,
            ),
        ),
        LineRow(
            b"TLS error on connection to",
            in_order(then(rb"TLS error on connection to (?P<name>\S++) \[" + PEER + rb"\]"), _WHY),
            upstream=True,
        ),
        LineRow(
            b"TLS session: ",
            in_order(
                then(rb"(?<!\S)H=(?P<name>\S++) \[" + PEER + rb"\]"),
                then(rb"TLS session: (?P<reason>.*)"),
            ),
            upstream=True,
        ),
    ),
    changes=(ChangeRow(b"daemon started", "Exim was started"),),
    config_marks=r"(?m)^[ \t]*(?:tls_certificate|tls_advertise_hosts|primary_hostname)\s*=",
)
