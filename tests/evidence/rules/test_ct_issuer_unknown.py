from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from detector.evidence.rules import ct_issuer_unknown
from detector.judging.judge import judge_all
from detector.known.hosts import HostPattern
from detector.known.issuers import IssuerTable, KnownIssuers
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask

LOGGED = KnownIssuers(HostPattern("a.com"), frozenset(("0" * 64,)), "test", fetched=NOW)


def logged(known: Knowledge, **changes: object) -> Knowledge:
    row = msgspec.structs.replace(LOGGED, **changes)
    return replace(known, issuers=(IssuerTable((row,)),))


def test_a_private_issuer_beside_logged_ones_is_left_to_the_rule_of_public_hosts(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    chain = (*corporate.issue("a.com").chain, corporate.der)
    found = ask(ct_issuer_unknown, observe("a.com", chain), logged(known))
    assert found is not None
    assert found.strength == "weak"
    assert str(NOW.date()) in found.text


def test_a_wildcard_above_the_host_says_little_about_the_hosts_own_ca(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    chain = (*corporate.issue("a.com").chain, corporate.der)
    found = ask(ct_issuer_unknown, observe("a.com", chain), logged(known, exact=False))
    assert found is not None
    assert found.strength == "weak"


def test_an_intranet_host_under_a_logged_wildcard_stays_private(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    seen = observe("a.com", (*corporate.issue("a.com").chain, corporate.der))
    seen = replace(seen, target=replace(seen.target, ip="10.0.0.7"))
    (judgement,) = judge_all([seen], logged(known, exact=False))
    assert judgement.verdict == "private"


def test_another_port_may_have_a_certificate_of_its_own(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    """A mail server's own CA beside a logged web site."""
    seen = observe("a.com", (*corporate.issue("a.com").chain, corporate.der))
    mail = replace(seen, target=replace(seen.target, port=25, starttls="smtp"))
    assert judge_all([seen], logged(known))[0].verdict == "intercepted"
    assert judge_all([mail], logged(known))[0].verdict == "suspect"


def test_an_expired_leaf_is_not_missing_from_what_is_unexpired(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    authority = Authority("Sub CA", parent=pki.root)
    old = authority.issue("a.com", start=NOW - timedelta(days=100))
    seen = observe("a.com", old, asked_for=("scts", "ocsp"))
    (judgement,) = judge_all([seen], logged(known))
    assert judgement.verdict == "consistent"


def minted(pki: LabPki, start: datetime) -> tuple[bytes, ...]:
    """A leaf by a CA under the public root that logs nothing."""
    authority = Authority("Sub CA", parent=pki.root)
    return authority.issue("a.com", start=start).chain


def test_a_public_leaf_that_should_be_logged_by_now_and_is_not_is_suspect(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    asked = {"asked_for": ("scts", "ocsp")}
    seen = observe("a.com", minted(pki, NOW - timedelta(days=2)), **asked)
    found = ask(ct_issuer_unknown, seen, logged(known))
    assert found is not None
    assert found.strength == "strong"
    (judgement,) = judge_all([seen], logged(known))
    assert (judgement.verdict, judgement.evidence[0].id) == ("suspect", "ct-issuer-unknown")


@pytest.mark.parametrize(
    "changes",
    [
        {"fetched": NOW - timedelta(days=1)},  # the leaf may be younger than the look-up
        {"fetched": None},
        {"complete": False},
        {"exact": False},
        {"spki": frozenset(), "names": frozenset(("Other CA",))},
    ],
)
def test_a_public_leaf_that_may_be_logged_elsewhere_is_consistent(
    pki: LabPki, known: Knowledge, observe: Observe, changes: dict[str, object]
) -> None:
    seen = observe("a.com", minted(pki, NOW - timedelta(hours=36)))
    (judgement,) = judge_all([seen], logged(known, **changes))
    assert judgement.verdict == "consistent"


def test_a_new_public_ca_whose_leaf_is_logged_is_direct(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    seen = observe("a.com", pki.issue("a.com"))
    found = ask(ct_issuer_unknown, seen, logged(known, fetched=NOW))
    assert found is not None
    (judgement,) = judge_all([seen], logged(known))
    assert judgement.verdict == "direct"


def test_a_name_that_the_logs_know_is_no_argument_against(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    seen = observe("a.com", (*corporate.issue("a.com").chain, corporate.der))
    names = frozenset(("Example Corp CA",))
    assert ask(ct_issuer_unknown, seen, logged(known, spki=frozenset(), names=names)) is None
    other = frozenset(("Public CA",))
    found = ask(ct_issuer_unknown, seen, logged(known, spki=frozenset(), names=other))
    assert found is not None
    assert found.strength == "weak"


def test_stale_knowledge_is_marked(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    chain = (*corporate.issue("a.com").chain, corporate.der)
    old = datetime(2026, 1, 2, tzinfo=UTC)
    found = ask(ct_issuer_unknown, observe("a.com", chain), logged(known, fetched=old, until=old))
    assert found is not None
    assert "as of 2026-01-02, stale" in found.text


def test_a_host_that_no_log_knows_has_no_unknown_issuer(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    chain = (*corporate.issue("a.com").chain, corporate.der)
    assert ask(ct_issuer_unknown, observe("a.com", chain), logged(known, spki=frozenset())) is None


def test_a_forgotten_intermediate_leaves_nothing_to_compare(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    leaf = pki.issue("a.com")
    assert ask(ct_issuer_unknown, observe("a.com", [leaf.der]), logged(known)) is None
