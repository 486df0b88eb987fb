"""A server that asks for the handshake anew once it is done (RFC 5246 section 7.4.1.1)."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from detector.lab.pki import LabPki
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.runs.diagnose import Investigation
from tests.live.programs import find, free_port
from tests.live.waiting import until

pytestmark = pytest.mark.live


@pytest.fixture
def asking_anew(pki: LabPki, tmp_path: Path) -> Iterator[int]:
    """`openssl s_server` over TLS 1.2 that is told "r" (send a HelloRequest) after each handshake.

    It has no sessions to resume: a client that then begins anew holds one without a cipher.
    """
    credential, port = pki.issue("localhost"), free_port()
    (tmp_path / "chain.pem").write_text(credential.chain_pem)
    (tmp_path / "key.pem").write_text(credential.key_pem)
    command = [
        find("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_2", "-no_ticket", "-no_cache",
        "-cert", str(tmp_path / "chain.pem"), "-key", str(tmp_path / "key.pem"),
    ]  # fmt: skip
    ended = threading.Event()
    said = tmp_path / "said"
    with (
        said.open("wb") as told,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=told, stderr=told) as server,
    ):
        assert server.stdin is not None
        until(lambda: b"ACCEPT" in said.read_bytes(), "openssl")

        def ask() -> None:
            done = 0
            while not ended.wait(0.01):
                now = said.read_bytes().count(b"Secure Renegotiation IS")
                if now > done:
                    with suppress(BrokenPipeError):
                        server.stdin.write(b"r\n")
                        server.stdin.flush()
                done = now

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            yield port
        finally:
            ended.set()
            server.kill()
            asking.join()
            with suppress(BrokenPipeError):
                server.stdin.close()


def test_a_hello_request_after_the_handshake_ends_no_diagnosis(
    asking_anew: int, pki: LabPki
) -> None:
    how = Investigation(ProbeOptions(timeout=20))
    found = asyncio.run(how.of(parse_target(f"localhost:{asking_anew}"), pki.knowledge()))
    assert found.inquiry.observation.handshake is not None
    assert found.inquiry.observation.handshake.completed
    assert found.inquiry.application is not None
    assert found.inquiry.resumption is None
