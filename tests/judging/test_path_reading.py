"""What of a judged observation is kept as a reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import msgspec
import pytest

from detector.judging.judge import judge_all
from detector.judging.path_changes import changes
from detector.judging.path_reading import reading_of, tells_of_the_path
from detector.knowledge.assemble import assemble
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, Credential, LabPki
from detector.model.observation import BrowserAnswer, Failure, Handshake, Route, Spoke, Target
from detector.model.paths import PathReading, Remembered
from tests.conftest import NOW, Observe
from tests.test_forged_chains import CHAINS, FORGERS
from tests.test_forged_chains import DATA as FORGED
from tests.test_honest_chains import PACKAGES, leaves_of
from tests.test_situations import DATA as SITUATIONS
from tests.test_situations import Situation

DONE = Handshake(True, "TLSv1.3", alpn="h2")


Read = Callable[..., PathReading]


@pytest.fixture
def read(known: Knowledge, observe: Observe) -> Read:
    def make(host: str, shown: Credential | Sequence[bytes], **changed: object) -> PathReading:
        (judged,) = judge_all([observe(host, shown, **changed)], known)
        return reading_of(judged, known)

    return make


def test_a_renewed_leaf_under_another_public_ca_is_the_same_path(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    other = pki.authority("Lab Public Intermediate 2")
    shown = [pki.issue("a.com"), pki.issue("a.com"), other.issue("a.com", logs=pki.logs)]
    readings = [
        reading_of(one, known)
        for one in judge_all([observe("a.com", each) for each in shown], known)
    ]
    assert [one.verdict for one in readings] == ["direct"] * 3
    assert readings[0] == readings[1]
    (found,) = changes((Remembered(readings[0], NOW, NOW),), readings[2])
    assert (found.kind, found.counts) == ("issuer", False)


def test_of_real_chains_on_public_paths_no_two_differ_in_what_counts_whoever_issued_them(
    tmp_path: Path,
) -> None:
    leaves = [leaf for package in PACKAGES for leaf in leaves_of(package)]
    judged = [(assemble(local=False), leaves)]
    lines = SITUATIONS.read_bytes().splitlines()
    situations = [msgspec.json.decode(line, type=Situation) for line in lines]
    judged += [
        (one.known(tmp_path), [shown.observation for shown in one.seen])
        for one in situations
        if one.verdict in ("direct", "consistent")
    ]
    readings = []
    for known, seen in judged:
        shaken = [replace(one, handshake=DONE) for one in seen]
        readings += [reading_of(one, known) for one in judge_all(shaken, known)]
    honest = [one for one in readings if one.verdict in ("direct", "consistent")]
    assert len({one.issuer for one in honest}) >= 3
    for before, now in product(honest, honest):
        found = changes((Remembered(before, NOW, NOW, 9),), now)
        assert not any(change.counts for change in found)


def test_a_real_forger_in_the_origins_place_counts() -> None:
    known = assemble(roots=FORGED / "forged_chains_root.pem")
    (genuine,) = [one for one in CHAINS["genuine"] if one.target.host == "origin.test"]
    (was,) = [reading_of(one, known) for one in judge_all([genuine], known)]
    told = {}
    for forger in FORGERS:
        for one in judge_all(CHAINS[forger], known):
            if one.observation.target.host == "origin.test" and one.verdict == "intercepted":
                found = changes((Remembered(was, NOW, NOW),), reading_of(one, known))
                told[forger] = next((change for change in found if change.kind == "verdict"), None)
    assert len(told) > 10
    assert all(one is not None and one.counts for one in told.values())
    assert told["squid-p256"].text.startswith("intercepted by ")


def test_no_key_and_no_address_of_the_host_is_kept(pki: LabPki, read: Read) -> None:
    shown = pki.issue("a.com")
    target = Target("a.com", sni="a.com", ip="192.0.2.77")
    browser = BrowserAnswer(NOW, "TLSv1.3", "X25519MLKEM768", None)
    found = read("a.com", shown, target=target, browser=browser)
    assert (found.family, found.version, found.alpn) == ("IPv4", "TLSv1.3", "h2")
    body = msgspec.json.encode(found)
    assert b"192.0.2.77" not in body
    assert msgspec.json.decode(body, type=PathReading) == found


def test_an_interceptor_is_kept_with_its_key(
    corporate: Authority, pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    hosts = ("github.com", "www.wikipedia.org", "www.bbc.co.uk")
    seen = [observe(host, corporate.issue(host)) for host in hosts]
    found = [reading_of(one, known) for one in judge_all(seen, known)]
    assert {one.verdict for one in found} == {"intercepted"}
    assert {(one.who, bool(one.issuer_key)) for one in found} == {(found[0].who, True)}
    assert "Example Corp CA" in found[0].issuer


def test_one_host_that_is_suspect_and_two_that_prove_it_are_one_path(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    hosts = ("www.first.com", "www.second.net", "github.com")
    seen = [observe(host, corporate.issue(host)) for host in hosts]
    (alone,) = (reading_of(one, known) for one in judge_all(seen[:1], known))
    together = reading_of(judge_all(seen, known)[0], known)
    assert alone.verdict != together.verdict == "intercepted"
    found = changes((Remembered(alone, NOW, NOW),), together)
    assert [(one.kind, one.counts) for one in found] == [("verdict", False)]


def test_a_name_from_a_certificate_is_short_and_safe(read: Read) -> None:
    odd = Authority("x" * 60, organization="\x1b[31mred", profile=False)
    assert "\x1b" not in read("a.com", odd.issue("a.com")).issuer


def test_what_is_no_certificate_is_a_reading_too(read: Read) -> None:
    found = read("a.com", [b"\x30\x03\x02\x01\x01"], server_bytes=b"\x16\x03\x03\x00\x05garbage")
    assert (found.issuer, found.server_hello) == ("", ())


def test_a_proxy_is_kept_as_host_and_port(pki: LabPki, read: Read) -> None:
    route = Route("http-connect", "proxy.corp:3128")
    found = read("a.com", pki.issue("a.com"), route=route, handshake=Handshake(True, "TLSv1.2"))
    assert (found.route, found.proxy, found.version) == (
        "http-connect",
        "proxy.corp:3128",
        "TLSv1.2",
    )


@pytest.mark.parametrize(
    ("failure", "tells"),
    [
        (Failure("tcp", "tcp-reset", "", how="rst"), True),
        (Failure("tls", "not-tls", "", spoke=Spoke("http", "HTTP/1.1 302")), True),
        (Failure("tcp", "timeout", "", how="silence"), False),
        (Failure("dns", "dns-failed", "", why="no address"), False),
        (None, False),
    ],
)
def test_silence_of_this_machines_own_network_says_nothing_of_the_path(
    failure: Failure | None, tells: bool
) -> None:
    assert tells_of_the_path(failure) is tells
