"""A real script in a real child, and what comes of one that does harm."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from detector.errors import ConfigError, FetchError, ProxyError
from detector.net import pac
from detector.net.pac import PacFile, open_pac
from detector.net.routes import Proxy

ANSWERS = """
function FindProxyForURL(url, host) {
  if (url.split("/")[2].indexOf(":8443") > 0) return "PROXY port:8443";
  if (dnsDomainIs(host, ".corp.example") || isPlainHostName(host)) return "DIRECT";
  if (isInNet(host, "192.0.2.0", "255.255.255.0")) return "SOCKS5 inner:1080";
  return "PROXY one:3128; HTTPS two:3129; DIRECT";
}
"""
ONE = Proxy("http-connect", "one", 3128)
TWO = Proxy("http-connect", "two", 3129, tls=True)


@pytest.fixture
def script() -> Iterator[PacFile]:
    found = PacFile(ANSWERS, "the PAC file of AUTO_PROXY")
    yield found
    found.close()


def test_each_host_has_its_ways_in_order(script: PacFile) -> None:
    assert script.ways("a.example", 443) == (ONE, TWO, None)
    assert script.ways("wiki.corp.example", 443) == (None,)
    assert script.ways("printer", 443) == (None,)
    assert script.ways("192.0.2.9", 443) == (Proxy("socks5", "inner", 1080),)
    assert script.ways("a.example", 8443) == (Proxy("http-connect", "port", 8443),)
    named = script.ways("a.example", 443)[0]
    assert named is not None
    assert named.route.named_by == "the PAC file of AUTO_PROXY"


def test_a_way_that_failed_comes_last_from_then_on(script: PacFile) -> None:
    assert script.ways("a.example", 443)[0] == ONE
    script.failed(ONE)
    assert script.ways("a.example", 443) == (TWO, None, ONE)
    assert script.ways("b.example", 443) == (TWO, None, ONE)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("function FindProxyForURL(u, h) { throw 'no\\n\\u001b[31m'; }", "no answer: no"),
        ("this is no script", "SyntaxError"),
        ("var x = 1;", "not defined"),
        ("function FindProxyForURL(u, h) { return 'SOCKS4 a:1; CARRIER pigeon'; }", "SOCKS4, CARRIER"),
        ("function FindProxyForURL(u, h) { return require('/etc/passwd'); }", "no answer"),
    ],
)  # fmt: skip
def test_a_script_without_an_answer_says_why(source: str, why: str) -> None:
    script = PacFile(source, "the PAC file of --proxy")
    for _ in range(2):
        with pytest.raises(ProxyError, match=why) as caught:
            script.ways("a.example", 443)
        assert caught.value.fault == "pac"
        assert caught.value.message.isprintable()
    script.close()


def test_time_and_memory_of_a_script_are_bounded() -> None:
    hostile = (
        "function FindProxyForURL(u, h) { while (true); }",
        "while (true);",
        "var a = []; function FindProxyForURL(u, h) { for (;;) a.push(new Array(1e6).join(a.length)); }",
    )

    def ended(source: str) -> float:
        script = PacFile(source, "the PAC file of --proxy")
        start = time.monotonic()
        for _ in range(2):
            with pytest.raises(ProxyError):
                script.ways("a.example", 443)
        script.close()
        return time.monotonic() - start

    with ThreadPoolExecutor(3) as together:
        assert max(together.map(ended, hostile)) < 10 * pac.WALL_SECONDS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else to become")
def test_the_child_is_nobody_where_root_runs_it(script: PacFile) -> None:
    script.ways("a.example", 443)
    child = script._child
    assert child is not None
    status = Path(f"/proc/{child.pid}/status").read_text()
    assert "Uid:\t65534\t65534\t65534\t65534" in status
    limits = Path(f"/proc/{child.pid}/limits").read_text()
    assert "Max address space         536870912" in limits
    assert "Max file size             0" in limits
    assert "PROXY" not in Path(f"/proc/{child.pid}/environ").read_text().upper()


def test_a_file_is_opened_by_its_url_or_its_path(tmp_path: Path) -> None:
    path = tmp_path / "the proxies.pac"
    path.write_text(ANSWERS)
    for url in (path.as_uri(), str(path)):
        opened = open_pac(url, "--proxy")
        assert opened.ways("a.corp.example", 443) == (None,)
        opened.close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_file_is_fetched_also_where_a_loop_is_running(tmp_path: Path) -> None:
    (tmp_path / "proxy.pac").write_text(ANSWERS)

    async def opened(url: str) -> PacFile:
        return open_pac(url, "AUTO_PROXY")

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        try:
            found = asyncio.run(opened(f"http://127.0.0.1:{server.server_port}/proxy.pac"))
        finally:
            server.shutdown()
            serving.join()
    assert found.ways("a.corp.example", 443) == (None,)
    found.close()


def test_what_cannot_be_opened_is_said_without_a_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no PAC file"):
        open_pac(f"{tmp_path}/none.pac", "AUTO_PROXY")
    with pytest.raises(ConfigError, match="no place"):
        open_pac("ftp://a.example/proxy.pac", "AUTO_PROXY")
    with pytest.raises(ConfigError, match="without a login") as caught:
        open_pac("https://ann:sesame@a.example/proxy.pac", "AUTO_PROXY")
    assert "sesame" not in str(caught.value)
    large = tmp_path / "large.pac"
    large.write_bytes(b" " * (pac.MAX_SOURCE + 1))
    with pytest.raises(ConfigError, match="larger than"):
        open_pac(str(large), "AUTO_PROXY")
    with pytest.raises(FetchError):
        open_pac("http://127.0.0.1:1/proxy.pac", "AUTO_PROXY")
