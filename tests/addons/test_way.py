"""What one way showed, read from real chains."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from addons.bypass.way import way_of
from detector.chain.certificate import read_certificate
from detector.judging.judge import judge_all
from detector.lab.pki import Authority, LabPki
from detector.model.observation import (
    Alert,
    Failure,
    Handshake,
    Judgement,
    Observation,
    ProxyAnswer,
    Route,
    Target,
)

PKI = LabPki()
TARGET = Target("bank.example", sni="bank.example")


def judged(chain: tuple[bytes, ...], **more: object) -> Judgement:
    seen = Observation(
        at=datetime.now(UTC), target=TARGET, chain=chain,
        handshake=Handshake(completed=True, version="TLSv1.3"), **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return judge_all([seen], PKI.knowledge())[0]


def test_a_public_chain_is_read_with_its_key_its_signer_and_its_logs() -> None:
    credential = PKI.issue("bank.example")
    way = way_of(judged(credential.chain))
    leaf, above = (read_certificate(der) for der in credential.chain[:2])
    assert (way.verdict, way.completed, way.leaf) == ("direct", True, leaf.spki_sha256)
    assert way.signer == above.spki_sha256
    assert len(way.chain) == len(credential.chain)
    assert way.scts
    assert way.of_ca is None


def test_the_proxys_ca_is_known_by_its_key_directly_or_above() -> None:
    ca = Authority("gateway", profile=False)
    below = Authority("gateway issuing", parent=ca, profile=False)
    given = read_certificate(ca.der)
    for authority, expected in ((ca, True), (below, True), (Authority("gateway"), False)):
        way = way_of(judged(authority.issue("bank.example").chain), given)
        assert way.of_ca is expected


def test_a_certificate_that_is_none_gives_no_key() -> None:
    way = way_of(judged((b"\x30\x03nonsense",)))
    assert (way.leaf, way.chain, way.signer, way.scts) == (None, (), None, ())


def test_trouble_keeps_what_the_proxy_said_and_the_servers_alert() -> None:
    failure = Failure("proxy", "proxy-refused", "403", proxy=ProxyAnswer("policy", 403))
    seen = Observation(
        at=datetime.now(UTC), target=TARGET, route=Route("http-connect", "p:1"), failure=failure,
        alerts=(Alert("client", 42, "x", fatal=True), Alert("server", 49, "y", fatal=True)),
    )  # fmt: skip
    way = way_of(judge_all([seen], PKI.knowledge())[0])
    assert way.proxy == "p:1"
    assert way.trouble is not None
    assert (way.trouble.fault, way.trouble.alert) == ("policy", 49)


def test_bytes_that_are_no_handshake_have_no_fingerprint() -> None:
    seen = judged(PKI.issue("bank.example").chain)
    odd = replace(seen.observation, server_bytes=b"\x16\x03\x03\xff\xff\x02" + b"x" * 40)
    assert way_of(replace(seen, observation=odd)).ja3s is None
