"""lighttpd's error log (mod_openssl.c, mod_gnutls.c)."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER
from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="lighttpd",
    title="lighttpd",
    marks=(
        re.compile(
            rb"\((?:mod_(?:openssl|gnutls|mbedtls|nss|wolfssl)|server|connections|plugin|network)"
            rb"\.c\.\d+\)"
        ),
    ),
    rows=(
        LineRow(
            b") SSL: ",
            re.compile(
                rb"\(mod_\w+\.c\.\d+\) SSL:(?: -?\d+)* (?P<reason>.*?)(?: \(" + PEER + rb"\))?$"
            ),
        ),
    ),
    blind=(
        BlindSpot(
            (b") SSL: ",),
            "Most failed handshakes are told only when asked for.",
            'debug.log-ssl-noise = "enable"',
            r"debug\.log-ssl-noise\s*=\s*\"enable\"",
        ),
    ),
    changes=(ChangeRow(b"server started", "lighttpd was started"),),
    config_marks=r"(?m)^[ \t]*(?:server\.document-root|server\.modules|ssl\.pemfile)\b",
)
