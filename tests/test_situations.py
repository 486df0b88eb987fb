"""Honest and forged chains that others met or made, each with the verdict that is right: tests/data/situations."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from detector.judging.judge import judge_all
from detector.knowledge.assemble import assemble
from detector.known.knowledge import Knowledge
from detector.model.observation import Handshake, Observation, Target

DATA = Path(__file__).parent / "data" / "situations" / "situations.ndjson"


class Shown(msgspec.Struct):
    """What a host showed."""

    host: str
    ip: str | None
    completed: bool
    at: datetime
    chain: tuple[bytes, ...]

    @property
    def observation(self) -> Observation:
        target = Target(self.host, sni=self.host, ip=self.ip)
        handshake = Handshake(True) if self.completed else None
        return Observation(self.at, target, chain=self.chain, handshake=handshake)


class Situation(msgspec.Struct):
    """What was seen together by somebody who knows the files' contents, and the right verdict of each."""

    claim: str
    verdict: str
    seen: tuple[Shown, ...]
    roots: str | None = None
    pins: str | None = None
    policy: str | None = None
    issuers: str | None = None
    logs: str | None = None

    def known(self, folder: Path) -> Knowledge:
        def file(name: str, content: str | None) -> Path | None:
            if content is None:
                return None
            (folder / name).write_text(content)
            return folder / name

        return assemble(
            roots=file("roots.pem", self.roots), pin_file=file("pins.toml", self.pins),
            policy=file("policy.toml", self.policy), issuers=file("issuers.toml", self.issuers),
            ct_logs=file("logs.json", self.logs), local=False,
        )  # fmt: skip


SITUATIONS = [msgspec.json.decode(line, type=Situation) for line in DATA.read_bytes().splitlines()]


@pytest.mark.parametrize("one", SITUATIONS, ids=[one.claim for one in SITUATIONS])
def test_each_gets_the_verdict_that_is_right(one: Situation, tmp_path: Path) -> None:
    known = one.known(tmp_path)
    for found in judge_all([shown.observation for shown in one.seen], known):
        told = [(e.id, e.strength) for e in found.evidence]
        assert found.verdict == one.verdict, (found.observation.target.host, told)


@pytest.mark.parametrize("one", SITUATIONS, ids=[one.claim for one in SITUATIONS])
def test_whoever_is_suspect_is_told_the_innocent_explanation_and_what_decides(
    one: Situation, tmp_path: Path
) -> None:
    known = one.known(tmp_path)
    for found in judge_all([shown.observation for shown in one.seen], known):
        if found.verdict == "suspect" and found.decided_by != "malformed-certificate":
            assert found.explanation
            assert found.next_step
        if found.verdict == "private":
            assert found.explanation
