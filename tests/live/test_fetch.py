"""Our own requests against a real nginx: HTTP/2, conditional answers, compression."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from detector.judging.judge import judge_all
from detector.lab.pki import Credential, LabPki
from detector.net.fetch import Fetched, Fetcher, FetchOptions
from tests.live.programs import Program, find

pytestmark = pytest.mark.live


class Http2(Program):
    """Nginx that serves a folder over HTTP/2 with ETags and gzip."""

    def __init__(self, folder: Path, credential: Credential) -> None:
        super().__init__(folder)
        self.credential = credential

    def command(self) -> list[str]:
        self.write("leaf.pem", self.credential.key_pem + self.credential.chain_pem)
        (self.folder / "list.json").write_text("x" * 100_000)
        path = self.folder / "nginx.conf"
        path.write_text(
            f"daemon off; user root; pid {self.folder}/pid; error_log {self.folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; gzip on; gzip_types *; server {{"
            f" listen 127.0.0.1:{self.port} ssl http2; root {self.folder};"
            f" ssl_certificate {self.folder}/leaf.pem; ssl_certificate_key {self.folder}/leaf.pem;"
            " } }\n"
        )
        return [find("nginx"), "-c", str(path), "-p", str(self.folder)]


def test_http2_answers_are_read_compared_and_judged(tmp_path: Path) -> None:
    world = LabPki()
    trust = tmp_path / "root.pem"
    trust.write_text(world.root.pem)

    async def run(port: int) -> list[Fetched]:
        async with Fetcher(FetchOptions(trust=trust)) as fetch:
            url = f"https://127.0.0.1:{port}/list.json"
            first = await fetch.get(url, limit=100_000)
            headers = {"If-Modified-Since": first.headers["last-modified"]}
            return [first, await fetch.get(url, limit=10, headers=headers)]

    with Http2(tmp_path / "nginx", world.issue("127.0.0.1")) as nginx:
        whole, unchanged = asyncio.run(run(nginx.port))
    assert (whole.status, whole.body) == (200, b"x" * 100_000)
    assert (unchanged.status, unchanged.body) == (304, b"")
    for answer in (whole, unchanged):
        assert answer.connection is not None
        assert answer.connection.handshake is not None
        assert answer.connection.handshake.alpn == "h2"
        assert judge_all([answer.connection], world.knowledge())[0].verdict == "direct"
