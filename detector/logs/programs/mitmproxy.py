"""mitmproxy's and mitmdump's event log."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER_PORT
from detector.logs.program import ChangeRow, LineRow, Program

PROGRAM = Program(
    name="mitmproxy",
    title="mitmproxy",
    marks=(
        re.compile(rb"(?:Client|Server) TLS handshake failed\."),
        re.compile(rb"^\[\d\d:\d\d:\d\d\.\d+\](?:\[" + PEER_PORT + rb"\])? "),
    ),
    rows=(
        LineRow(
            b"does not trust the proxy's certificate",
            re.compile(
                rb"(?:\[" + PEER_PORT + rb"\] )?Client TLS handshake failed\. "
                rb"(?P<reason>The client does not trust the proxy's certificate"
                rb" for (?P<name>\S+).*)"
            ),
            cause="client-lacks-ca",
            complainant="client",
        ),
        LineRow(
            b"Client TLS handshake failed.",
            re.compile(
                rb"(?:\[" + PEER_PORT + rb"\] )?Client TLS handshake failed\. (?P<reason>.*)"
            ),
        ),
        LineRow(
            b"Server TLS handshake failed.",
            re.compile(rb"Server TLS handshake failed\. (?P<reason>.*)"),
            upstream=True,
        ),
    ),
    changes=(ChangeRow(b"proxy listening at", "mitmproxy was started"),),
)
