"""Every case for servers of x509-limbo, beside what is expected there; each difference has a reason."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

from detector.chain.certificate import split_pem
from detector.evidence.examination import Examination
from detector.judging.judge import judge_all
from detector.knowledge.assemble import assemble
from detector.model.observation import Handshake, Observation, Target
from tests.comparison import DATA, accepted, compared, differences, knowledge, totals

TODAY = datetime(2026, 11, 29, tzinfo=UTC)


def cases() -> list[dict[str, Any]]:
    """Those that ask about a server."""
    text = gzip.decompress((DATA / "limbo" / "limbo.json.gz").read_bytes())
    return [one for one in json.loads(text)["testcases"] if one["validation_kind"] == "SERVER"]


def ders(pems: list[str]) -> list[bytes]:
    return [data for pem in pems for data in split_pem(pem.encode())]


def taken(case: dict[str, Any]) -> bool:
    name = case["expected_peer_name"]
    host = name["value"] if name else "example.com"
    time = case["validation_time"]
    observation = Observation(
        datetime.fromisoformat(time) if time else TODAY,
        Target(host, sni=host),
        chain=tuple(ders([case["peer_certificate"], *case["untrusted_intermediates"]])),
        handshake=Handshake(True),
    )
    ignored = frozenset() if name else frozenset(("hostname-mismatch",))
    return accepted(observation, knowledge(ders(case["trusted_certs"])), ignored)


def test_every_difference_from_limbo_has_a_reason() -> None:
    ours = {case["id"]: taken(case) for case in cases()}
    theirs = {case["id"]: case["expected_result"] == "SUCCESS" for case in cases()}
    found = compared(ours, theirs)
    print(totals(ours, found))
    assert len(ours) == 198
    assert found == differences("limbo")


def test_the_real_chains_are_consistent_from_a_file_and_direct_after_a_handshake() -> None:
    known = assemble(local=False)
    real = [case for case in cases() if case["id"].startswith("online::")]
    statuses: list[str] = []
    for case in real:
        host = case["expected_peer_name"]["value"]
        chain = tuple(ders([case["peer_certificate"], *case["untrusted_intermediates"]]))
        at = datetime.fromisoformat(case["validation_time"])
        for handshake, verdict in ((None, "consistent"), (Handshake(True), "direct")):
            seen = Observation(at, Target(host, sni=host), chain=chain, handshake=handshake)
            (found,) = judge_all([seen], known)
            assert (host, found.verdict) == (host, verdict)
        statuses += [result.status for result in Examination(seen, known).scts]
    assert (len(real), len(statuses), set(statuses)) == (14, 38, {"valid"})
