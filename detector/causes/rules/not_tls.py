"""not-tls: what answers is no TLS record (RFC 8446 section 5.1)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found

# How the probe words a greeting, and the protocol behind it.
_TURNS = (
    ("starttls smtp or ftp", "smtp"),
    ("starttls imap", "imap"),
    ("starttls pop3", "pop3"),
    ("starttls mysql", "mysql"),
)


def find(clues: Clues) -> Found | None:
    text = clues.failed_with("not-tls")
    if text is None:
        return None
    protocol = next((p for mark, p in _TURNS if mark in text), None)
    fix = ""
    if protocol is not None:
        fix = f"This server turns to TLS on request: use --starttls {protocol}, or its TLS port."
    return Found("error", text, (), None, fix)
