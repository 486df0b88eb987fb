"""Servers written in Go: net/http's line, after the standard logger's time or any other."""

from __future__ import annotations

import re

from detector.logs.program import GO_LINE, LineRow, Program

PROGRAM = Program(
    name="go",
    title="a Go server",
    marks=(re.compile(rb"http: TLS handshake error from "),),
    rows=(LineRow(b"TLS handshake error from", GO_LINE),),
)
