"""A log is asked, and whatever a hostile one answers, no proof comes of it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from detector.chain.certificate import Certificate
from detector.chain.sct import (
    Sct,
    SctResult,
    check_scts,
    check_sent_scts,
    embedded_scts,
    parse_sct_list,
)
from detector.ct import merkle
from detector.ct.inclusion import check_inclusion, entry_hash
from detector.ct.proving import Ask, prove
from detector.ct.tree_head import TreeHead
from detector.errors import ProofError
from detector.lab.ct_log import LabLog
from detector.lab.pki import Authority, sct_list
from detector.model.observation import InclusionProof

Bend = Callable[[LabLog, bytes], bytes]
ROOT = Authority("Root")


@dataclass(frozen=True)
class Logged:
    """A leaf in a log of some hundred entries."""

    log: LabLog
    leaf: Certificate
    issuer: Certificate

    @property
    def sct(self) -> Sct:
        return embedded_scts(self.leaf)[0]

    @property
    def entry(self) -> bytes:
        return entry_hash(self.scts[0], self.leaf, self.issuer)

    def prove(self, bend: dict[str, Bend] | None = None) -> InclusionProof:
        """Carry the dialogue to its end; `bend` changes answers whose path ends in its keys."""
        dialogue = prove(self.sct, self.log.known(), self.entry)
        try:
            ask = next(dialogue)
            while True:
                ask = dialogue.send(self._answer(ask, bend or {}))
        except StopIteration as end:
            found: InclusionProof = end.value
            return found

    def check(self, proof: InclusionProof) -> str:
        return check_inclusion(proof, self.leaf, self.issuer, self.scts).status

    @property
    def scts(self) -> tuple[SctResult, ...]:
        return check_scts(self.leaf, self.issuer, {self.log.log_id: self.log.known()})

    def _answer(self, ask: Ask, bend: dict[str, Bend]) -> bytes:
        answer = self.log.serve(ask.url)
        assert answer.status == 200, ask
        body = answer.body
        assert len(body) <= ask.limit
        path = urlsplit(ask.url).path
        for end, change in bend.items():
            if end in path:
                body = change(self.log, body)
        return body


def logged(*, tiled: bool, before: int = 300, after: int = 900) -> Logged:
    log = LabLog(tiled=tiled)
    log.url = "https://log.test/2026/"
    log.grow(before)
    authority = Authority("Intermediate", parent=ROOT, logs=(log,))
    leaf = Certificate(authority.issue("a.test").der)
    log.grow(after)
    return Logged(log, leaf, Certificate(authority.der))


BOTH = pytest.mark.parametrize("tiled", [False, True], ids=["rfc6962", "static-ct"])


@BOTH
@pytest.mark.parametrize("before", [0, 1, 255, 256, 300, 1000])
@pytest.mark.parametrize("after", [0, 1, 255, 700])
def test_an_honest_log_proves_a_leaf_wherever_it_stands(
    tiled: bool, before: int, after: int
) -> None:
    seen = logged(tiled=tiled, before=before, after=after)
    proof = seen.prove()
    assert (seen.check(proof), proof.index) == ("included", before)


@BOTH
def test_a_certificate_that_was_logged_as_it_is_is_proven_too(tiled: bool) -> None:
    class Sent(Logged):
        @property
        def scts(self) -> tuple[SctResult, ...]:
            logs = {self.log.log_id: self.log.known()}
            return check_sent_scts(self.leaf, [self.sct], logs, "tls-extension")

        @property
        def sct(self) -> Sct:
            return parse_sct_list(sct_list([sct]))[0]

    log = LabLog(tiled=tiled)
    log.url = "https://log.test/2026/"
    log.grow(300)
    leaf = Certificate(ROOT.issue("a.test", logs=()).der)
    sct = log.sign_certificate(leaf.der)
    log.grow(30)
    seen = Sent(log, leaf, Certificate(ROOT.der))
    assert seen.check(seen.prove()) == "included"


@BOTH
def test_a_proof_is_about_one_leaf(tiled: bool) -> None:
    one, other = logged(tiled=tiled), logged(tiled=tiled)
    assert other.check(one.prove()) == "no-such-sct"
    authority = Authority("Other", parent=ROOT, logs=(one.log,))
    leaf = Certificate(authority.issue("b.test").der)
    assert Logged(one.log, leaf, Certificate(authority.der)).check(one.prove()) in (
        "wrong-index",
        "wrong-path",
    )


def wrong_root(log: LabLog, _: bytes) -> bytes:
    fork = LabLog()
    fork.grow(len(log.leaves))
    head = TreeHead(len(log.leaves), merkle.tree_hash(fork.leaves), log.head().timestamp_ms, ())
    signed = TreeHead(*_values(head), (log._signed(head.signed_input),))
    return log.checkpoint(signed) if log.tiled else log.sth(signed)


def forged_signature(log: LabLog, _: bytes) -> bytes:
    head = log.head()
    signed = TreeHead(*_values(head), (LabLog()._signed(head.signed_input),))
    return log.checkpoint(signed) if log.tiled else log.sth(signed)


def older_head(log: LabLog, _: bytes) -> bytes:
    head = log.head(timestamp_ms=1_500_000_000_000)
    return log.checkpoint(head) if log.tiled else log.sth(head)


def empty_tree(log: LabLog, _: bytes) -> bytes:
    head = log.head()
    head = TreeHead(0, head.root, head.timestamp_ms, ())
    signed = TreeHead(*_values(head), (log._signed(head.signed_input),))
    return log.checkpoint(signed) if log.tiled else log.sth(signed)


def garbage(_: LabLog, body: bytes) -> bytes:
    return b"<html>" + body[:100]


def _values(head: TreeHead) -> tuple[int, bytes, int]:
    return head.size, head.root, head.timestamp_ms


@BOTH
@pytest.mark.parametrize(
    ("bend", "why"),
    [
        (wrong_root, "does not lead"),
        (forged_signature, "not signed by its key"),
        (older_head, "older than the leaf's SCT"),
        (empty_tree, "is empty|is beyond"),
        (garbage, "tree head|checkpoint"),
    ],
)
def test_a_false_head_proves_nothing(tiled: bool, bend: Bend, why: str) -> None:
    with pytest.raises(ProofError, match=why):
        logged(tiled=tiled).prove({"checkpoint" if tiled else "get-sth": bend})


def audit(change: Callable[[dict[str, object]], object]) -> Bend:
    def bend(_: LabLog, body: bytes) -> bytes:
        answer = json.loads(body)
        change(answer)
        return json.dumps(answer).encode()

    return bend


@pytest.mark.parametrize(
    ("bend", "why"),
    [
        (audit(lambda a: a.update(audit_path=a["audit_path"][:-1])), "does not lead"),
        (audit(lambda a: a.update(audit_path=[*a["audit_path"], "A" * 43 + "="])), "not lead"),
        (audit(lambda a: a.update(audit_path=["AA=="] * 40)), "does not lead"),
        (audit(lambda a: a.update(leaf_index=7)), "does not lead"),
        (audit(lambda a: a.update(leaf_index=-7)), "does not lead"),
        (audit(lambda a: a.update(leaf_index=10**30)), "cannot be read|not lead"),
        (audit(lambda a: a.pop("audit_path")), "cannot be read"),
        (lambda _, __: b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_false_path_proves_nothing(bend: Bend, why: str) -> None:
    with pytest.raises(ProofError, match=why):
        logged(tiled=False).prove({"get-proof-by-hash": bend})


@pytest.mark.parametrize(
    ("bend", "why"),
    [
        (lambda _, body: body[:-1], "bytes instead of"),
        (lambda _, __: b"", "bytes instead of"),
        (lambda _, body: bytes(32) + body[32:], "does not lead"),
        (lambda _, body: body[::-1], "does not lead"),
    ],
)
def test_a_false_tile_proves_nothing(bend: Bend, why: str) -> None:
    with pytest.raises(ProofError, match=why):
        logged(tiled=True).prove({"tile/": bend})


def test_a_static_log_cannot_say_that_a_leaf_lies_beyond_its_tree() -> None:
    seen = logged(tiled=True, after=0)
    del seen.log.leaves[200:]
    with pytest.raises(ProofError, match="entry 300 is beyond its 200 entries"):
        seen.prove()


def test_a_log_without_an_address_is_not_asked() -> None:
    seen = logged(tiled=False)
    seen.log.url = ""
    with pytest.raises(ProofError, match="its address is not known"):
        seen.prove()


@BOTH
def test_a_proof_that_was_changed_after_it_was_fetched_is_seen_through(tiled: bool) -> None:
    seen = logged(tiled=tiled)
    good = seen.prove()
    head = good.head.replace(b64encode(seen.log.head().root), b"A" * 43 + b"=")
    for bad in (
        InclusionProof(good.log_id, good.form, head, good.index, good.path),
        InclusionProof(good.log_id, good.form, b"", good.index, good.path),
        InclusionProof(good.log_id, good.form, good.head, good.index + 1, good.path),
        InclusionProof(good.log_id, good.form, good.head, good.index, good.path[1:]),
        InclusionProof(bytes(32), good.form, good.head, good.index, good.path),
    ):
        assert seen.check(bad) != "included"


@BOTH
def test_a_head_older_than_the_sct_proves_nothing_even_with_a_true_path(tiled: bool) -> None:
    seen = logged(tiled=tiled)
    good = seen.prove()
    old = seen.log.head(timestamp_ms=1_500_000_000_000)
    head = seen.log.checkpoint(old) if tiled else seen.log.sth(old)
    proof = InclusionProof(good.log_id, good.form, head, good.index, good.path)
    assert seen.check(proof) == "old-head"


def test_a_static_log_proves_the_place_that_the_sct_names_and_no_other() -> None:
    """The same entry stands at a second place: a true path, but not the promised one."""
    seen = logged(tiled=True, after=0)
    seen.log.leaves.append(seen.log.leaves[300])
    path = tuple(merkle.inclusion_path(seen.log.leaves, 301))
    proof = InclusionProof(seen.log.log_id, "static-ct", seen.log.checkpoint(), 301, path)
    assert seen.check(proof) == "wrong-index"
