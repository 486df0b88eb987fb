"""Checked by mypy, never run: what a user of the Python interface may write."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from detector import (
    Diagnosis,
    Evidence,
    Judgement,
    Knowledge,
    Observation,
    check,
    check_async,
    default_knowledge,
    diagnose,
    diagnose_async,
    explain,
    judge,
    load_observations,
    read_captures,
    read_logs,
    trust,
)


def sync_use() -> None:
    found = check("example.com", "example.org:8443", concurrency=2)
    assert_type(found, list[Judgement])
    for judgement in found:
        assert_type(judgement.observation, Observation)
        assert_type(judgement.evidence, tuple[Evidence, ...])
        if judgement.interceptor is not None:
            assert_type(judgement.interceptor.engine, str | None)


async def async_use() -> None:
    async for judgement in check_async(["example.com"]):
        assert_type(judgement, Judgement)


async def why_it_fails() -> None:
    for diagnosis in diagnose("example.com"):
        assert_type(diagnosis, Diagnosis)
        assert_type(diagnosis.causes[0].fix[0].config, dict[str, str])
    assert_type(await diagnose_async("example.com", "example.org"), list[Diagnosis])
    assert_type(explain("certificate has expired")[0].cause.id, str)


def offline_use(folder: Path) -> None:
    knowledge = default_knowledge(roots=folder / "roots.pem")
    assert_type(knowledge, Knowledge)
    assert_type(judge(folder / "saved.ndjson", knowledge), list[Judgement])
    saved = load_observations(folder / "chain.pem", host="example.com")
    assert_type(judge(saved), list[Judgement])


def what_was_written_down(folder: Path) -> None:
    for group in read_logs(folder / "error.log", b"a line").groups:
        assert_type(group.cause, str)
    for connection in read_captures(folder / "trace.pcap"):
        assert_type(connection.failed, bool)
    assert_type(read_captures(b"").story.failed, int)
    assert_type(trust(root=folder).findings[0].text, str)
    assert_type(check("example.com")[0].to_json(), str)


def mistakes() -> None:
    check(443)  # type: ignore[arg-type]
    judge(443)  # type: ignore[arg-type]
    check("example.com", knowledge="certifi")  # type: ignore[arg-type]
