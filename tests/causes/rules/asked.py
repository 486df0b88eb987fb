"""A server of a test's own, diagnosed: what rules are told comes from real bytes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from detector.lab.loopback import Loopback
from detector.lab.pki import LabPki
from detector.model.inquiry import Diagnosis, FoundCause
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.runs.diagnose import Investigation


def diagnosed(
    server: Loopback, pki: LabPki, host: str = "localhost", timeout: float = 20.0
) -> Diagnosis:
    """`server`, asked for `host` wherever that leads."""

    async def run() -> Diagnosis:
        async with server as started:
            target = replace(parse_target(host), port=started.port)
            options = ProbeOptions(timeout=timeout, connect_to=("127.0.0.1", started.port))
            return await Investigation(options).of(target, pki.knowledge())

    return asyncio.run(run())


def causes(found: Diagnosis) -> dict[str, FoundCause]:
    return {cause.id: cause for cause in found.causes}
