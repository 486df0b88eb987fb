from datetime import UTC, datetime
from typing import Any

import pytest

from detector.evidence.rules import sct_missing
from detector.lab.ca_service import staple
from detector.lab.ct_log import LabLog
from detector.lab.pki import Authority, Credential, LabPki, sct_extension, sct_list
from tests.conftest import Observe
from tests.evidence.conftest import Ask

LOOKED = {"asked_for": ("scts", "ocsp")}


@pytest.fixture(scope="module")
def bare(pki: LabPki) -> Credential:
    return pki.issue("a.example", logs=())


def test_a_public_leaf_without_scts_is_remarkable_once_all_places_were_looked_at(
    bare: Credential, observe: Observe, ask: Ask
) -> None:
    found = ask(sct_missing, observe("a.example", bare, **LOOKED))
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "weak")


@pytest.mark.parametrize("asked", [(), ("scts",), ("ocsp",)])
def test_where_not_all_places_were_looked_at_it_speaks_against_nobody(
    bare: Credential, observe: Observe, ask: Ask, asked: tuple[str, ...]
) -> None:
    found = ask(sct_missing, observe("a.example", bare, asked_for=asked))
    assert found is not None
    assert (found.points, found.strength) == ("neutral", "weak")
    assert "not looked at" in found.text


@pytest.mark.parametrize("where", ["extension", "staple"])
@pytest.mark.parametrize("listed", [True, False])
def test_scts_beside_the_leaf_are_not_missing(
    pki: LabPki, bare: Credential, observe: Observe, ask: Ask, where: str, listed: bool
) -> None:
    log = pki.logs[0] if listed else LabLog("unheard of")
    sct = log.sign_certificate(bare.der)
    sent: dict[str, Any] = {"scts": sct_list([sct])}
    if where == "staple":
        sent = {"ocsp": staple(pki.intermediate, bare, sct_extension([sct]))}
    assert ask(sct_missing, observe("a.example", bare, **LOOKED, **sent)) is None


def test_another_certificates_list_is_as_good_as_none(
    pki: LabPki, bare: Credential, observe: Observe, ask: Ask
) -> None:
    other = pki.issue("a.example", logs=())
    scts = sct_list([pki.logs[0].sign_certificate(other.der)])
    found = ask(sct_missing, observe("a.example", bare, scts=scts, **LOOKED))
    assert found is not None
    assert found.strength == "weak"


def test_before_may_2018_nobody_asked_for_them(pki: LabPki, observe: Observe, ask: Ask) -> None:
    old = pki.issue("a.example", logs=(), start=datetime(2017, 1, 1, tzinfo=UTC))
    assert ask(sct_missing, observe("a.example", old, **LOOKED)) is None


def test_private_cas_owe_none(corporate: Authority, observe: Observe, ask: Ask) -> None:
    seen = observe("a.example", corporate.issue("a.example"), **LOOKED)
    assert ask(sct_missing, seen) is None
