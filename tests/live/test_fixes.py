"""Every shipped line for nginx, Apache and HAProxy mends what it says: broken, applied, gone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from detector.knowledge.fixes import config_lines
from detector.lab.ca_service import ca_service, connected
from detector.lab.pki import LabPki
from tests.live.conftest import TABLES
from tests.live.servers import ApacheServer, TlsServer
from tests.live.test_diagnose_servers import CERTIFICATES, PROGRAMS, SETTINGS, diagnosed

pytestmark = pytest.mark.live
NAMES = {"nginx": "nginx", "apache": "Apache", "haproxy": "HAProxy"}
# One cause of each set of lines -> the fault that shows it.
FAULTS = {
    "certificate-expired": "expired",
    "incomplete-chain": "incomplete",
    "version-mismatch": "TLS 1.0 only",
    "no-shared-cipher": "ARIA or Camellia only",
    "no-shared-group": "P-521 only",
    "client-certificate-required": "client certificate",
    "sni-unrecognized": "unknown name",
    "must-staple-missing": "must-staple",
    "not-tls": "in clear",
}


def lines_of(cause: str) -> dict[str, str]:
    shipped = config_lines().get(cause, {})
    return {NAMES[name]: text for name, text in shipped.items() if name in NAMES}


def test_every_set_of_lines_is_tried() -> None:
    """Sets of lines are shared by causes; each set has a fault above that it is tried on."""
    tried = {str(lines_of(cause)) for cause in FAULTS}
    assert {str(lines_of(cause)) for cause in config_lines()} - {"{}"} == tried


@pytest.mark.parametrize(
    ("cause", "program"),
    [
        (cause, name)
        for cause in FAULTS
        for name in lines_of(cause)
        if (cause, name) != ("must-staple-missing", "Apache")  # needs a responder; see below
    ],
)
def test_the_lines_mend_the_server(cause: str, program: str, tmp_path: Path) -> None:
    fault = FAULTS[cause]
    pki = LabPki()
    start = datetime.now(UTC) - timedelta(days=1)
    shown = CERTIFICATES[fault][1](pki) if fault in CERTIFICATES else pki.issue("localhost")
    server: TlsServer = PROGRAMS[program](tmp_path / "server", pki, shown)
    other = server._write("other", pki.issue("other.lab.test", start=start))
    broken = SETTINGS[fault][2].get(program, "") if fault in SETTINGS else ""
    server.settings = (
        broken.replace("CLIENTS", str(server.folder / "clients.pem"))
        .replace("OTHER", f"{other}.both.pem")
        .replace("PORT", str(server.port))
    )
    with server:
        before = [one.id for one in diagnosed(server.port, pki).causes]
    assert before[:1] == [cause]
    server.settings = merged(server, program, server.mended(lines_of(cause)[program]))
    if fault == "must-staple":
        (server.folder / "shown.both.pem.ocsp").write_bytes(
            (server.folder / "staple.der").read_bytes()
        )
    with server:
        after = [one.id for one in diagnosed(server.port, pki).causes]
    assert cause not in after
    TABLES.setdefault("shipped lines: before -> after", {}).setdefault(cause, {})[program] = (
        f"{before[0]} -> {after[0] if after else 'healthy'}"
    )


def merged(server: TlsServer, program: str, mended: str) -> str:
    """The broken settings with the mended lines in their place."""
    if program == "HAProxy":
        return mended if server.settings.startswith("#") else f"{server.settings}\n{mended}"
    new = {line.split()[0] for line in mended.splitlines() if line.strip()}
    kept = [line for line in server.settings.splitlines() if line.split()[0] not in new]
    return "\n".join([*kept, mended])


def test_apaches_lines_for_stapling_mend_it_where_the_responder_answers(tmp_path: Path) -> None:
    promise = x509.TLSFeature([x509.TLSFeatureType.status_request])
    lines = lines_of("must-staple-missing")["Apache"]
    seen: list[list[str]] = []

    async def run() -> None:
        pki = LabPki()
        async with ca_service(pki) as service:
            connected(pki, service)
            access = ("issuer", "responder")
            shown = pki.issue("localhost", extra=((promise, False),), access=access)
            for settings in ("", lines):
                server = ApacheServer(tmp_path / f"server{len(seen)}", pki, shown, settings)
                await asyncio.to_thread(server.__enter__)
                try:
                    found = await asyncio.to_thread(diagnosed, server.port, pki)
                finally:
                    server.__exit__(None, None, None)
                seen.append([cause.id for cause in found.causes])

    asyncio.run(run())
    assert seen == [["must-staple-missing"], []]
