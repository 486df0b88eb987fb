"""A lab's world on disk and on loopback: its root, its logs, its CA's service, clients' certificates."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography.x509.oid import ExtendedKeyUsageOID

from detector.knowledge.whole_file import write_whole
from detector.lab.ca_service import ca_service, connected
from detector.lab.pki import Authority, LabPki

CLIENT_USAGE = ExtendedKeyUsageOID.CLIENT_AUTH


@asynccontextmanager
async def open_world(folder: Path, address: str = "127.0.0.1") -> AsyncGenerator[LabPki]:
    """The PKI, with its service running, and in `folder`:

    root.pem and logs.json, for `--roots` and `--ct-logs`; member.pem and stranger.pem, client
    certificates with their keys (0600) of a CA that the lab's servers trust and of one they do not.
    Its service listens at `address`, which its certificates name.
    """
    pki = LabPki()
    service = ca_service(pki)
    service.host = address
    async with service:
        connected(pki, service)
        write_whole(folder / "root.pem", pki.root.pem.encode())
        write_whole(folder / "logs.json", pki.ct_logs_json.encode())
        pki.issue("member.lab.test", usage=CLIENT_USAGE).write(folder / "member.pem")
        stranger = Authority("Somebody's Client CA", profile=False)
        stranger.issue("stranger.lab.test", usage=CLIENT_USAGE).write(folder / "stranger.pem")
        yield pki
