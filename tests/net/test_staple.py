"""A real OpenSSL server that staples an OCSP response, and one that does not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from detector.lab.pki import Credential, LabPki
from detector.model.observation import Observation
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.staple import stapling_hello, with_staple
from detector.wire.hello import parse_client_hello
from tests.conftest import NOW
from tests.live.programs import Program, find


class OpensslServer(Program):
    """openssl s_server, with a staple when it is given one."""

    def __init__(self, folder: Path, credential: Credential, staple: bytes | None) -> None:
        super().__init__(folder)
        self.credential, self.staple = credential, staple

    def command(self) -> list[str]:
        pem = self.write("server.pem", self.credential.key_pem + self.credential.chain_pem)
        command = [
            find("openssl"), "s_server", "-accept", f"127.0.0.1:{self.port}", "-quiet",
            "-cert", str(pem), "-key", str(pem), "-cert_chain", str(pem),
        ]  # fmt: skip
        if self.staple is not None:
            (self.folder / "staple.der").write_bytes(self.staple)
            command += ["-status_file", str(self.folder / "staple.der")]
        return command


def good_response(pki: LabPki, credential: Credential) -> bytes:
    builder = ocsp.OCSPResponseBuilder().add_response(
        credential.certificate, pki.intermediate.certificate, hashes.SHA1(),
        ocsp.OCSPCertStatus.GOOD, NOW, NOW + timedelta(days=3), None, None,
    )  # fmt: skip
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, pki.intermediate.certificate)
    response = builder.sign(pki.intermediate.key, hashes.SHA256())
    return response.public_bytes(Encoding.DER)


def stapled(port: int) -> Observation:
    async def run() -> Observation:
        options = ProbeOptions(connect_to=("127.0.0.1", port))
        return await with_staple(await probe(parse_target("a.com"), options), options)

    return asyncio.run(run())


def test_the_hello_asks_for_a_staple_under_the_hosts_name() -> None:
    found = parse_client_hello(stapling_hello("a.com", bytes(32))[9:])
    assert found.sni == "a.com"
    assert found.extension(5) == b"\x01\x00\x00\x00\x00"


@pytest.mark.live
def test_a_stapled_response_is_kept(pki: LabPki, tmp_path: Path) -> None:
    credential = pki.issue("a.com")
    staple = good_response(pki, credential)
    with OpensslServer(tmp_path, credential, staple) as server:
        seen = stapled(server.port)
    assert seen.ocsp == staple
    assert seen.handshake is not None
    assert seen.handshake.version == "TLSv1.3"


@pytest.mark.live
def test_a_server_that_staples_nothing_changes_nothing(pki: LabPki, tmp_path: Path) -> None:
    with OpensslServer(tmp_path, pki.issue("a.com"), None) as server:
        seen = stapled(server.port)
    assert seen.ocsp is None
    assert seen.failure is None


def test_another_leaf_on_the_second_connection_is_not_mixed_in(pki: LabPki) -> None:
    seen = replace(asyncio.run(probe(parse_target("127.0.0.1:1"))), chain=(b"leaf",))
    assert asyncio.run(with_staple(seen, ProbeOptions())) == seen
