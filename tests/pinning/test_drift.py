"""What a renewal looks like, and what does not look like one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detector.evidence.examination import Examination
from detector.known.hosts import HostPattern
from detector.known.issuers import IssuerTable, KnownIssuers
from detector.known.knowledge import Knowledge, Pin
from detector.lab.pki import Authority, Credential, LabPki
from detector.pinning.drift import drift
from detector.pinning.learning import learned_pin
from tests.conftest import Observe

HOST = "a.example"


@pytest.fixture
def learned(pki: LabPki, known: Knowledge, observe: Observe) -> Pin:
    return learned_pin(Examination(observe(HOST, pki.issue(HOST)), known), "leaf")


@pytest.fixture
def moved(pki: LabPki) -> Authority:
    """Another CA under the public root."""
    return Authority("Other CA", parent=pki.root, logs=pki.logs)


def told(pin: Pin, shown: object, known: Knowledge, observe: Observe) -> tuple[str, bool]:
    found = drift(pin, Examination(observe(HOST, shown), known))
    return found.kind, found.explained


def test_the_same_key_is_unchanged(pki: LabPki, known: Knowledge, observe: Observe) -> None:
    leaf = pki.issue(HOST)
    pin = learned_pin(Examination(observe(HOST, leaf), known), "leaf")
    again = pki.issue(HOST, key=leaf.key)
    assert told(pin, again, known, observe) == ("unchanged", True)


def test_an_issuer_pin_outlives_renewals(pki: LabPki, known: Knowledge, observe: Observe) -> None:
    pin = learned_pin(Examination(observe(HOST, pki.issue(HOST)), known), "issuer")
    assert told(pin, pki.issue(HOST), known, observe) == ("unchanged", True)


def test_a_logged_key_of_the_same_issuer_is_a_renewal(
    pki: LabPki, known: Knowledge, observe: Observe, learned: Pin
) -> None:
    assert told(learned, pki.issue(HOST), known, observe) == ("renewed", True)


def test_a_backup_key_asks_for_the_next_one(
    pki: LabPki, known: Knowledge, observe: Observe, learned: Pin
) -> None:
    leaf = pki.issue(HOST)
    key = Examination(observe(HOST, leaf), known).leaf.spki_sha256
    pin = Pin(learned.host, learned.spki, backup=(key,), learned=learned.learned)
    assert told(pin, leaf, known, observe) == ("backup", True)


def test_another_public_ca_is_explained_only_by_what_logs_know(
    moved: Authority, known: Knowledge, observe: Observe, learned: Pin
) -> None:
    leaf = moved.issue(HOST)
    assert told(learned, leaf, known, observe) == ("unconfirmed", False)
    key = Examination(observe(HOST, leaf), known).issuer_spki_sha256
    assert key is not None
    rows = (KnownIssuers(HostPattern(HOST), frozenset((key,))),)
    logged = replace(known, issuers=(IssuerTable(rows),))
    assert told(learned, leaf, logged, observe) == ("moved", True)


def test_another_ca_of_the_same_owner_is_explained(
    moved: Authority, known: Knowledge, observe: Observe, learned: Pin
) -> None:
    leaf = moved.issue(HOST)
    key = Examination(observe(HOST, leaf), known).issuer_spki_sha256
    assert learned.learned is not None
    owners = {str(learned.learned.issuer): "Owner", str(key): "Owner"}
    theirs = replace(known, owners=lambda: owners)
    assert told(learned, leaf, theirs, observe) == ("moved", True)


def forgeries(pki: LabPki, corporate: Authority) -> dict[str, Credential]:
    return {
        "private": corporate.issue(HOST),
        "unlogged": pki.issue(HOST, logs=()),
        "another name": pki.issue("b.example"),
    }


@pytest.mark.parametrize("name", ["private", "unlogged", "another name"])
def test_what_is_not_logged_for_the_host_is_not_explained(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe, learned: Pin, name: str
) -> None:
    shown = forgeries(pki, corporate)[name]
    assert told(learned, shown, known, observe) == ("unexplained", False)
