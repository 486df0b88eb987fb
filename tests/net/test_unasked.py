"""Real OpenSSL servers that send SCTs in the extension or the staple, and one that sends none."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.ca_service import staple
from detector.lab.ct_log import LabLog
from detector.lab.pki import Credential, LabPki, sct_extension, sct_list
from detector.model.inquiry import Trial
from detector.model.observation import Judgement, Observation
from detector.model.targets import parse_target
from detector.net.inquire import inquire
from detector.net.probe import ProbeOptions, probe
from detector.net.trial import Keys
from detector.net.unasked import offer_for, with_answers, with_unasked
from detector.runs.check import CheckRun
from detector.runs.saved import encode_observation, read_observations
from detector.wire.hello import parse_client_hello
from detector.wire.offer import client_hello
from tests.conftest import NOW, Observe
from tests.live.programs import Program, find

WHOLE = ((14, b""),)


@dataclass(frozen=True)
class Sends:
    """What a server sends beside its leaf.

    Attributes:
        scts: content of the TLS extension.
        ocsp: the staple.
        only: "-tls1_2" or "-tls1_3".

    """

    scts: bytes | None = None
    ocsp: bytes | None = None
    only: str | None = None


class OpensslServer(Program):
    """openssl s_server, with a list and a staple when it is given them."""

    def __init__(self, folder: Path, shown: Iterable[Credential], sends: Sends) -> None:
        super().__init__(folder)
        self.shown, self.sends = tuple(shown), sends

    def command(self) -> list[str]:
        command = [find("openssl"), "s_server", "-accept", f"127.0.0.1:{self.port}", "-quiet"]
        for prefix, one in zip(("-", "-d"), self.shown, strict=False):
            pem = self.write(f"server{prefix}.pem", one.key_pem + one.chain_pem)
            command += [f"{prefix}cert", str(pem), f"{prefix}key", str(pem)]
            command += [f"{prefix}cert_chain" if prefix == "-" else "-dcert_chain", str(pem)]
        if self.sends.ocsp is not None:
            (self.folder / "staple.der").write_bytes(self.sends.ocsp)
            command += ["-status_file", str(self.folder / "staple.der")]
        if self.sends.scts is not None:
            command += ["-serverinfo", str(self.write("info.pem", server_info(self.sends.scts)))]
        if self.sends.only is not None:
            command.append(self.sends.only)
        return command


def server_info(scts: bytes) -> str:
    """OpenSSL's file of extensions: to whom asks, in TLS 1.2's ServerHello and TLS 1.3's Certificate."""
    context = 0x80 | 0x100 | 0x1000
    data = context.to_bytes(4, "big") + (18).to_bytes(2, "big")
    data += len(scts).to_bytes(2, "big") + scts
    name = "SERVERINFOV2 FOR SCTS"
    body = base64.encodebytes(data).decode()
    return f"-----BEGIN {name}-----\n{body}-----END {name}-----\n"


def options(port: int) -> ProbeOptions:
    return ProbeOptions(connect_to=("127.0.0.1", port))


def asked(port: int) -> Observation:
    async def run() -> Observation:
        seen = await probe(parse_target("a.com"), options(port))
        return await with_unasked(seen, options(port))

    return asyncio.run(run())


def checked(port: int, known: Knowledge, **how: bool) -> Judgement:
    """As `check` does it."""

    async def run() -> list[Judgement]:
        session = CheckRun(known, options(port), **how)
        return [one async for one in session.run([parse_target("a.com")])]

    (found,) = asyncio.run(run())
    return found


@pytest.fixture(scope="module")
def bare(pki: LabPki) -> Credential:
    return pki.issue("a.com", logs=())


@pytest.fixture(scope="module")
def sct(pki: LabPki, bare: Credential) -> bytes:
    return pki.logs[0].sign_certificate(bare.der)


VERSIONS = pytest.mark.parametrize("only", ["-tls1_2", "-tls1_3"])


def test_the_hello_asks_for_both_under_the_hosts_name_and_for_the_leafs_kind_of_key(
    bare: Credential, observe: Observe
) -> None:
    seen = replace(observe("a.com", bare))
    message = client_hello(offer_for(seen, ProbeOptions()), Keys().material)
    found = parse_client_hello(message[4:])
    assert found.sni == "a.com"
    assert found.extension(5) == b"\x01\x00\x00\x00\x00"
    assert found.extension(18) == b""
    assert set(found.signature_algorithms) == {0x0403, 0x0503, 0x0603, 0x0203}


@pytest.mark.live
@VERSIONS
@pytest.mark.parametrize("where", ["extension", "staple"])
def test_scts_that_come_only_beside_the_leaf_prove_it(
    pki: LabPki, known: Knowledge, bare: Credential, sct: bytes, tmp_path: Path, only: str,
    where: str,
) -> None:  # fmt: skip
    sends = Sends(scts=sct_list([sct]), only=only)
    if where == "staple":
        sends = Sends(ocsp=staple(pki.intermediate, bare, sct_extension([sct])), only=only)
    with OpensslServer(tmp_path, [bare], sends) as server:
        found = checked(server.port, known)
    seen = found.observation
    assert (found.verdict, found.decided_by) == ("direct", "logged-leaf")
    assert (seen.scts, seen.ocsp) == (sends.scts, sends.ocsp)
    verified = next(e for e in found.evidence if e.id == "sct-verified")
    assert verified.details["sources"] == [f"{'tls' if where == 'extension' else 'ocsp'}-{where}"]
    assert not any(e.id == "sct-missing" for e in found.evidence)
    (again,) = read_observations(encode_observation(seen))
    assert judge_all([again], known)[0].verdict == "direct"


@pytest.mark.live
@VERSIONS
@pytest.mark.parametrize("kind", ["nothing", "forged", "other", "truncated", "many"])
def test_what_is_no_proof_leaves_the_leaf_without_one(
    pki: LabPki, known: Knowledge, bare: Credential, sct: bytes, tmp_path: Path, only: str,
    kind: str,
) -> None:  # fmt: skip
    forger = LabLog("forger")
    forger.log_id = pki.logs[0].log_id
    lists = {
        "nothing": None,
        "forged": sct_list([forger.sign_certificate(bare.der)]),
        "other": sct_list([pki.logs[0].sign_certificate(pki.issue("a.com", logs=()).der)]),
        "truncated": sct_list([sct])[:-20],
        "many": sct_list([sct] * 33),
    }
    with OpensslServer(tmp_path, [bare], Sends(scts=lists[kind], only=only)) as server:
        found = checked(server.port, known)
    ids = {e.id: e for e in found.evidence}
    assert found.verdict == "consistent"
    assert (ids["sct-missing"].points, ids["sct-missing"].strength) == ("intercepted", "weak")
    assert ("sct-invalid" in ids) == (kind in ("forged", "other"))
    assert found.observation.scts == lists[kind]


@pytest.mark.live
def test_a_list_larger_than_ours_may_be_is_refused_and_no_harm_done(
    pki: LabPki, known: Knowledge, bare: Credential, sct: bytes, tmp_path: Path
) -> None:
    big = sct_list([sct] * 160)
    assert len(big) > 1 << 14  # over several records
    response = staple(pki.intermediate, bare, sct_extension([sct]))
    with OpensslServer(tmp_path, [bare], Sends(big, response, "-tls1_3")) as server:
        found = checked(server.port, known)
    assert found.observation.scts == big
    assert found.verdict == "direct"  # by the staple's


@pytest.mark.live
def test_a_leaf_with_its_own_scts_costs_no_second_connection(
    pki: LabPki, known: Knowledge, tmp_path: Path
) -> None:
    credential = pki.issue("a.com")
    scts = sct_list([pki.logs[0].sign_certificate(credential.der)])
    with OpensslServer(tmp_path, [credential], Sends(scts=scts)) as server:
        plain = checked(server.port, known)
        wanted = checked(server.port, known, staple=True)
    assert (plain.verdict, plain.observation.asked_for) == ("direct", ())
    assert (wanted.observation.scts, wanted.observation.asked_for) == (scts, ("scts", "ocsp"))


@pytest.mark.live
def test_a_private_leaf_costs_none_either(
    known: Knowledge, tmp_path: Path, corporate: object
) -> None:
    from detector.lab.pki import Authority

    assert isinstance(corporate, Authority)
    with OpensslServer(tmp_path, [corporate.issue("a.com")], Sends()) as server:
        assert checked(server.port, known).observation.asked_for == ()


@pytest.mark.live
def test_a_server_with_two_keys_is_asked_for_the_leaf_that_it_showed(
    pki: LabPki, tmp_path: Path, bare: Credential, sct: bytes
) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    other = pki.issue("a.com", logs=(), key=key)
    with OpensslServer(tmp_path, [bare, other], Sends(scts=sct_list([sct]))) as server:
        for one in (bare, other):
            first = Observation(NOW, parse_target("a.com"), chain=one.chain)
            seen = asyncio.run(with_unasked(first, options(server.port)))
            assert seen.asked_for == ("scts", "ocsp")


@pytest.mark.live
def test_diagnose_reads_them_from_its_own_trials(
    pki: LabPki, tmp_path: Path, bare: Credential, sct: bytes
) -> None:
    with OpensslServer(tmp_path, [bare], Sends(scts=sct_list([sct]))) as server:
        seen = asyncio.run(inquire(parse_target("a.com"), options(server.port))).observation
    assert (seen.scts, seen.asked_for) == (sct_list([sct]), ("scts", "ocsp"))


@pytest.mark.live
def test_a_server_that_staples_nothing_was_asked(pki: LabPki, tmp_path: Path) -> None:
    with OpensslServer(tmp_path, [pki.issue("a.com")], Sends()) as server:
        seen = asked(server.port)
    assert (seen.ocsp, seen.failure, seen.asked_for) == (None, None, ("scts", "ocsp"))


def test_a_server_that_does_not_answer_again_was_not_asked(bare: Credential) -> None:
    seen = replace(asyncio.run(probe(parse_target("127.0.0.1:1"))), chain=bare.chain)
    assert asyncio.run(with_unasked(seen, ProbeOptions())) == seen


def test_a_first_certificate_that_is_none_is_no_reason_to_fail() -> None:
    seen = replace(asyncio.run(probe(parse_target("127.0.0.1:1"))), chain=(b"leaf",))
    assert asyncio.run(with_unasked(seen, ProbeOptions())) == seen


@pytest.mark.parametrize(
    "trial",
    [
        Trial("x", "answered", version=0x0303, chain=(b"other",), scts=b"s", messages=WHOLE),
        Trial("x", "answered", version=0x0303, chain=(b"leaf",), scts=b"s"),
        Trial("x", "answered", version=0x0302, chain=(b"leaf",), messages=WHOLE),
        Trial("x", "answered", retry=True),
        Trial("x", "silent"),
    ],
    ids=["another leaf", "cut short", "TLS 1.1", "another share", "silence"],
)
def test_answers_that_say_nothing_of_the_leaf_are_not_taken(observe: Observe, trial: Trial) -> None:
    seen = observe("a.com", (b"leaf",))
    assert with_answers(seen, [trial]) is seen
