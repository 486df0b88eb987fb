from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.shipped import engines, honest_shapes
from detector.lab.pki import Authority
from detector.runs.engines import chain_of, learn_engine, shapes_below
from tests.test_forged_chains import CHAINS, good


@pytest.mark.parametrize(
    "engine", ["mitmproxy", "squid", "sslsplit-p256", "e2guardian", "hiproxy", "proxypy", "whistle"]
)
def test_two_recorded_leaves_teach_a_row_that_knows_both_and_hits_no_honest_one(
    engine: str,
) -> None:
    learned = learn_engine(good(engine))
    assert learned.characteristic
    assert (learned.hits, learned.rule.weak) == ((), False)
    assert learned.measured == len(honest_shapes())


@pytest.mark.parametrize("engine", ["nginx-term", "stunnel"])
def test_certificates_that_an_operator_made_teach_a_weak_row_at_most(engine: str) -> None:
    assert learn_engine(good(engine)).rule.weak


def test_a_learnt_row_matches_what_it_was_learnt_from_and_other_hosts_behind_the_program() -> None:
    learned = learn_engine(good("anyproxy"))
    from detector.runs.engines import shape_of

    for seen in CHAINS["anyproxy"]:
        assert learned.rule.matches(shape_of(seen.chain, seen.target.host))
    assert len(engines()) == 17


def test_a_folder_of_honest_chains_counts_beside_ours(tmp_path: Path, corporate: Authority) -> None:
    for host in ("a.example", "b.example"):
        (tmp_path / f"{host}.pem").write_text(corporate.issue(host).chain_pem)
    (tmp_path / "notes.txt").write_text("no certificate")
    (tmp_path / "broken.pem").write_text(
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    )
    (tmp_path / "one.der").write_bytes(corporate.der)
    found = [known.origin for known in shapes_below(tmp_path)]
    assert found == ["a.example.pem", "b.example.pem", "one.der"]
    learned = learn_engine(good("mitmproxy"), tmp_path)
    assert learned.measured == len(honest_shapes()) + 3


def test_what_is_no_folder_and_no_chain_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        learn_engine(good("mitmproxy"), tmp_path / "missing")
    with pytest.raises(ConfigError, match="no habits"):
        learn_engine(good("mitmproxy")[:1])
    assert chain_of(tmp_path) == ()
