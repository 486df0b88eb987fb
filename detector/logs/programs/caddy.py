"""Caddy's log: JSON lines of its own logger, with net/http's words."""

from __future__ import annotations

import re

from detector.logs.program import GO_LINE, BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="caddy",
    title="Caddy",
    marks=(re.compile(rb"^\{\"level\":\"\w+\",\"ts\":[\d.]+"),),
    rows=(LineRow(b"TLS handshake error from", GO_LINE),),
    blind=(
        BlindSpot(
            (b'"level":"debug"',),
            "Failed handshakes are written at the level debug only.",
            "{ debug }   in the global options",
            r"(?m)^[ \t]*debug[ \t]*$",
        ),
    ),
    changes=(ChangeRow(b"load complete", "Caddy loaded a configuration"),),
    config_marks=r"(?m)^[ \t]*(?:tls|respond|reverse_proxy|auto_https)\b",
)
