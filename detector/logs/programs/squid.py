"""Squid's cache.log: clients that refuse what it minted, and servers that it refuses."""

from __future__ import annotations

import re

from detector.logs.program import PEER_PORT, BlindSpot, Change, Program, Row

PROGRAM = Program(
    name="squid",
    title="Squid",
    marks=(re.compile(rb"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?: kid\d+)?\| "),),
    rows=(
        Row(
            b"accepting a TLS connection",
            re.compile(
                rb"failure while accepting a TLS connection on (?:.*?remote="
                + PEER_PORT
                + rb")?.*?: (?P<reason>(?:SQUID_\S+|error:|0x).*)$"
            ),
        ),
        Row(
            b"Error negotiating SSL connection on FD",
            re.compile(
                rb"Error negotiating SSL connection on FD \d+: (?P<reason>.*?)(?: \(\S+\))?$"
            ),
        ),
        Row(
            b"rror negotiating SSL on FD",
            re.compile(rb"rror negotiating SSL on FD \d+: (?P<reason>.*?)(?: \(\S+\))?$"),
            upstream=True,
        ),
        Row(
            b"negotiating TLS on FD",
            re.compile(rb"negotiating TLS on FD \d+: (?P<reason>.*?)(?: \(\S+\))?$"),
            upstream=True,
        ),
    ),
    blind=(
        BlindSpot(
            (b"remote=",),
            "Before Squid 6 the line has no address; the access log of the same second has it.",
            "debug_options ALL,1 83,2",
            r"debug_options[^\n]*83,[2-9]",
        ),
    ),
    changes=(
        Change(b"Reconfiguring Squid", "Squid read its configuration again"),
        Change(b"Starting Squid Cache", "Squid was started"),
    ),
    config_marks=r"(?m)^\s*(?:http_port|ssl_bump|http_access)\b",
)
