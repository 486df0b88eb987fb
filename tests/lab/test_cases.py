"""Every case is broken as it says: `check` names its cause, and blames no healthy one."""

from __future__ import annotations

import asyncio

import pytest

from detector.judging import judge_all
from detector.knowledge.explanations import error_table
from detector.lab.cases import CASES, HOST, Case, case
from detector.lab.pki import LabPki
from detector.net.probe import ProbeOptions, probe
from detector.targets import parse_target

# What a single lenient handshake cannot tell: it takes any key and any version, and the alert
# handshake_failure does not say what failed.
UNTOLD: dict[str, list[str]] = {
    "weak-key": [],
    "tls-1.0": [],
    "no-encryption": ["other-alert"],
    "client-certificate": ["other-alert"],
}


def causes(one: Case, pki: LabPki) -> tuple[str, list[str]]:
    async def run() -> tuple[str, list[str]]:
        async with one.make(pki) as server:
            options = ProbeOptions(timeout=1.5)
            seen = await probe(parse_target(f"{HOST}:{server.port}"), options)
        (judgement,) = judge_all([seen], pki.knowledge())
        return judgement.verdict, [cause.id for cause in judgement.causes]

    return asyncio.run(run())


@pytest.mark.parametrize("one", [c for c in CASES if c.cause != "healthy"], ids=lambda c: c.id)
def test_check_names_the_cause_of_a_broken_server(one: Case, pki: LabPki) -> None:
    verdict, found = causes(one, pki)
    assert found[:1] == UNTOLD.get(one.id, [one.cause])
    assert verdict != "intercepted"


@pytest.mark.parametrize("one", [c for c in CASES if c.cause == "healthy"], ids=lambda c: c.id)
def test_a_healthy_server_is_not_blamed(one: Case, pki: LabPki) -> None:
    assert causes(one, pki) == ("direct", [])


def test_cases_are_named_once_and_have_causes_of_the_catalogue() -> None:
    names = [one.id for one in CASES]
    assert len(set(names)) == len(names)
    assert {one.cause for one in CASES} - {"healthy"} <= set(error_table().causes)
    assert case("expired") is CASES[0]
    assert case("nonsense") is None
