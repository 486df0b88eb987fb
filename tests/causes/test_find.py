"""What the list of rules promises, and the causes that one handshake shows."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from datetime import timedelta

import pytest

import detector.causes.rules
from detector.causes.find import rule
from detector.chain.anchors import TrustAnchors
from detector.judging.judge import judge_all
from detector.knowledge.causes import cause_table
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from tests.conftest import NOW, Observe


def causes(known: Knowledge, *args: object, **how: object) -> list[str]:
    return [c.id for c in judge_all([*args], known, **how)[0].causes]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "cause"), [(400, "certificate-expired"), (-20, "certificate-not-yet-valid")]
)
def test_dates_are_judged_at_the_time_of_the_observation(
    pki: LabPki, known: Knowledge, observe: Observe, days: int, cause: str
) -> None:
    seen = observe("a.com", pki.issue("a.com"), at=NOW + timedelta(days=days))
    assert causes(known, seen) == [cause]


def test_a_healthy_site_has_no_cause(pki: LabPki, known: Knowledge, observe: Observe) -> None:
    assert causes(known, observe("a.com", pki.issue("a.com"))) == []


def test_a_forgotten_intermediate_is_told_from_an_unknown_ca(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    assert causes(known, observe("a.com", [pki.issue("a.com").der])) == ["incomplete-chain"]
    assert causes(known, observe("a.com", corporate.issue("a.com"))) == ["issuer-unknown"]
    whole = [*corporate.issue("a.com").chain, corporate.der]
    assert causes(known, observe("a.com", whole)) == ["untrusted-root"]
    known_to_nobody = [pki.issue("a.com").der, pki.intermediate.der]
    world_without = replace(known, public=TrustAnchors((), "none"))
    assert causes(world_without, observe("a.com", known_to_nobody)) == ["issuer-unknown"]


def test_order_name_and_signer_each_have_their_cause(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    second = Authority("Second", parent=pki.intermediate, logs=pki.logs)
    leaf, upper, lower = (
        second.issue("a.com").der,
        pki.intermediate.der,
        second.der,
    )
    assert causes(known, observe("a.com", [leaf, upper, lower])) == ["chain-out-of-order"]
    assert causes(known, observe("b.com", [leaf, lower, upper])) == ["hostname-mismatch"]
    assert "self-signed" in causes(known, observe("x.com", [Authority("x.com").der]))


def test_every_rule_has_a_file_that_says_what_it_is_about() -> None:
    for name in cause_table().rules:
        module = importlib.import_module(rule(name).__module__)
        assert (module.__doc__ or "").startswith(f"{name}: ")


def test_the_folder_holds_the_rules_of_the_table_and_nothing_else() -> None:
    files = {module.name for module in pkgutil.iter_modules(detector.causes.rules.__path__)}
    assert files == {name.replace("-", "_") for name in cause_table().rules}
