"""stunnel's log: the accepted connection and the failure share a number."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER_PORT
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="stunnel",
    title="stunnel",
    marks=(re.compile(rb"LOG\d\[[\w:]+\]: "),),
    rows=(
        LineRow(
            b"accepted connection from",
            re.compile(
                rb"LOG\d\[(?P<key>[^\[\]]++)\]: Service \[(?P<name>[^\[\]]*+)\] accepted connection from "
                + PEER_PORT
            ),
            role="peer",
        ),
        LineRow(
            b"SSL_accept: ",
            re.compile(rb"LOG\d\[(?P<key>[^\[\]]++)\]: SSL_accept: (?P<reason>.*)"),
            role="reason",
        ),
        LineRow(
            b"SSL_connect: ",
            re.compile(rb"LOG\d\[(?P<key>[^\[\]]++)\]: SSL_connect: (?P<reason>.*)"),
            role="reason",
            upstream=True,
        ),
    ),
    blind=(
        BlindSpot(
            (b"LOG5[", b"LOG6[", b"LOG7["),
            "Below the level notice the lines that name the client are missing.",
            "debug = notice",
            r"(?m)^[ \t]*debug\s*=\s*(?:[5-7]|notice|info|debug)\b",
        ),
    ),
    changes=(ChangeRow(b"Configuration successful", "stunnel read its configuration"),),
    config_marks=r"(?m)^[ \t]*accept\s*=",
)
