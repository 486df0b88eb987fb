"""What `tlsight doctor --json` prints: one object."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Level = Literal["ok", "note", "problem"]
Part = Literal[
    "program", "tables", "settings", "stores", "trust", "clock", "network", "proxy", "capture", "shell",
    "agent",
]  # fmt: skip


class DoctorFinding(msgspec.Struct, frozen=True):
    """One line.

    Attributes:
        part: what was looked at.
        level: ok; note: worth to know, nothing fails by it; problem: answers are wrong, old or impossible by it.
        text: one sentence for a person.
        remedy: what mends it, a command where there is one; empty where there is nothing to mend.

    """

    part: Part
    level: Level
    text: str
    remedy: str = ""


class DoctorRecord(msgspec.Struct, frozen=True):
    """Everything that was looked at.

    Attributes:
        at: aware UTC time by this machine's clock.
        version: of tlsight.
        offline: nothing was asked on the network.
        problems: how many findings are problems.
        findings: by part, in the order in which they were looked at.

    """

    at: datetime
    version: str
    offline: bool
    problems: int
    findings: tuple[DoctorFinding, ...]
    schema: Literal["tlsight.doctor/1"] = "tlsight.doctor/1"
