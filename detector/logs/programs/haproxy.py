"""HAProxy's log: the default lines, and those of an error-log-format with ssl_fc_err."""

from __future__ import annotations

import re

from detector.logs.program import PEER_PORT, BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="haproxy",
    title="HAProxy",
    marks=(
        re.compile(rb"\[\d\d/[A-Z][a-z]{2}/\d{4}:[\d:.]+\] \S+.*(?:SSL|Connection closed)"),
        re.compile(rb"\bhaproxy\[\d+\]: "),
        re.compile(rb"\] \S+~ \S+/\S+ [\d/+-]+ "),
        re.compile(rb"Layer[67] (?:invalid response|timeout)"),
    ),
    rows=(
        LineRow(
            b"error:0",
            re.compile(
                PEER_PORT + rb" \[.*?(?P<reason>error:[0-9A-Fa-f]+:.*?)(?: sni=(?P<name>\S+))?$"
            ),
        ),
        LineRow(
            b"SSL handshake failure 00000000",  # no reason: the client left
            re.compile(
                PEER_PORT + rb" \[[^\]]+\] .*?(?P<reason>SSL handshake failure) 0+ \S+"
                rb"(?: sni=(?P<name>\S+))?$"
            ),
            cause="closed-during-handshake",
        ),
        LineRow(
            b"Connection closed during SSL handshake",
            re.compile(
                PEER_PORT + rb" \[[^\]]+\] (?P<name>[^\s/~:]+).*?"
                rb"(?P<reason>Connection closed during SSL handshake)"
            ),
            cause="closed-during-handshake",
            noise=True,  # not one byte was sent
        ),
        LineRow(
            b"SSL client certificate not trusted",
            re.compile(
                PEER_PORT + rb" \[[^\]]+\] (?P<name>[^\s/~:]+).*?"
                rb"(?P<reason>SSL client certificate not trusted)"
            ),
        ),
        LineRow(
            b"SSL handshake",
            re.compile(
                PEER_PORT + rb" \[[^\]]+\] (?P<name>[^\s/~:]+).*?"
                rb"(?P<reason>(?:Timeout during )?SSL handshake(?: failure)?)"
            ),
            cause="reason-not-logged",
        ),
        LineRow(
            b"Layer6 ",
            re.compile(
                rb"[Ss]erver (?P<name>\S+) is \w+.*reason: Layer6 [\w ]+,"
                rb"(?: code: \d+,)?(?: info: \"(?P<reason>[^\"]*)\")?"
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
    config_marks=r"(?m)^\s*(?:frontend|defaults|backend|bind)\b",
)
