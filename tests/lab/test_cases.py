"""Every case is broken as it says: diagnose names its cause first, and blames no healthy one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from detector.knowledge.explanations import error_table
from detector.known.knowledge import Knowledge
from detector.lab.cases import CASES, Case, case
from detector.lab.world import open_world
from detector.model.inquiry import Diagnosis
from detector.model.targets import parse_target
from detector.net.fetch import FetchOptions
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing, parse_proxy
from detector.report.diagnose_text import render
from detector.runs.diagnose import Investigation
from tests.report.telling import plain, told_twice


async def investigated(one: Case, port: int, folder: Path, known: Knowledge) -> Diagnosis:
    """A case that is served, diagnosed in this process as its words say."""
    *words, target_text = one.words(port, folder)
    given = dict(zip(words[::2], words[1::2], strict=True))
    target = parse_target(target_text)
    if "--sni" in given:
        target = replace(target, sni=given["--sni"] or None)
    certificate = given.get("--client-cert")
    proxy = given.get("--proxy")
    # Nobody waits where something answers.
    patience = 1.5 if one.cause in ("connection-timeout", "silent-drop") else 15.0
    options = ProbeOptions(
        timeout=patience,
        connect_to=("127.0.0.1", port) if "--connect" in given else None,
        routing=Routing(parse_proxy(proxy) if proxy else None),
        credential=(certificate, certificate) if certificate else None,
    )
    root = str(folder / "root.pem")
    how = Investigation(
        options,
        fetch=FetchOptions(timeout=patience, attempts=1),
        roots=root,
    )
    said = ("--roots", root, "--ct-logs", str(folder / "logs.json"), *_way(words))
    return await how.of(target, replace(known, words=said))


def _way(words: list[str]) -> list[str]:
    """The words that a command repeats: a client's certificate is no part of the way."""
    pairs = zip(words[::2], words[1::2], strict=True)
    return [w for pair in pairs if pair[0] not in ("--client-cert", "--timeout") for w in pair]


def diagnosed(one: Case, folder: Path) -> Diagnosis:
    """The case served and diagnosed."""

    async def run() -> Diagnosis:
        async with open_world(folder) as pki, one.make(pki) as server:
            return await investigated(one, server.port, folder, pki.knowledge())

    found = asyncio.run(run())
    assert told_twice(plain(render(found))) == []
    return found


@pytest.mark.parametrize("one", [c for c in CASES if c.cause != "healthy"], ids=lambda c: c.id)
def test_the_cause_of_a_broken_server_is_named_first(one: Case, tmp_path: Path) -> None:
    found = diagnosed(one, tmp_path)
    assert [cause.id for cause in found.causes][:1] == [one.cause]
    assert (found.judgement.verdict == "intercepted") == (one.cause == "tls-intercepted")


@pytest.mark.parametrize("one", [c for c in CASES if c.cause == "healthy"], ids=lambda c: c.id)
def test_a_healthy_server_is_not_blamed(one: Case, tmp_path: Path) -> None:
    found = diagnosed(one, tmp_path)
    assert found.causes == ()
    assert found.flips == ()
    assert found.judgement.verdict == "direct"
    assert {step.status for step in found.steps} <= {"ok", "skipped"}


def test_cases_are_named_once_and_have_causes_of_the_catalogue() -> None:
    names = [one.id for one in CASES]
    assert len(set(names)) == len(names)
    assert {one.cause for one in CASES} - {"healthy"} <= set(error_table().causes)
    assert case("expired") is CASES[0]
    assert case("nonsense") is None


def test_there_are_enough_of_each_kind() -> None:
    healthy = [one for one in CASES if one.cause == "healthy"]
    assert len(healthy) >= 12
    assert len(CASES) - len(healthy) >= 45
