from dataclasses import replace
from datetime import timedelta

import pytest

from detector.chain.certificate import Certificate
from detector.evidence.rules import sanctioned
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge, Policy, Sanctioned
from detector.lab.pki import Authority
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask


def allowing(known: Knowledge, authority: Authority, days: int = 1) -> Knowledge:
    entry = Sanctioned(
        "Gateway",
        Certificate(authority.der).spki_sha256,
        decrypt=(HostPattern("*"),),
        never=(HostPattern(".bank.com"),),
        expires=(NOW + timedelta(days=days)).date(),
    )
    return replace(known, policy=Policy(sanctioned=(entry,)))


@pytest.mark.parametrize(("host", "allowed"), [("a.com", True), ("www.bank.com", False)])
def test_the_policy_says_what_may_be_decrypted(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask, host: str, allowed: bool
) -> None:
    shown = observe(host, (corporate.issue(host).der, corporate.der))
    assert (ask(sanctioned, shown, allowing(known, corporate)) is not None) is allowed


def test_an_expired_permission_is_none(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    shown = observe("a.com", (corporate.issue("a.com").der, corporate.der))
    assert ask(sanctioned, shown, allowing(known, corporate, days=-1)) is None


def test_another_key_under_the_same_name_is_not_meant(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    twin = Authority("Example Corp CA", organization="Example Corp", profile=False)
    shown = observe("a.com", (twin.issue("a.com").der, twin.der))
    assert ask(sanctioned, shown, allowing(known, corporate)) is None
