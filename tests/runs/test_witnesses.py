"""When canaries are asked. What they then show is in tests/live/test_canaries.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from detector.judging.docket import Docket
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge, Policy
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation, Target
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing, parse_proxy
from detector.runs.witnesses import ASKED, Witnesses
from tests.conftest import Observe


def asked(known: Knowledge, *seen: Observation, **how: object) -> list[str]:
    """The hosts that a proxy is asked for, after these observations of one run."""
    names: list[str] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        names.append(line.split()[1].decode().partition(":")[0])
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            routing = Routing(parse_proxy(f"http://127.0.0.1:{port}"))
            given = {"timeout": 3.0, "routing": routing, **how}
            allowed = bool(given.pop("allowed", True))
            options = ProbeOptions(**given)  # type: ignore[arg-type]
            witnesses = Witnesses(known, options, allowed=allowed)
            docket: Docket[int] = Docket(known)
            for one in seen:
                await witnesses.hear(one, docket)

    asyncio.run(run())
    return names


@pytest.fixture
def doubted(corporate: Authority, observe: Observe) -> Observation:
    target = Target("a.com", sni="a.com")
    return observe("a.com", (corporate.issue("a.com").der, corporate.der), target=target)


def test_a_private_path_on_a_public_name_has_three_canaries_asked_once_a_run(
    known: Knowledge, doubted: Observation
) -> None:
    names = asked(known, doubted, doubted)
    assert len(names) == len(set(names)) == ASKED
    assert set(names) <= known.canaries


def test_a_certificate_that_nobody_can_read_has_them_asked_too(
    known: Knowledge, doubted: Observation
) -> None:
    assert len(asked(known, replace(doubted, chain=(b"\x30\x03abc",)))) == ASKED


def test_where_all_is_well_nobody_is_asked(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    public = observe("a.com", pki.issue("a.com"), target=Target("a.com", sni="a.com"))
    inside = observe(
        "wiki.corp", corporate.issue("wiki.corp"), target=Target("wiki.corp", sni="wiki.corp")
    )
    failed = replace(public, chain=())
    assert asked(known, public, inside, failed) == []


def test_where_the_way_was_fixed_or_it_is_forbidden_nobody_is_asked(
    known: Knowledge, doubted: Observation
) -> None:
    target = doubted.target
    for changed in (
        replace(target, sni="b.org"), replace(target, sni=None), replace(target, pinned_address=True),
        replace(target, host="192.0.2.1", sni=None),
    ):  # fmt: skip
        assert asked(known, replace(doubted, target=changed)) == []
    assert asked(known, doubted, connect_to=("127.0.0.1", 9)) == []
    assert asked(known, doubted, allowed=False) == []
    assert asked(replace(known, lab=True), doubted) == []
    assert asked(replace(known, canaries=frozenset()), doubted) == []
    declared = replace(known, policy=Policy(internal=(HostPattern("a.com"),)))
    assert asked(declared, doubted) == []
