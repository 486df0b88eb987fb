"""What targets share: a lab's CAs and logs, and lengths before data as TLS writes them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from detector.chain.certificate import Certificate
from detector.lab.ct_log import LabLog
from detector.lab.pki import Authority, LabPki

PKI = LabPki()
KNOWN = PKI.knowledge()
LEAF = PKI.issue("a.example.com").der
LOG, TILED = LabLog(), LabLog(tiled=True)
LOGGED = Certificate(Authority("Logging", logs=(LOG, TILED)).issue("a.example").der)


def vec(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def in_a_file(data: bytes, name: str, read: Callable[[Path], object]) -> None:
    """The bytes as a file of that name below a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        read(path)
