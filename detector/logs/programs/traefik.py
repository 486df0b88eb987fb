"""Traefik's log, in its old form and in zerolog's, with net/http's words."""

from __future__ import annotations

import re

from detector.logs.program import GO_LINE, BlindSpot, ChangeRow, LineRow, Program

PROGRAM = Program(
    name="traefik",
    title="Traefik",
    marks=(
        re.compile(rb"^time=\"[^\"]+\" level=\w+ msg="),
        re.compile(rb"^\S+ (?:DBG|INF|WRN|ERR) (?:\S+\.go:\d+ > )?"),
        re.compile(rb"^\{\"level\":\"\w+\",(?:\"\w+\":\"[^\"]*\",)*\"time\":"),
    ),
    rows=(LineRow(b"TLS handshake error from", GO_LINE),),
    blind=(
        BlindSpot(
            (b"level=debug", b" DBG ", b'"level":"debug"'),
            "Failed handshakes are written at the level debug only.",
            "--log.level=DEBUG",
            r"(?i)level\W+debug",
        ),
    ),
    changes=(ChangeRow(b"Configuration loaded", "Traefik loaded a configuration"),),
    config_marks=r"entryPoints|\[entryPoints\]|providers:",
)
