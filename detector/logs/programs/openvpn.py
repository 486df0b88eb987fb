"""OpenVPN's log: the reason comes first, then the failed handshake of the same client."""

from __future__ import annotations

import re

from detector.logs.pieces import ADDRESS_PORT, PEER_PORT
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="openvpn",
    title="OpenVPN",
    marks=(
        re.compile(
            rb"TLS Error: |VERIFY (?:OK|ERROR): |\bopenvpn\[\d+\]: |TLS: Initial packet from "
        ),
    ),
    rows=(
        LineRow(
            b"VERIFY ERROR",
            re.compile(rb"(?P<key>" + ADDRESS_PORT + rb") (?P<reason>VERIFY ERROR: .*)"),
            role="why",
        ),
        LineRow(
            b"OpenSSL: error",
            re.compile(rb"(?P<key>" + ADDRESS_PORT + rb") OpenSSL: (?P<reason>.*)"),
            role="why",
        ),
        LineRow(
            b"TLS Error: TLS key negotiation failed",
            re.compile(PEER_PORT + rb" (?P<reason>TLS Error: TLS key negotiation failed.*)"),
            cause="silent-drop",
        ),
        LineRow(
            b"TLS Error: TLS handshake failed",
            re.compile(
                rb"(?P<key>" + PEER_PORT + rb") (?P<reason>TLS Error: TLS handshake failed)"
            ),
            cause="",
        ),
    ),
    blind=(
        BlindSpot(
            (b"VERIFY ", b"OpenSSL: "),
            "Below verb 3 the reasons are missing.",
            "verb 3",
            r"(?m)^[ \t]*verb\s+(?:[3-9]|1[01])",
        ),
    ),
    changes=(ChangeRow(b"Initialization Sequence Completed", "OpenVPN was started"),),
    config_marks=r"(?m)^[ \t]*(?:dev tun|remote |server \d|tls-auth|tls-crypt)\b",
)
