"""A fatal alert after the handshake: mitmproxy by itself keeps both sockets for ten minutes."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from addons.bypass.attempt import classify
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import running
from tests.live.clients import said
from tests.live.programs import find
from tests.live.waiting import PATIENCE, until

pytestmark = pytest.mark.live
BAD_CERTIFICATE = bytes((2, 42))


class Watched(Origin):
    """Counts connections that are open."""

    open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            await super().serve(reader, writer)
        finally:
            self.open -= 1


@asynccontextmanager
async def through(folder: Path, prepare: Callable[[ssl.SSLContext], None] | None = None) -> Any:
    pki = LabPki()
    (folder / "root.pem").write_text(pki.root.pem)
    store = folder / "b.sqlite3"
    async with (
        Watched({"shop.test": pki.issue("shop.test")}, prepare=prepare) as origin,
        Mitmdump(
            folder / "mitm", trust=folder / "root.pem", scripts=(bypass_script(),),
            settings=(f"bypass_store={store}",),
        ) as mitm,
    ):  # fmt: skip
        yield origin, mitm, store


def expand(secret: bytes, label: str, size: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 section 7.1)."""
    name = b"tls13 " + label.encode()
    info = struct.pack("!HB", size, len(name)) + name + b"\0"
    return HKDFExpand(SHA384(), size, info).derive(secret)


def encrypted_alert(secret: bytes, alert: bytes) -> bytes:
    """The first record of a client's application keys (RFC 8446 section 5.2)."""
    inner = alert + b"\x15"
    header = b"\x17\x03\x03" + struct.pack("!H", len(inner) + 16)
    sealed = AESGCM(expand(secret, "key", 32)).encrypt(expand(secret, "iv", 12), inner, header)
    return header + sealed


async def client(origin: int, proxy: int, folder: Path) -> float:
    """As Firefox on Android does it: finish the handshake, then refuse; seconds until the proxy hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
    writer.write(f"CONNECT 127.0.0.1:{origin} HTTP/1.1\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.keylog_filename = str(folder / "keys")
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inward, outward, server_hostname="shop.test")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            writer.write(outward.read())
            inward.write(await reader.read(65536))
    assert tls.cipher() == ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)
    line = next(
        one
        for one in (folder / "keys").read_text().splitlines()
        if one.startswith("CLIENT_TRAFFIC_SECRET_0")
    )
    writer.write(outward.read() + encrypted_alert(bytes.fromhex(line.split()[2]), BAD_CERTIFICATE))
    start = clock.stopwatch()
    async with asyncio.timeout(2 * PATIENCE):
        while await reader.read(65536):
            pass
    took = clock.stopwatch() - start
    writer.close()
    return took


def test_a_client_that_refuses_late_is_recorded_and_leaves_nothing_open(tmp_path: Path) -> None:
    with running(through(tmp_path)) as (origin, mitm, store):
        for _ in range(3):
            assert asyncio.run(client(origin.port, mitm.port, tmp_path)) < PATIENCE
            (tmp_path / "keys").unlink()
        until(lambda: origin.open == 0, "the end of the last connection")
    with BypassStore(store, clock.now) as opened:
        seen = [one for one in opened.traffic.attempts() if one.side == "client"]
    assert [(classify(one), one.alert, one.alert_by) for one in seen] == [
        ("refused", 42, "client")
    ] * 3


def test_a_server_that_misses_a_client_certificate_fails_the_request_at_once(
    tmp_path: Path,
) -> None:
    def wants(context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED

    with running(through(tmp_path, wants)) as (origin, mitm, _):
        start = clock.stopwatch()
        answer = said(
            find("curl"), "-sS", "-i", "-m", "120", "-x", mitm.url, "--cacert",
            str(tmp_path / "mitm" / "mitmproxy-ca-cert.pem"), "--connect-to",
            f"shop.test:443:127.0.0.1:{origin.port}", "https://shop.test/",
        )  # fmt: skip
        assert clock.stopwatch() - start < PATIENCE
        assert "502" in answer
