"""Tomcat, Jetty and other Java servers: JSSE's exceptions wherever they are printed."""

from __future__ import annotations

import re

from detector.logs.program import BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="java",
    title="Tomcat, Java",
    marks=(
        re.compile(rb"javax\.net\.ssl\.SSL\w*Exception"),
        re.compile(rb"org\.apache\.(?:tomcat|coyote|catalina)"),
    ),
    rows=(
        LineRow(
            b"javax.net.ssl.SSL",
            re.compile(rb"javax\.net\.ssl\.SSL\w*Exception: (?P<reason>[^\n]*)"),
        ),
    ),
    blind=(
        BlindSpot(
            (b"SSLHandshakeException", b"SSLException"),
            "Tomcat writes failed handshakes at the level FINE.",
            "org.apache.tomcat.util.net.level = FINE   in logging.properties",
            r"(?<![\w.])org\.apache\.tomcat\.util\.net[\w.]*\.level\s*=\s*(?:FINE|FINER|FINEST|ALL)",
        ),
    ),
    changes=(ChangeRow(b"Server startup in", "Tomcat was started"),),
    config_marks=r"java\.util\.logging|\.handlers\s*=",
)
