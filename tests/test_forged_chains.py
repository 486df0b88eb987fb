"""Chains that real interceptors minted, judged offline: see tests/data/README.md."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from detector.judging.judge import judge_all
from detector.knowledge.assemble import assemble
from detector.known.knowledge import Knowledge
from detector.model.observation import Observation

DATA = Path(__file__).parent / "data"


class Line(msgspec.Struct):
    engine: str
    observation: Observation


def recorded() -> dict[str, list[Observation]]:
    found: dict[str, list[Observation]] = defaultdict(list)
    for line in (DATA / "forged_chains.ndjson").read_bytes().splitlines():
        item = msgspec.json.decode(line, type=Line)
        found[item.engine].append(item.observation)
    return found


CHAINS = recorded()
FORGERS = sorted(CHAINS.keys() - {"genuine"})
# Recordings whose leaf carries no shape of its own: certificates the operator made beforehand.
SHAPELESS = {"nginx-term", "stunnel"}
# They send a fresh key, no root and no key identifier: nothing certain to share.
ANONYMOUS = {
    "anyproxy", "e2guardian", "hiproxy", "http-mitm-proxy", "node-mitmproxy", "pymitm", "pywb",
}  # fmt: skip
SHAPELESS_LEAVES = {("haproxy", "origin.test"), ("squid-permissive", "selfsigned.test")}
ENGINES = {
    "mitmproxy-insecure": "mitmproxy",
    "mitmproxy-noupstreamcert": "mitmproxy",
    "mitmproxy9": "mitmproxy",
    "proxypy": "proxy.py",
    "squid-p256": "squid",
    "squid-permissive": "squid",
    "squid-rsa4096": "squid",
    "sslsplit-p256": "sslsplit",
}


@pytest.fixture(scope="module")
def lab() -> Knowledge:
    return assemble(roots=DATA / "forged_chains_root.pem")


def good(engine: str) -> list[Observation]:
    return [o for o in CHAINS[engine] if o.target.host in ("origin.test", "other.test")]


def has_shape(engine: str, host: str) -> bool:
    return engine not in SHAPELESS and (engine, host) not in SHAPELESS_LEAVES


def test_everything_recorded_is_here() -> None:
    assert len(FORGERS) == 26
    assert sum(len(CHAINS[e]) for e in FORGERS) == 103


@pytest.mark.parametrize("engine", FORGERS)
def test_two_good_hosts_together_are_intercepted_and_the_engine_named(
    engine: str, lab: Knowledge
) -> None:
    for found in judge_all(good(engine), lab):
        assert found.verdict == "intercepted", found.observation.target.host
        if has_shape(engine, found.observation.target.host):
            assert found.interceptor is not None
            assert found.interceptor.engine == ENGINES.get(engine, engine)


@pytest.mark.parametrize("engine", FORGERS)
def test_each_chain_alone_is_intercepted_where_it_has_a_shape_and_never_clean(
    engine: str, lab: Knowledge
) -> None:
    for observation in CHAINS[engine]:
        (found,) = judge_all([observation], lab)
        shaped = has_shape(engine, observation.target.host)
        expected = "intercepted" if shaped else "suspect"
        assert found.verdict == expected, observation.target.host


@pytest.mark.parametrize("engine", FORGERS)
def test_a_forger_in_no_table_is_still_caught_by_path_profile_and_sharing(
    engine: str, lab: Knowledge
) -> None:
    blind = replace(lab, engines=(), products=())
    verdicts = [found.verdict for found in judge_all(CHAINS[engine], blind)]
    anonymous = engine in ANONYMOUS
    assert set(verdicts) == {"suspect" if anonymous else "intercepted"}


def test_a_renamed_ca_is_recognised_by_shape_alone(lab: Knowledge) -> None:
    nameless = replace(lab, products=())
    for engine in FORGERS:
        for observation in CHAINS[engine]:
            if has_shape(engine, observation.target.host):
                (found,) = judge_all([observation], nameless)
                assert found.interceptor is not None
                assert found.interceptor.engine == ENGINES.get(engine, engine)


def test_genuine_chains_with_a_copied_sct_are_never_intercepted(lab: Knowledge) -> None:
    for found in judge_all(CHAINS["genuine"], lab):
        assert found.verdict in ("consistent", "suspect")


def test_no_engine_claims_a_genuine_chain(lab: Knowledge) -> None:
    for found in judge_all(CHAINS["genuine"], lab):
        assert "engine-match" not in {e.id for e in found.evidence}
