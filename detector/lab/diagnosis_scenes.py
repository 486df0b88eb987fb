"""Scenes of the demonstration about handshakes that fail: broken servers, and the cause they are given."""

from __future__ import annotations

from pathlib import Path

from detector.lab.cases import case
from detector.lab.expected import ExpectedRow
from detector.lab.mitmdump import Mitmdump
from detector.lab.pki import LabPki
from detector.lab.world import open_world
from detector.model.inquiry import Diagnosis
from detector.model.targets import parse_target
from detector.net.fetch import FetchOptions
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing, parse_proxy
from detector.runs.diagnose import Investigation

# Case of the lab -> the rung that breaks.
SCENES = {
    "incomplete-chain": "certificate",
    "large-hello-reset": "client-hello",
    "client-certificate": "application",
    "rc4": "server-hello",
}


async def play(folder: Path, pki: LabPki, proxy: Mitmdump, port: int) -> list[ExpectedRow]:
    """The rows.

    Args:
        folder: for the lab's files.
        pki: the world of the origin behind `proxy`.
        proxy: a mitmproxy.
        port: the origin's.

    """
    rows: list[ExpectedRow] = []
    how = Investigation(ProbeOptions(timeout=3), fetch=FetchOptions(timeout=2, attempts=1))
    async with open_world(folder) as world:
        for name, rung in SCENES.items():
            one = case(name)
            assert one is not None
            async with one.make(world) as server:
                found = await how.of(parse_target(f"localhost:{server.port}"), world.knowledge())
            expected, seen = f"{one.cause}, at {rung}", told(found)
            if name == "incomplete-chain":
                expected += ", repaired"
                seen += ", repaired" if found.repaired else ""
            rows.append(ExpectedRow(f"diagnose: {one.text}", expected, seen))
    through = ProbeOptions(
        timeout=3, connect_to=("127.0.0.1", port), routing=Routing(parse_proxy(proxy.url))
    )
    found = await Investigation(through).of(parse_target("shop.test"), pki.knowledge())
    expected = "tls-intercepted, at certificate"
    return [*rows, ExpectedRow("diagnose: a good server behind mitmproxy", expected, told(found))]


def told(diagnosis: Diagnosis) -> str:
    """First cause and broken rung."""
    broken = next((step.step for step in diagnosis.steps if step.status == "failed"), "no rung")
    first = diagnosis.causes[0].id if diagnosis.causes else "healthy"
    return f"{first}, at {broken}"
