"""Honest chains of every kind must never be called intercepted: the product's worst bug."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import certifi
import msgspec
import pytest

from detector.chain.certificate import Certificate, split_pem
from detector.errors import TlsightError
from detector.judging.judge import judge_all
from detector.knowledge.assemble import assemble
from detector.known.knowledge import Knowledge
from detector.lab.ct_log import LabLog
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Handshake, Observation, Target
from detector.model.targets import parse_target
from tests.conftest import NOW, Observe

PACKAGES = (
    "cryptography_vectors",
    "asn1crypto_tests",
    "oscrypto_tests",
)


def leaves_of(package: str) -> list[Observation]:
    """Every leaf certificate among a package's files, asked for by its own name."""
    found: list[Observation] = []
    spec = find_spec(package)  # not imported: one of them needs a module that Python has lost
    assert spec is not None
    assert spec.origin is not None
    for path in sorted(Path(spec.origin).parent.rglob("*")):
        if path.suffix not in (".pem", ".crt", ".cer", ".der"):
            continue
        if "PKITS_data" in path.parts:
            continue  # leaves of one CA for twenty years, which no public CA ever issued
        data = path.read_bytes()
        try:
            chain = split_pem(data) or ([data] if data[:1] == b"\x30" else [])
            leaf = Certificate(chain[0])
            names = leaf.dns_names or tuple(leaf.subject_fields.get("CN", ()))
            target = parse_target(names[0].removeprefix("*."))
            if leaf.basic_constraints and leaf.basic_constraints[0]:
                continue
        except (TlsightError, IndexError):
            continue  # keys, CRLs, deliberately broken files, people's names
        at = leaf.not_before + timedelta(days=1)
        found.append(Observation(at, target, chain=tuple(chain), handshake=Handshake(True)))
    return found


@pytest.fixture(scope="module")
def world() -> Knowledge:
    return assemble()


def test_public_leaves_of_the_test_packages_are_never_intercepted(world: Knowledge) -> None:
    leaves = [leaf for package in PACKAGES for leaf in leaves_of(package)]
    assert len(leaves) > 80
    together = judge_all(leaves, world)
    wrong = [j for j in together if j.verdict == "intercepted"]
    assert [(j.observation.target.host, j.decided_by) for j in wrong] == []
    for leaf in leaves:
        (alone,) = judge_all([leaf], world)
        assert alone.verdict != "intercepted", leaf.target.host


def test_every_root_of_certifi_served_as_a_site_is_not_intercepted(world: Knowledge) -> None:
    """A root shown as a leaf is odd, but it is nobody's interception."""
    for der in split_pem(Path(certifi.where()).read_bytes()):
        root = Certificate(der)
        at = root.not_before + timedelta(days=1)
        shown = Observation(at, Target("ca.com"), chain=(der,), handshake=Handshake(True))
        (found,) = judge_all([shown], world)
        assert found.verdict != "intercepted", root.subject_text


@pytest.fixture
def pool(pki: LabPki, corporate: Authority) -> dict[str, tuple[str, tuple[bytes, ...]]]:
    """Name -> (host, chain) of honest chains as they occur."""
    leaf = pki.issue("www.shop.com")
    retired = Authority("Retired Root")
    crossed = Authority("Crossed CA", parent=pki.root, logs=pki.logs)
    twin = Authority("Crossed CA", parent=retired, key=crossed.key)
    under_crossed = crossed.issue("cross.com")
    return {
        "intranet": ("wiki.corp", (*corporate.issue("wiki.corp").chain, corporate.der)),
        "intranet by address": ("10.1.2.3", (*corporate.issue("10.1.2.3").chain, corporate.der)),
        "router": ("192.168.1.1", (Authority("router").der,)),
        "self-signed": ("hobby.org", (Authority("hobby.org").der,)),
        "private CA on one public name": ("vpn.corp.com", corporate.issue("vpn.corp.com").chain),
        "public without SCT": ("nosct.com", pki.issue("nosct.com", logs=()).chain),
        "public, unknown log": ("newlog.com", pki.issue("newlog.com", logs=[LabLog("n")]).chain),
        "public": ("www.shop.com", leaf.chain),
        "reversed": ("www.shop.com", (leaf.der, *reversed(leaf.chain[1:]), pki.root.der)),
        "extra certificates": ("www.shop.com", (*leaf.chain, corporate.der, retired.der)),
        "twice": ("www.shop.com", leaf.chain * 2),
        "forgotten intermediate": ("www.shop.com", (leaf.der,)),
        "cross-signed": ("cross.com", (under_crossed.der, twin.der, crossed.der, retired.der)),
        "cross-signed, old way only": ("cross.com", (under_crossed.der, twin.der, retired.der)),
        "wrong name": ("other.com", leaf.chain),
        "wildcard": ("x.shop.com", pki.issue("*.shop.com").chain),
    }


EXPECTED = {
    "intranet": "private",
    "intranet by address": "private",
    "router": "private",
    "self-signed": "suspect",
    "private CA on one public name": "suspect",
    "public without SCT": "consistent",  # nobody looked whether one comes with the handshake
    "public, unknown log": "consistent",
    "public": "direct",
    "reversed": "direct",
    "extra certificates": "direct",
    "twice": "direct",
    "forgotten intermediate": "suspect",
    "cross-signed": "direct",
    "cross-signed, old way only": "suspect",
    "wrong name": "suspect",
    "wildcard": "direct",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_honest_chains_get_their_verdict(
    pool: dict[str, tuple[str, tuple[bytes, ...]]], known: Knowledge, observe: Observe, name: str
) -> None:
    host, chain = pool[name]
    (found,) = judge_all([observe(host, chain)], known)
    assert found.verdict == EXPECTED[name], found.evidence


def test_all_of_them_in_one_run_incriminate_nobody(
    pool: dict[str, tuple[str, tuple[bytes, ...]]], known: Knowledge, observe: Observe
) -> None:
    found = judge_all([observe(host, chain) for host, chain in pool.values()], known)
    assert "intercepted" not in {j.verdict for j in found}


@pytest.mark.parametrize("days", [-30, 400, 4000])
def test_time_does_not_make_an_interceptor(
    pki: LabPki, known: Knowledge, observe: Observe, days: int
) -> None:
    shown = observe("a.com", pki.issue("a.com"), at=NOW + timedelta(days=days))
    assert judge_all([shown], known)[0].verdict in ("direct", "suspect", "consistent")


def test_two_sites_of_a_public_ca_this_machine_has_not_heard_of(
    known: Knowledge, observe: Observe, pki: LabPki
) -> None:
    """An old certifi and a young root. Logs accept roots that are in no program, so nothing is proven."""
    young = Authority("Young Public CA", logs=pki.logs)
    shown = [observe(h, (*young.issue(h).chain, young.der)) for h in ("a.com", "b.org")]
    assert [j.verdict for j in judge_all(shown, known)] == ["suspect", "suspect"]


def test_russian_sites_under_their_states_ca(known: Knowledge, observe: Observe) -> None:
    state = Authority("Russian Trusted Sub CA", organization="The Ministry", profile=False)
    hosts = ("www.sberbank.ru", "www.vtb.ru", "xn--80ajghhoc2aj1c8b.xn--p1ai")
    shown = [observe(h, (*state.issue(h).chain, state.der)) for h in hosts]
    (row,) = [p for p in known.products if p.name == "Russian Trusted CA"]
    row = msgspec.structs.replace(row, certificates=(Certificate(state.der).sha256,))
    assert {j.verdict for j in judge_all(shown, replace(known, products=(row,)))} == {"private"}
    # Anybody may write the name: the key is the state's, or nothing is.
    assert "private" not in {j.verdict for j in judge_all(shown, known)}


def test_a_lab_flag_does_not_change_public_verdicts(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    shown = observe("a.com", pki.issue("a.com"))
    assert judge_all([shown], replace(known, lab=True))[0].verdict == "direct"
