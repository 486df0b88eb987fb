"""Servers that are broken on purpose, one cause each, and healthy ones that must not be blamed.

All run in this process, on loopback, on free ports, without root, under one public root of the lab.
"""

from __future__ import annotations

from detector.lab import broken_certificates, broken_networks, broken_servers, healthy
from detector.lab.case import HOST, Case

__all__ = ["CASES", "HOST", "Case", "case"]

CASES: tuple[Case, ...] = (
    *broken_certificates.CASES,
    *broken_servers.CASES,
    *broken_networks.CASES,
    *healthy.CASES,
)


def case(name: str) -> Case | None:
    """A case by its id, None for no such case."""
    return next((one for one in CASES if one.id == name), None)
