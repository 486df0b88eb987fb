"""How its side towards clients takes hellos."""

from __future__ import annotations

import msgspec
import pytest

from detector.model.grades import GOOD, TowardsClients
from detector.wire import offer as o
from tests.judging.graded_seen import WELL, answer, corporate, seen, visit

CHANGED = msgspec.structs.replace


def outcome(test: str, side: TowardsClients | None) -> str:
    return answer(
        seen(visit(GOOD, "answered"), visit("expired", "page"), towards=side), test
    ).outcome


@pytest.mark.parametrize(
    ("test", "side"),
    [
        ("client-ssl3", CHANGED(WELL, versions=(o.TLS12, o.SSL3))),
        ("client-tls10", CHANGED(WELL, versions=(o.TLS12, o.TLS10))),
        ("client-tls11", CHANGED(WELL, versions=(o.TLS12, o.TLS11))),
        ("client-broken-suites", CHANGED(WELL, families=("export",))),
        ("client-weak-suites", CHANGED(WELL, families=("3des",))),
        ("client-short-dh", CHANGED(WELL, dh_bits=1024)),
        ("client-no-forward-secrecy", CHANGED(WELL, static_keys=True)),
        ("client-no-tls13", CHANGED(WELL, versions=(o.TLS12,))),
        ("client-no-downgrade-protection", CHANGED(WELL, marks=False)),
        ("client-no-downgrade-protection", CHANGED(WELL, fallback=True)),
        ("client-insecure-renegotiation", CHANGED(WELL, renegotiation=False)),
        ("client-renegotiation", CHANGED(WELL, renegotiates=True)),
        ("client-compression", CHANGED(WELL, compression=True)),
        ("client-shared-session", CHANGED(WELL, shared_session=True)),
        ("client-early-ccs", CHANGED(WELL, early_change=True)),
    ],
)  # fmt: skip
def test_each_fault_of_that_side_fails_and_passes_without(test: str, side: TowardsClients) -> None:
    assert outcome(test, side) == "failed"
    assert outcome(test, WELL) == "passed"
    assert outcome(test, TowardsClients()) == "unclear"
    assert outcome(test, None) == "not-asked"


def test_who_speaks_one_version_cannot_be_talked_down() -> None:
    side = CHANGED(WELL, versions=(o.TLS12,), marks=False, fallback=None)
    assert outcome("client-no-downgrade-protection", side) == "passed"


def test_a_session_may_be_shared_by_names_of_one_certificate() -> None:
    one = corporate().issue("*.grade.test")
    side = CHANGED(WELL, shared_session=True)
    whole = seen(visit(GOOD, "answered", one), visit("expired", "page", one), towards=side)
    assert answer(whole, "client-shared-session").outcome == "passed"
