"""Hellos as scripts/make_browser_hellos.py measures them, and those that it did."""

from __future__ import annotations

from pathlib import Path

import msgspec

from detector.capture.connection import HelloFacts

MEASURED_FILE = Path(__file__).with_suffix(".jsonl")


class MeasuredHello(msgspec.Struct, frozen=True):
    """What somebody sent.

    Attributes:
        name: of the program or of the profile.
        agent: the User-Agent that it sends itself; None where it has none of its own.
        transport: "t" is TCP, "q" is QUIC.

    """

    name: str
    agent: str | None
    transport: str
    facts: HelloFacts


def measured_hellos(path: Path = MEASURED_FILE) -> list[MeasuredHello]:
    """One a line."""
    lines = path.read_bytes().splitlines()
    return [msgspec.json.decode(line, type=MeasuredHello) for line in lines]
