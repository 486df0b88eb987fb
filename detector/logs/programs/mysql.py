"""MySQL's and MariaDB's error logs, which say that a client left and hardly ever why."""

from __future__ import annotations

import re

from detector.logs.pieces import in_order, last, then
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="mysql",
    title="MySQL, MariaDB",
    marks=(re.compile(rb"^\d{4}-\d\d-\d\d[ T]+[\d:.]+Z? +\d+ \[(?:Warning|Note|ERROR|System)\]"),),
    rows=(
        LineRow(
            b"without authentication",
            in_order(
                then(rb"Aborted connection "),
                last(rb"host: '(?P<peer>[^']*+)' \((?P<reason>[^)]*)"),
            ),
            cause="reason-not-logged",
        ),
        LineRow(
            b"Bad handshake",
            re.compile(rb"(?P<reason>Bad handshake)"),
            cause="reason-not-logged",
        ),
        LineRow(
            b"packets out of order",
            re.compile(rb"(?P<reason>Got packets out of order)"),
            cause="not-tls",
            complainant="server",
            noise=True,
        ),
        LineRow(b"error:0A", re.compile(rb"(?P<reason>error:0A[0-9A-F]{6}:[^\n]*)")),
        LineRow(
            b"insecure transport are prohibited",
            re.compile(rb"(?P<reason>Connections using insecure transport are prohibited)"),
            cause="not-tls",
            complainant="server",
        ),
    ),
    blind=(
        BlindSpot(
            (),
            "Neither program says why a handshake failed: capture the connections, and read them"
            " with tlsight pcap.",
            "log_warnings = 4   (MariaDB), log_error_verbosity = 3   (MySQL)",
        ),
    ),
    changes=(ChangeRow(b"ready for connections", "the database was started"),),
    config_marks=r"(?m)^[ \t]*\[mysqld\]",
)
