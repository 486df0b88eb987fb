"""PostgreSQL's log; the client is on the line that log_connections writes."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER, in_order, maybe, then
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

_PID = rb"\[(?P<key>\d++)\]"

PROGRAM = Program(
    name="postgresql",
    title="PostgreSQL",
    marks=(
        re.compile(rb"^\d{4}-\d\d-\d\d .*(?:LOG|FATAL|HINT|ERROR|WARNING|STATEMENT|DETAIL):  "),
    ),
    rows=(
        LineRow(
            b"connection received: host=",
            in_order(
                then(_PID),
                then(rb"connection received: host=" + PEER + rb"(?: port=(?P<port>\d++))?"),
            ),
            role="peer",
        ),
        LineRow(
            b"could not accept SSL connection",
            in_order(
                maybe(_PID, before=rb"could not accept SSL"),
                then(rb"could not accept SSL connection: (?P<reason>.*)"),
            ),
            role="reason",
        ),
        LineRow(
            b"requires a valid client certificate",
            in_order(
                maybe(_PID, before=rb"connection requires"),
                then(rb"(?P<reason>connection requires a valid client certificate)"),
            ),
            role="reason",
            cause="client-certificate-required",
            complainant="server",
        ),
        LineRow(
            b"no pg_hba.conf entry",
            in_order(
                then(rb"(?P<reason>no pg_hba.conf entry for host) \"" + PEER + rb"\""),
                then(rb"(?:no encryption|SSL off)"),
            ),
            cause="not-tls",
            complainant="server",
        ),
        LineRow(
            b"invalid length of startup packet",
            in_order(
                maybe(_PID, before=rb"invalid length"),
                then(rb"(?P<reason>invalid length of startup packet)"),
            ),
            role="reason",
        ),
    ),
    blind=(
        BlindSpot(
            (b"connection received:",),
            "Without log_connections a failure is logged without the client's address.",
            "log_connections = on",
            r"(?m)^[ \t]*log_connections\s*=\s*(?:on|true|yes|1|'?(?:all|receipt))",
        ),
    ),
    changes=(
        ChangeRow(b"received SIGHUP, reloading", "PostgreSQL read its configuration again"),
        ChangeRow(b"database system is ready", "PostgreSQL was started"),
    ),
    config_marks=r"(?m)^[ \t]*(?:ssl_cert_file|shared_buffers|listen_addresses)\s*=",
)
