"""HAProxy's log: the default lines, and those of an error-log-format with ssl_fc_err."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER_PORT, here, in_order, then
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

# The client, the time, and the frontend.
_AT = then(PEER_PORT + rb" \[[^\[\]]++\] ")
_FRONTEND = then(PEER_PORT + rb" \[[^\[\]]++\] (?P<name>[^\s/~:]++)")

PROGRAM = Program(
    name="haproxy",
    title="HAProxy",
    marks=(
        in_order(
            then(rb"\[\d\d/[A-Z][a-z]{2}/\d{4}:[\d:.]++\] \S"), then(rb"(?:SSL|Connection closed)")
        ),
        re.compile(rb"\bhaproxy\[\d+\]: "),
        re.compile(rb"\] [^\s~]++~ [^\s/]++/\S++ [\d/+-]++ "),
        re.compile(rb"Layer[67] (?:invalid response|timeout)"),
    ),
    rows=(
        LineRow(
            b"error:0",
            in_order(
                then(PEER_PORT + rb" \["),
                then(rb"(?=error:[0-9A-Fa-f]++:)"),
                here(rb"(?P<reason>.*?)(?: sni=(?P<name>\S++))?$"),
            ),
        ),
        LineRow(
            b"SSL handshake failure 00000000",  # no reason: the client left
            in_order(
                _AT,
                then(
                    rb"(?P<reason>SSL handshake failure) 0++ \S++(?: sni=(?P<name>\S++))?$",
                ),
            ),
            cause="closed-during-handshake",
        ),
        LineRow(
            b"Connection closed during SSL handshake",
            in_order(_FRONTEND, then(rb"(?P<reason>Connection closed during SSL handshake)")),
            cause="closed-during-handshake",
            noise=True,  # not one byte was sent
        ),
        LineRow(
            b"SSL client certificate not trusted",
            in_order(_FRONTEND, then(rb"(?P<reason>SSL client certificate not trusted)")),
        ),
        LineRow(
            b"SSL handshake",
            in_order(
                _FRONTEND, then(rb"(?P<reason>(?:Timeout during )?SSL handshake(?: failure)?)")
            ),
            cause="reason-not-logged",
        ),
        LineRow(
            b"Layer6 ",
            in_order(
                then(rb"[Ss]erver (?P<name>\S++) is \w"),
                then(
                    rb"reason: Layer6 [\w ]++,(?: code: \d++,)?(?: info: \"(?P<reason>[^\"]*+)\")?"
                ),
            ),
            upstream=True,
            cause="reason-not-logged",
        ),
    ),
    blind=(
        BlindSpot(
            (b"error:0A", b"error:1"),
            "The default line says that a handshake failed, not why.",
            'error-log-format "%ci:%cp [%tr] %ft %[fc_err_str] %[ssl_fc_err,hex]'
            ' %[ssl_fc_err_str] sni=%[ssl_fc_sni]"',
            r"ssl_fc_err",
        ),
    ),
    changes=(
        ChangeRow(b"Reexecuting Master process", "HAProxy was reloaded"),
        ChangeRow(b"New worker", "HAProxy started a new worker"),
    ),
    config_marks=r"(?m)^[ \t]*(?:frontend|defaults|backend|bind)\b",
)
