"""What real servers answer past the proxy: those of the lab, each with its own fault."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from addons.bypass.rechecking import Server
from addons.store.servers import servers_now
from detector.lab.cases import case
from detector.lab.world import open_world
from detector.model.observation import Target
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing, parse_proxy


def asked(folder: Path, name: str, *, thorough: bool) -> Server:
    """What one of the lab's servers is found to answer."""
    one = case(name)
    assert one is not None

    async def run() -> Server:
        async with open_world(folder) as pki, one.make(pki) as server:
            target = Target("localhost", server.port, sni="localhost")
            found = await servers_now([(target, thorough)], ProbeOptions(timeout=15))
            return found["localhost", server.port]

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("client-certificate", "asks"),
        ("client-certificate-1.2", "asks"),
        ("client-certificate-http", "asks"),
        ("tls-1.0", "old"),
        ("tls-1.1", "old"),
    ],
)
def test_what_a_rule_was_made_for_is_still_there(tmp_path: Path, name: str, answer: str) -> None:
    found = asked(tmp_path, name, thorough=True)
    assert found.answer == answer, found
    assert found.thorough


@pytest.mark.parametrize("name", ["self-signed", "expired", "healthy"])
def test_a_server_that_completes_is_mended_whatever_its_certificate_is(
    tmp_path: Path, name: str
) -> None:
    found = asked(tmp_path, name, thorough=True)
    assert found.answer == "completed", found
    assert "wants no certificate" in found.text


@pytest.mark.parametrize(
    ("name", "answer"), [("plain-http", "not-tls"), ("ssh", "not-tls"), ("tls-1.0", "old")]
)
def test_a_plain_probe_tells_what_is_no_tls_from_nobody(
    tmp_path: Path, name: str, answer: str
) -> None:
    assert asked(tmp_path, name, thorough=False).answer == answer


def test_nobody_is_silent_and_one_probe_says_nothing_of_certificates(tmp_path: Path) -> None:
    nobody = Target("gone.invalid", 443, sni="gone.invalid")
    closed = Target("127.0.0.1", 9)
    found = asyncio.run(servers_now([(nobody, False), (closed, True)], ProbeOptions(timeout=2)))
    assert {one.answer for one in found.values()} == {"silent"}
    assert "gone.invalid:443 past the proxy: " in found["gone.invalid", 443].text
    assert "certificate" not in asked(tmp_path, "self-signed", thorough=False).text


def test_a_proxy_on_the_way_that_is_gone_says_nothing_of_the_server() -> None:
    upstream = Routing(parse_proxy("http://ann:secret@127.0.0.1:9"))
    target = Target("bank.example", 443, sni="bank.example")
    for thorough in (False, True):
        found = asyncio.run(
            servers_now([(target, thorough)], ProbeOptions(timeout=2, routing=upstream))
        )
        (one,) = found.values()
        assert one.answer == "unasked", one
        assert "secret" not in one.text
