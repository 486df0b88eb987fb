from dataclasses import replace

import msgspec
import pytest

from detector.chain.certificate import Certificate
from detector.evidence.rules import product_match, state_ca
from detector.judging.judge import judge_all
from detector.knowledge import shipped
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority
from tests.conftest import Observe
from tests.evidence.conftest import Ask

RUSSIAN = Authority("Russian Trusted Sub CA", organization="The Ministry", profile=False)
QAZNET = Authority("Qaznet Trust Network", organization="ISCA", profile=False)


@pytest.fixture
def russia(known: Knowledge) -> Knowledge:
    """The shipped rows, with the lab's CA for the state's."""
    (row,) = [p for p in shipped.products() if p.name == "Russian Trusted CA"]
    row = msgspec.structs.replace(row, certificates=(Certificate(RUSSIAN.der).sha256,))
    return replace(known, products=(row,))


def test_a_states_site_under_its_own_ca_is_no_interception(
    observe: Observe, ask: Ask, russia: Knowledge
) -> None:
    shown = observe("www.sberbank.ru", (*RUSSIAN.issue("www.sberbank.ru").chain, RUSSIAN.der))
    found = ask(state_ca, shown, russia)
    assert found is not None
    assert (found.points, found.strength) == ("neutral", "strong")
    assert judge_all([shown], russia)[0].verdict == "private"


def test_its_name_over_another_root_is_somebody_who_poses_as_it(
    observe: Observe, ask: Ask, known: Knowledge
) -> None:
    """The shipped rows know the real keys, and this is not one of them."""
    shown = observe("www.sberbank.ru", (*RUSSIAN.issue("www.sberbank.ru").chain, RUSSIAN.der))
    found = ask(state_ca, shown)
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "weak")
    assert judge_all([shown], known)[0].verdict == "intercepted"
    unsent = observe("www.sberbank.ru", RUSSIAN.issue("www.sberbank.ru"))
    assert judge_all([unsent], known)[0].verdict == "suspect", "its root may be the state's"


def test_two_owners_sites_under_the_name_alone_are_shared_like_any_others(
    observe: Observe, known: Knowledge
) -> None:
    seen = [
        observe(host, (*RUSSIAN.issue(host).chain, RUSSIAN.der))
        for host in ("www.bank-alpha.ru", "mail.beta.ru")
    ]
    assert "private" not in {j.verdict for j in judge_all(seen, known)}


def test_abroad_it_is_remarkable(observe: Observe, ask: Ask, russia: Knowledge) -> None:
    shown = observe("github.com", (*RUSSIAN.issue("github.com").chain, RUSSIAN.der))
    found = ask(state_ca, shown, russia)
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "weak")


def test_a_root_made_for_interception_has_no_home(observe: Observe, ask: Ask) -> None:
    shown = observe("www.mail.kz", QAZNET.issue("www.mail.kz"))
    assert ask(state_ca, shown) is None
    found = ask(product_match, shown)
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "strong")
