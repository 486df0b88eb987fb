"""What real clients say against broken servers, explained: the true cause is first or second.

A client whose words are the same for several causes (git's one sentence for six) is held to naming the
true cause at all; no table can do better, and the command that tells them apart is printed.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from detector.explain.explaining import explain
from detector.knowledge.explanations import error_table
from detector.lab.loopback import Loopback
from detector.lab.origin import Origin
from detector.lab.pki import Authority, Credential, LabPki
from tests.cli.conftest import running
from tests.live import clients
from tests.live.clients import Client

pytestmark = pytest.mark.live
HOST = "localhost"  # resolves everywhere, for clients that cannot be told an address
TABLE = error_table()


class Blunt(Loopback):
    """Reads a ClientHello and answers in plain HTTP, closes, or resets."""

    def __init__(self, answer: bytes | None) -> None:
        super().__init__(None)
        self.answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self.answer is None:
            await reader.read(1)
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        await reader.read(65536)
        writer.write(self.answer)
        writer.close()


def self_signed() -> Credential:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=7,
        not_valid_before=now - timedelta(days=1), not_valid_after=now + timedelta(days=30),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)  # fmt: skip
    return Credential(builder.sign(key, hashes.SHA256()), key)


def servers(pki: LabPki) -> dict[str, AbstractAsyncContextManager[Loopback]]:
    """A server for each cause."""
    now = datetime.now(UTC)
    whole = pki.issue(HOST)

    def shows(credential: Credential) -> Origin:
        return Origin({HOST: credential})

    return {
        "certificate-expired": shows(pki.issue(HOST, start=now - timedelta(days=200))),
        "certificate-not-yet-valid": shows(pki.issue(HOST, start=now + timedelta(days=5))),
        "hostname-mismatch": shows(pki.issue("other.localhost")),
        "self-signed": shows(self_signed()),
        "incomplete-chain": shows(Credential(whole.certificate, whole.key)),
        "untrusted-root": shows(Authority("Somebody's Root", profile=False).issue(HOST)),
        "not-tls": Blunt(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nBad Request\n"),
        "closed-during-handshake": Blunt(b""),
        "connection-reset": Blunt(None),
    }


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, int], Path]]:
    pki = LabPki()
    root = tmp_path_factory.mktemp("explained") / "root.pem"
    root.write_text(pki.root.pem)
    with ExitStack() as stack:
        yield (
            {
                cause: stack.enter_context(running(server)).port
                for cause, server in servers(pki).items()
            },
            root,
        )


@pytest.fixture(scope="module")
def all_clients(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Client]:
    return {
        "curl": clients.curl,
        "openssl": clients.openssl,
        "Python": clients.python,
        "Node": clients.node,
        "wget": clients.wget,
        "git": clients.git,
        "Java": clients.java(tmp_path_factory.mktemp("java")),
    }


# One sentence for many causes: git says the same for six, Java's builder for four.
AMBIGUOUS = {
    ("git", "certificate-expired"), ("git", "certificate-not-yet-valid"), ("git", "self-signed"),
    ("Java", "self-signed"), ("wget", "self-signed"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["curl", "openssl", "Python", "Node", "wget", "git", "Java"])
def test_the_true_cause_of_a_real_message_is_first_or_second(
    name: str, ports: tuple[dict[str, int], Path], all_clients: dict[str, Client]
) -> None:
    where, root = ports
    wrong: list[str] = []
    for cause, port in where.items():
        text = all_clients[name](HOST, port, root)
        found = [one.cause.id for one in explain(text, TABLE)]
        place = found.index(cause) + 1 if cause in found else 99
        most = 98 if (name, cause) in AMBIGUOUS else 2
        if place > most:
            wrong.append(f"{cause}: {found} for {text.strip()[-400:]!r}")
    assert wrong == []
