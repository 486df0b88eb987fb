from detector.evidence.rules import path_public
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_a_public_path_names_its_root_and_points_nowhere(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    found = ask(path_public, observe("a.example", pki.issue("a.example")))
    assert found is not None
    assert found.points == "neutral"
    assert found.details["root"].startswith("CN=Lab Public Root")


def test_appended_genuine_certificates_make_no_public_path(
    pki: LabPki, corporate: Authority, observe: Observe, ask: Ask
) -> None:
    chain = (corporate.issue("a.example").der, *pki.issue("a.example").chain)
    assert ask(path_public, observe("a.example", chain)) is None
