"""Real TLS conversations, made in memory by OpenSSL."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from bench.captures import Segment, conversation

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def said(segments: list[Segment]) -> list[tuple[bool, bytes]]:
    """Only what was said, without acknowledgements."""
    return [(from_client, data) for from_client, _, data in segments if data]


@pytest.fixture(scope="session")
def tls12() -> list[tuple[bool, bytes]]:
    return said(conversation(V12, 500))


@pytest.fixture(scope="session")
def tls13() -> list[tuple[bool, bytes]]:
    return said(conversation(V13, 500))


@pytest.fixture(scope="session")
def refused() -> list[tuple[bool, bytes]]:
    """A client that does not know the root, in TLS 1.2."""
    return said(conversation(V12, 500, trusted=False))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path
