"""Targets that judge: hostile certificates, lists and answers, to the sentence that people read."""

from __future__ import annotations

import io
import tomllib
from datetime import UTC, datetime

from rich.console import Console

from detector.chain.certificate import Certificate
from detector.chain.shape import LeafShape
from detector.chain.shape_learning import HonestShape, learn
from detector.chain.shape_rule import features_of
from detector.errors import TlsightError
from detector.evidence.examination import Examination
from detector.evidence.innocence import innocent_private_ca
from detector.judging.diagnose import diagnose
from detector.judging.judge import judge_all
from detector.knowledge.fixes import config_lines
from detector.lab.ca_service import staple
from detector.lab.pki import sct_extension, sct_list
from detector.model.inquiry import Application, Inquiry, Lookup, Trial
from detector.model.observation import Handshake, Observation, Target
from detector.report.diagnose_json import encode as encode_diagnosis
from detector.report.diagnose_text import render
from detector.report.engine_text import row_text
from tests.fuzz import target
from tests.fuzz.lab import KNOWN, LEAF, PKI, vec

_BARE = PKI.issue("a.example", logs=())
_BARE_SCT = PKI.logs[0].sign_certificate(_BARE.der)
_SENT, _THEN = sct_list([_BARE_SCT] * 2), b"|then|"
_PUBLIC = PKI.knowledge(lab=False)


def targets() -> dict[str, target.Target]:
    """By name."""
    unlogged = PKI.issue("b.org", logs=()).der
    stapled = staple(PKI.intermediate, _BARE, sct_extension([_BARE_SCT]))
    refusal = b"HTTP/1.1 400 No\r\nDate: x\r\n\r\n"
    return {
        "judgement": target.Target(_chain, (LEAF, PKI.intermediate.der, unlogged)),
        "sent-scts": target.Target(
            _sent, (_SENT + _THEN + stapled, _SENT, vec(2, b"") + _THEN + stapled)
        ),
        "shape": target.Target(_shape, (LEAF, unlogged)),
        "diagnosis": target.Target(
            _diagnosis, (b"\0\0".join((LEAF, refusal, PKI.root.der)), PKI.issue("a.example.com", logs=()).der)
        ),
    }  # fmt: skip


def _chain(data: bytes) -> None:
    """A whole judgement over damaged certificates never raises, and only the untouched leaf is proven."""
    chain = (data, PKI.intermediate.der) if len(data) % 2 else (LEAF, data, PKI.root.der)
    seen = Observation(
        datetime.now(UTC), Target("a.example.com"), chain=chain, handshake=Handshake(True)
    )
    try:
        (found,) = judge_all([seen], _PUBLIC)
    except TlsightError as error:
        raise AssertionError(f"judging raised {error!r}") from error
    # Any change breaks the leaf's signature.
    assert found.verdict != "direct" or LEAF in chain


def _sent(data: bytes) -> None:
    """A public leaf without SCTs, and hostile lists beside it: only the untouched list proves anything."""
    scts, _, ocsp = data.partition(_THEN)
    seen = Observation(
        datetime.now(UTC), Target("a.example"), chain=_BARE.chain, handshake=Handshake(True),
        scts=scts, ocsp=ocsp or None, asked_for=("scts", "ocsp"),
    )  # fmt: skip
    (found,) = judge_all([seen], KNOWN)
    assert found.verdict != "direct" or _BARE_SCT in data


def _shape(data: bytes) -> None:
    """Everything that asks for a leaf's shape; kept features say what the leaf itself says."""
    seen = Observation(datetime.now(UTC), Target("a.example.com"), chain=(data, PKI.root.der))
    leaf = Certificate(data)
    shape = LeafShape(leaf, [leaf, Certificate(PKI.root.der)], "a.example.com")
    kept = features_of(shape)
    for engine in _PUBLIC.engines:
        for rule in engine.shapes:
            assert rule.matches(kept) == rule.matches(shape)
    learned = learn([kept, kept], [HonestShape(leaf.subject_text, kept)])
    tomllib.loads(row_text(leaf.issuer_text, "x", learned))
    innocent_private_ca(Examination(seen, _PUBLIC))


def _diagnosis(data: bytes) -> None:
    """Hostile certificates, answers and look-ups in one inquiry, diagnosed and shown."""
    parts = data.split(b"\0\0", 3) + [b""] * 3
    seen = Observation(
        PKI.intermediate.now, Target("a.example.com", sni="a.example.com"), ocsp=parts[2],
        chain=(parts[0], PKI.intermediate.der), handshake=Handshake(True, "TLSv1.3"), fetched=(parts[2],),
    )  # fmt: skip
    trial = Trial("plain", "answered", version=0x0304, chain=(parts[0],), authorities=(parts[1],))
    inquiry = Inquiry(
        seen,
        {"plain": trial},
        application=Application("answered", parts[1]),
        lookups=(Lookup("issuer", "u", parts[2]), Lookup("crl", "u", parts[1])),
    )
    diagnosis = diagnose(inquiry, KNOWN, config_lines())
    encode_diagnosis(diagnosis)
    Console(file=io.StringIO(), width=80).print(render(diagnosis))
