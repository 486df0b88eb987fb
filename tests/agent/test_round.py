"""What a run behind a portal makes of what answers: a portal of any kind is accused of nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from detector.agent.finding import sight
from detector.agent.known import Known
from detector.agent.round import proven
from detector.agent.settings import load
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.origin import Origin
from detector.lab.pki import Authority
from detector.model.observation import Target
from detector.net.probe import ProbeOptions, probe

HOST = "www.google.com"


@pytest.fixture(scope="module")
def known() -> Iterator[Knowledge]:
    opened = Known(load(None), {}, lambda _: None)
    found = opened.now()
    yield replace(found, canaries=found.canaries | {HOST})
    opened.close()


def standing(known: Knowledge, issuer: str, *names: str) -> str:
    """Of a public host behind a portal whose certificate this issuer made for these names."""

    async def look() -> str:
        async with Origin({HOST: Authority(issuer).issue(*names)}) as origin:
            options = ProbeOptions(connect_to=("127.0.0.1", origin.port))
            seen = await probe(Target(HOST, sni=HOST), options)
        (one,) = proven([sight(one) for one in judge_all([seen], known)])
        return one.standing

    return asyncio.run(look())


def test_a_portal_with_a_certificate_of_its_own_is_accused_of_nothing(known: Knowledge) -> None:
    for issuer in ("Portal CA", "Fortinet_CA_SSL", "Cisco Umbrella Root CA", "mitmproxy"):
        assert standing(known, issuer, "login.portal.example") == "silent"
    assert standing(known, "Hotel CA", HOST) == "silent"


def test_a_public_hosts_name_minted_by_a_gateway_is_a_finding_there_too(known: Knowledge) -> None:
    for issuer in ("Fortinet_CA_SSL", "mitmproxy"):
        assert standing(known, issuer, HOST) == "shows"


def test_a_peer_may_send_so_much_and_no_more(known: Knowledge) -> None:
    async def look(most: int) -> str:
        async with Origin({HOST: Authority("Portal CA").issue(HOST)}) as origin:
            options = ProbeOptions(connect_to=("127.0.0.1", origin.port), most=most)
            seen = await probe(Target(HOST, sni=HOST), options)
        return seen.failure.cause if seen.failure is not None else ""

    assert asyncio.run(look(400)) == "malformed-handshake"
    assert asyncio.run(look(128 << 10)) == ""
