"""Chains that real interceptors minted, judged offline: see tests/data/README.md."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from detector.judging.judge import judge_all
from detector.knowledge.assemble import assemble
from detector.known.hosts import HostPattern
from detector.known.issuers import IssuerTable, KnownIssuers
from detector.known.knowledge import Knowledge
from detector.model.observation import Judgement, Observation

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


ORIGINS = ("origin.test", "other.test")


@pytest.fixture(scope="module")
def lab() -> Knowledge:
    return assemble(roots=DATA / "forged_chains_root.pem")


@pytest.fixture(scope="module")
def logged(lab: Knowledge) -> Knowledge:
    """With what public logs would know of the origins."""
    (root,) = lab.public.certificates
    rows = [
        KnownIssuers(HostPattern(host), frozenset((root.spki_sha256,)), "CT") for host in ORIGINS
    ]
    return replace(lab, issuers=(IssuerTable(rows),))


def good(engine: str) -> list[Observation]:
    return [o for o in CHAINS[engine] if o.target.host in ORIGINS]


def has_shape(engine: str, host: str) -> bool:
    return engine not in SHAPELESS and (engine, host) not in SHAPELESS_LEAVES


def test_everything_recorded_is_here() -> None:
    assert len(FORGERS) == 26
    assert sum(len(CHAINS[e]) for e in FORGERS) == 103


def named(engine: str, found: Judgement) -> bool:
    return found.interceptor is not None and found.interceptor.engine == ENGINES.get(engine, engine)


@pytest.mark.parametrize("engine", FORGERS)
def test_a_host_that_logs_know_is_intercepted_whatever_the_forger_looks_like(
    engine: str, logged: Knowledge
) -> None:
    for knowledge in (logged, replace(logged, engines=(), products=())):
        assert {found.verdict for found in judge_all(good(engine), knowledge)} == {"intercepted"}


@pytest.mark.parametrize("engine", FORGERS)
def test_of_hosts_that_nobody_knows_a_shape_is_intercepted_and_the_rest_suspect(
    engine: str, lab: Knowledge
) -> None:
    for found in judge_all(good(engine), lab):
        shape = has_shape(engine, found.observation.target.host)
        assert found.verdict == ("intercepted" if shape else "suspect")
        assert named(engine, found) is shape


@pytest.mark.parametrize("engine", FORGERS)
def test_each_chain_alone_is_intercepted_where_it_has_a_shape_and_never_clean(
    engine: str, lab: Knowledge
) -> None:
    for observation in CHAINS[engine]:
        (found,) = judge_all([observation], lab)
        shape = has_shape(engine, observation.target.host)
        # Squid mimics the origin's own mistake as well: its leaf is for another name then.
        mimicked = (engine, observation.target.host) == ("squid-permissive", "wrong.test")
        assert found.verdict == ("intercepted" if shape and not mimicked else "suspect")


@pytest.mark.parametrize("engine", FORGERS)
def test_a_forger_in_no_table_whose_hosts_nobody_knows_is_suspect(
    engine: str, lab: Knowledge
) -> None:
    blind = replace(lab, engines=(), products=())
    assert {found.verdict for found in judge_all(CHAINS[engine], blind)} == {"suspect"}


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
