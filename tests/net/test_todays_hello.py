"""An origin with hybrid key exchange, asked directly and through mitmproxy, which may lack it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from OpenSSL import SSL

from detector.lab.mitmdump import Mitmdump
from detector.lab.pki import Credential, LabPki
from detector.model.observation import Judgement
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing, parse_proxy
from detector.runs.check import CheckRun
from detector.runs.saved import encode_observation, read_observations
from tests.live.programs import readable_by_all

pytestmark = pytest.mark.live


@contextmanager
def hybrid(folder: Path, credential: Credential) -> Iterator[int]:
    """The OpenSSL that `cryptography` brings has ML-KEM, unlike that of many a system; its port."""
    pem = credential.write(folder / "origin.pem")
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(str(pem))
    context.use_privatekey_file(str(pem))
    context.set_alpn_select_callback(lambda _, offered: b"h2" if b"h2" in offered else offered[0])
    listener = socket.create_server(("127.0.0.1", 0))

    def one(client: socket.socket) -> None:
        with client, suppress(SSL.Error):
            connection = SSL.Connection(context, client)
            connection.set_accept_state()
            connection.do_handshake()
            connection.recv(1000)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize(
    ("settings", "lost"),
    [
        ((), []),
        (("tls_ecdh_curve_client=secp256r1",), ["X25519MLKEM768 became secp256r1"]),
        (("http2=false",), ["h2 became http/1.1"]),
    ],
)
def test_a_gateway_that_loses_what_browsers_are_offered_shows(
    pki: LabPki, tmp_path: Path, settings: tuple[str, ...], lost: list[str]
) -> None:
    trust = tmp_path / "root.pem"
    trust.write_text(pki.root.pem)
    readable_by_all(tmp_path)

    async def run(port: int) -> Judgement:
        async with Mitmdump(tmp_path / "m", trust=trust, settings=settings) as mitm:
            routing = Routing(parse_proxy(mitm.url))
            options = ProbeOptions(timeout=15, routing=routing, connect_to=("127.0.0.1", port))
            session = CheckRun(pki.knowledge(), options, compare_direct=True)
            (found,) = [one async for one in session.run([parse_target("a.test")])]
            return found

    with hybrid(tmp_path, pki.issue("a.test")) as port:
        found = asyncio.run(run(port))
    told = [e.details["lost"] for e in found.evidence if e.id == "protocol-downgrade"]
    assert found.observation.browser is not None
    assert (told[0] if told else []) == lost
    (again,) = read_observations(encode_observation(found.observation))
    assert again == found.observation
