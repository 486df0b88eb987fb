"""Servers that are no web servers, or are other people's TLS: nothing false is said of them."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from detector.lab.pki import LabPki
from detector.model.inquiry import Diagnosis, FoundCause
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.runs.diagnose import Investigation
from tests.live.other_servers import (
    HaproxyBackend,
    MbedtlsServer,
    NginxBackend,
    NodeHttp2Server,
    RedisServer,
    SlapdServer,
)
from tests.live.servers import ApacheServer, CaddyServer, GnutlsServer, OpensslServer, TlsServer

pytestmark = pytest.mark.live
REQUIRED = "client-certificate-required"


def diagnosed(server: TlsServer, url: str = "https://localhost", **options: object) -> Diagnosis:
    """The server, asked at its own port for what `url` says; without a scheme nobody says what it speaks."""

    async def run() -> Diagnosis:
        target = replace(parse_target(url), port=server.port)
        how = Investigation(ProbeOptions(timeout=20, **options))  # type: ignore[arg-type]
        return await how.of(target, server.pki.knowledge())

    with server:
        return asyncio.run(run())


def causes(found: Diagnosis) -> dict[str, FoundCause]:
    return {cause.id: cause for cause in found.causes}


def _rsa(pki: LabPki) -> object:
    return pki.issue(
        "localhost", key=rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )


def test_mbedtls_takes_no_hello_in_two_records_and_is_healthy(pki: LabPki, tmp_path: Path) -> None:
    found = diagnosed(MbedtlsServer(tmp_path, pki, _rsa(pki)))  # type: ignore[arg-type]
    assert found.healthy
    split = causes(found)["split-hello-intolerant"]
    assert (split.severity, split.party) == ("note", "server")


@pytest.mark.parametrize("said", ["rediss://localhost", "localhost"])
@pytest.mark.parametrize("asks", ["no", "optional", "yes"])
def test_redis_wants_a_certificate_only_where_it_says_so(
    pki: LabPki, tmp_path: Path, asks: str, said: str
) -> None:
    found = diagnosed(RedisServer(tmp_path, pki, settings=asks), said)
    assert found.healthy is (asks != "yes")
    assert (REQUIRED in causes(found)) is (
        asks == "yes" or (asks == "optional" and ":" not in said)
    )
    application = found.inquiry.application
    assert application is not None
    if asks != "yes" and said.startswith("rediss"):
        assert application.data == b"+PONG\r\n"


def test_redis_sees_no_attack(pki: LabPki, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, pki)
    diagnosed(server, "rediss://localhost")
    assert "SECURITY ATTACK" not in server.said()


@pytest.mark.parametrize("asks", ["never", "allow", "demand"])
def test_ldap_wants_a_certificate_only_where_it_says_so(
    pki: LabPki, tmp_path: Path, asks: str
) -> None:
    found = diagnosed(SlapdServer(tmp_path, pki, settings=asks), "ldaps://localhost")
    assert found.healthy is (asks != "demand")
    assert (REQUIRED in causes(found)) is (asks == "demand")


def test_a_server_that_only_asks_before_tls13_is_healthy(pki: LabPki, tmp_path: Path) -> None:
    settings = f"-tls1_2 -verify 1 -CAfile {tmp_path}/clients.pem"
    server = OpensslServer(tmp_path, pki, settings=settings)
    assert causes(diagnosed(server, "rediss://localhost")) == {}


@pytest.mark.parametrize("program", ["node", "s_server"])
def test_a_server_for_http2_alone_is_spoken_to(pki: LabPki, tmp_path: Path, program: str) -> None:
    server: TlsServer = (
        NodeHttp2Server(tmp_path, pki)
        if program == "node"
        else OpensslServer(tmp_path, pki, settings="-alpn h2")
    )
    found = diagnosed(server)
    done = found.inquiry.observation.handshake
    assert done is not None
    assert (done.completed, done.alpn) == (True, "h2")
    assert found.healthy
    if program == "node":
        assert (
            next(s for s in found.steps if s.step == "application").text == "it answers HTTP/2 200"
        )


def test_gnutls_at_secure256_fails_by_tls13_and_not_by_its_suites(
    pki: LabPki, tmp_path: Path
) -> None:
    found = diagnosed(GnutlsServer(tmp_path, pki, settings="--priority SECURE256"))
    assert list(causes(found)) == ["tls13-intolerant"]
    assert found.causes[0].party == "server"


def test_caddy_has_no_certificate_for_another_name(pki: LabPki, tmp_path: Path) -> None:
    server = CaddyServer(tmp_path, pki)
    found = diagnosed(server, "https://other.lab.test", connect_to=("127.0.0.1", server.port))
    assert list(causes(found)) == ["sni-unrecognized"]
    assert "no certificate for the name other.lab.test" in found.causes[0].text


@pytest.mark.parametrize("path", ["/", "/secret"])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_apache_may_want_a_certificate_for_one_path(
    pki: LabPki, tmp_path: Path, version: str, path: str
) -> None:
    server = ApacheServer(tmp_path, pki)
    server.settings = (
        f"SSLProtocol {version}\nProtocols h2 http/1.1\nSSLCACertificateFile {server.folder}/clients.pem\n"
        "<Location /secret>\nSSLVerifyClient require\n</Location>"
    )
    found = diagnosed(server, f"https://localhost{path}")
    assert found.healthy is (path == "/")
    if path == "/secret":
        assert "/secret" in causes(found)[REQUIRED].evidence[0]


@pytest.mark.parametrize("program", [HaproxyBackend, NginxBackend])
def test_a_backend_of_a_load_balancer_wants_its_header(
    pki: LabPki, tmp_path: Path, program: type[TlsServer]
) -> None:
    server = program(tmp_path, pki)
    found = diagnosed(server)
    assert [cause.id for cause in found.causes if cause.severity == "error"] == [
        "proxy-header-required"
    ]
    with server:
        confirm = f"unset https_proxy HTTPS_PROXY; {found.causes[0].confirm}"
        said = subprocess.run(["sh", "-c", confirm], capture_output=True, timeout=30)
    assert "HTTP/" in found.causes[0].shows
    assert b"HTTP/" in said.stdout


def test_a_damaged_certificate_beside_its_issuer_is_said_to_be_that(
    pki: LabPki, tmp_path: Path
) -> None:
    from base64 import b64encode

    server = OpensslServer(tmp_path, pki)
    chain = Path(f"{server.shown}.chain.pem")
    good = pki.issue("localhost")
    damaged = good.der[:-1] + bytes((good.der[-1] ^ 1,))
    pem = f"-----BEGIN CERTIFICATE-----\n{b64encode(damaged).decode()}\n-----END CERTIFICATE-----\n"
    chain.write_text(pem)
    Path(f"{server.shown}.key.pem").write_text(good.key_pem)
    found = diagnosed(server)
    assert "did not sign this leaf" in causes(found)["wrong-issuer"].text
    assert "incomplete-chain" not in causes(found)
