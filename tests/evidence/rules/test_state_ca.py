from detector.evidence.rules import product_match, state_ca
from detector.lab.pki import Authority
from tests.conftest import Observe
from tests.evidence.conftest import Ask

RUSSIAN = Authority("Russian Trusted Sub CA", organization="The Ministry", profile=False)
QAZNET = Authority("Qaznet Trust Network", organization="ISCA", profile=False)


def test_a_states_site_under_its_own_ca_is_no_interception(observe: Observe, ask: Ask) -> None:
    found = ask(state_ca, observe("www.sberbank.ru", RUSSIAN.issue("www.sberbank.ru")))
    assert found is not None
    assert (found.points, found.strength) == ("neutral", "strong")


def test_abroad_it_is_remarkable(observe: Observe, ask: Ask) -> None:
    found = ask(state_ca, observe("github.com", RUSSIAN.issue("github.com")))
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "weak")


def test_a_root_made_for_interception_has_no_home(observe: Observe, ask: Ask) -> None:
    shown = observe("www.mail.kz", QAZNET.issue("www.mail.kz"))
    assert ask(state_ca, shown) is None
    found = ask(product_match, shown)
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "strong")
