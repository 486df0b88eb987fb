"""Each server that grades is bad in its own way and in no other, and tells who reaches it what it saw."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from tlslite.api import HandshakeSettings, TLSConnection

from detector.echo.sealed import opened
from detector.knowledge.grade_tests import grade_tests
from detector.lab.ca_service import ca_service, connected
from detector.lab.graded.certificates import Mint
from detector.lab.graded.half_speaker import half_speaking
from detector.lab.graded.moods import GROUP_2
from detector.lab.graded.servers import Place, grade_servers
from detector.lab.pki import LabPki
from detector.model.echoes import ECHO_PATH, Echo
from detector.model.grades import GOOD, GradeServers
from detector.serving.conversation import Reply
from detector.serving.front import Entrance, front

NAME = "grade.test"


@asynccontextmanager
async def served() -> AsyncGenerator[GradeServers]:
    said: list[str] = []
    async with grade_servers(LabPki(), Place(NAME), said.append) as servers:
        assert said == []
        yield servers


def lax() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


async def echo(servers: GradeServers, label: str, context: ssl.SSLContext, more: str = "") -> Echo:
    nonce = secrets.token_hex(8)
    host = servers.host(label)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", servers.port, ssl=context, server_hostname=host
    )
    try:
        writer.write(
            f"GET {ECHO_PATH}?nonce={nonce}{more} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        whole = await reader.read()
        while piece := await reader.read():
            whole += piece
    finally:
        writer.close()
    return opened(whole.partition(b"\r\n\r\n")[2], servers.key, nonce)


def test_every_test_that_needs_a_server_has_one() -> None:
    async def go() -> None:
        async with served() as servers:
            assert set(servers.leaves) == {GOOD, *(test.id for test in grade_tests().visits)}

    asyncio.run(go())


def test_who_verifies_reaches_the_good_server_and_those_whose_fault_openssl_does_not_see() -> None:
    """The others fail, each for its own reason."""

    async def go() -> dict[str, str]:
        found: dict[str, str] = {}
        async with served() as servers:
            strict = ssl.create_default_context(cadata=servers.root)
            for label in servers.leaves:
                try:
                    assert (await echo(servers, label, strict)).server == label
                    found[label] = "reached"
                except ssl.SSLCertVerificationError as error:
                    found[label] = error.verify_message
                except (ssl.SSLError, OSError) as error:
                    found[label] = str(getattr(error, "reason", None) or type(error).__name__)
        return found

    found = asyncio.run(go())
    for label, why in found.items():
        print(f"{label:26} {why}")
    reached = {label for label, why in found.items() if why == "reached"}
    assert reached == {
        GOOD,
        "revoked-crl",
        "revoked-ocsp",
        "revocation-silent",
        "must-staple",
        "too-long-lived",
        "without-ct",
    }


def test_who_takes_everything_reaches_all_that_openssl_can_speak_with() -> None:
    async def go() -> dict[str, Any]:
        found: dict[str, Any] = {}
        async with served() as servers:
            for label in servers.leaves:
                try:
                    found[label] = await echo(servers, label, lax())
                except (ssl.SSLError, OSError, EOFError) as error:
                    found[label] = error
            met = await echo(servers, GOOD, lax(), "&met=1")
        ended = {one.server: one.ended for one in met.met}
        assert ended["expired"] == "answered"
        assert ended["server-ssl3"] not in ("answered", "shaken")
        return found

    found = asyncio.run(go())
    away = {label for label, one in found.items() if not isinstance(one, Echo)}
    assert away == {
        "server-ssl3", "server-rc4", "server-3des", "server-export", "server-dh-512",
    }  # fmt: skip
    assert found["server-tls10"].version == "TLSv1"
    assert "NULL" in found["server-null"].cipher
    assert "anon" in found["server-anonymous"].cipher
    assert found[GOOD].version == "TLSv1.3"


@pytest.mark.parametrize(
    ("label", "version", "suite"),
    [("server-ssl3", "SSLv3", "AES"), ("server-rc4", "TLSv1.2", "RC4"), ("server-3des", "TLSv1.2", "3DES")],
)  # fmt: skip
def test_what_openssl_cannot_speak_is_spoken_with_a_client_that_can(
    label: str, version: str, suite: str
) -> None:
    async def go() -> Echo:
        async with served() as servers:
            return await asyncio.to_thread(old_echo, servers, label)

    found = asyncio.run(go())
    assert (found.server, found.version) == (label, version)
    assert suite in (found.cipher or "")


def old_echo(servers: GradeServers, label: str) -> Echo:
    """As a client of tlslite-ng is told."""
    settings = HandshakeSettings()
    settings.minVersion, settings.maxVersion, settings.versions = (3, 0), (3, 3), [(3, 3)]
    settings.cipherNames = ["rc4", "3des", "aes128", "aes256", "aes128gcm"]
    settings.macNames = ["sha", "md5", "sha256", "aead"]
    settings.minKeySize = 512
    settings.useExtendedMasterSecret = False
    host = servers.host(label)
    with socket.create_connection(("127.0.0.1", servers.port), timeout=10) as raw:
        tls = TLSConnection(raw)
        tls.handshakeClientCert(settings=settings, serverName=host)
        tls.sendall(
            f"GET {ECHO_PATH}?nonce=n HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        whole = bytearray()
        while piece := tls.recv(4096):
            whole += piece
        tls.close()
    return opened(bytes(whole).partition(b"\r\n\r\n")[2], servers.key, "n")


def test_a_client_that_agrees_on_a_short_group_goes_on_and_that_is_told() -> None:
    """OpenSSL takes 1024 bits at its lowest level and verifies the signature over them; no library takes 512 any more."""

    async def go() -> list[str]:
        ended: list[str] = []
        mint = Mint(LabPki())
        one = Entrance("short", half_speaking(mint.good("short.test"), (0x009E,), GROUP_2))
        async with front(
            "127.0.0.1", 0, lambda _: one, lambda _a, _r: Reply(200, b""),
            tell=lambda _, how: ended.append(how),
        ) as port:  # fmt: skip
            with pytest.raises((ssl.SSLError, OSError)):
                await asyncio.open_connection(
                    "127.0.0.1", port, ssl=lax(), server_hostname="short.test"
                )
        return ended

    assert asyncio.run(go()) == ["went-on"]


@pytest.mark.parametrize("target", ["/", ECHO_PATH, f"{ECHO_PATH}?nonce={'x' * 65}"])
def test_what_is_no_question_gets_no_echo(target: str) -> None:
    async def go() -> bytes:
        async with served() as servers:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", servers.port, ssl=lax(), server_hostname=servers.host(GOOD)
            )
            writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            whole = await reader.read()
            writer.close()
            return whole

    assert b"signature" not in asyncio.run(go())


def test_a_silent_ca_answers_for_itself_and_not_for_what_is_revoked() -> None:
    async def go() -> list[str]:
        pki = LabPki()
        async with ca_service(pki) as service:
            connected(pki, service)
            leaf = Mint(pki).revocation_silent("revocation-silent.grade.test").certificate
            access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
            lists = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
            urls = [one.access_location.value for one in access]
            urls += [one.value for point in lists for one in point.full_name or ()]
            return [f"{url.rpartition('.')[2]} {await fetched(url)}" for url in urls]

    assert sorted(asyncio.run(go())) == ["crl silent", "der 200", "ocsp silent"]


async def fetched(url: str) -> str:
    """The status that comes; what is silent has half a second to prove otherwise."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(f"GET {place.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    try:
        async with asyncio.timeout(30 if url.endswith(".der") else 0.5):
            return (await reader.readline()).split()[1].decode()
    except TimeoutError:
        return "silent"
    finally:
        writer.close()
