"""Squid: cache.log, which hardly says why, and access logs with err_code and err_detail, which do."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER_PORT, here, in_order, maybe, then
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="squid",
    title="Squid",
    marks=(
        re.compile(rb"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: kid\d+)?\| "),
        re.compile(rb"ERR_SECURE_(?:ACCEPT|CONNECT)_FAIL"),
        re.compile(rb"^\d{10}\.\d{3} .* (?:TCP|NONE)_\w+/\d{3} "),
    ),
    rows=(
        LineRow(
            b"SQUID_TLS_ERR_ACCEPT",
            in_order(
                here(rb"\S++ ++(?:\d++ )?(?P<peer>[0-9a-fA-F:.]+?)(?::(?P<port>\d{1,5}))? "),
                maybe(
                    rb"(?<![\w.-])(?P<name>[\w.-]++) ERR_SECURE_ACCEPT_FAIL/",
                    before=rb"SQUID_TLS_ERR_ACCEPT",
                ),
                then(rb"(?P<reason>SQUID_TLS_ERR_ACCEPT\S*)"),
            ),
        ),
        LineRow(
            b"ERR_SECURE_CONNECT_FAIL/",
            # The request inside of the tunnel is logged again; the tunnel counts.
            in_order(
                rb"(?!.*https://)",
                then(
                    rb"(?<![\w.-])(?P<name>[\w.-]++) ERR_SECURE_CONNECT_FAIL/(?P<reason>\S++)",
                ),
            ),
            upstream=True,
        ),
        LineRow(
            b"accepting a TLS connection",
            in_order(
                then(rb"failure while accepting a TLS connection on "),
                maybe(rb"remote=" + PEER_PORT, before=rb": 0x"),
                then(rb": (?P<reason>0x\S*+)$"),
            ),
            cause="reason-not-logged",
        ),
        LineRow(
            b"Error negotiating SSL connection on FD",
            re.compile(
                rb"Error negotiating SSL connection on FD \d+: (?P<reason>.*?)(?: \(\S+\))?$"
            ),
        ),
        LineRow(
            b"rror negotiating SSL on FD",
            re.compile(rb"rror negotiating SSL on FD \d+: (?P<reason>.*?)(?: \(\S+\))?$"),
            upstream=True,
        ),
        LineRow(
            b"negotiating TLS on FD",
            re.compile(rb"negotiating TLS on FD \d+: (?P<reason>.*?)(?: \(\S+\))?$"),
            upstream=True,
        ),
    ),
    blind=(
        BlindSpot(
            (b"ERR_SECURE_", b"SQUID_TLS_ERR"),
            "cache.log does not say why; an access log with err_detail does.",
            "logformat tls %ts.%03tu %>a:%>p %Ss/%03>Hs %ru %ssl::>sni %err_code/%err_detail",
            r"%err_detail",
        ),
    ),
    changes=(
        ChangeRow(b"Reconfiguring Squid", "Squid read its configuration again"),
        ChangeRow(b"Starting Squid Cache", "Squid was started"),
    ),
    config_marks=r"(?m)^[ \t]*(?:http_port|ssl_bump|http_access)\b",
)
