from dataclasses import replace
from datetime import date

from detector.chain.anchors import TrustAnchors
from detector.chain.certificate import Certificate
from detector.chain.root_table import RootEnd, RootTable
from detector.evidence.rules import path_public
from detector.known.knowledge import Knowledge
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


def test_a_root_that_was_public_once_is_said_to_be_so(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    seen = observe("a.example", corporate.issue("a.example"))
    once = ask(path_public, seen, ending(known, corporate, until=date(2099, 1, 1)))
    assert once is not None
    assert "was public when the leaf was issued" in once.text
    assert once.details["end"] == "distrusted"
    partly = ask(
        path_public,
        seen,
        ending(known, corporate, until=date(2020, 1, 1), elsewhere=("Mozilla",)),
    )
    assert partly is not None
    assert "Some browsers trust it only for leaves issued until 2020-01-01" in partly.text


def ending(known: Knowledge, root: Authority, **how: object) -> Knowledge:
    """As if the root had been public and had ended so."""
    digest = Certificate(root.der).sha256
    end = RootEnd("distrusted", "here", (digest,), **how)  # type: ignore[arg-type]
    table = RootTable({digest: "Root"}, [end], date(2026, 10, 18))
    return replace(known, public=TrustAnchors((root.der,), "certifi"), listed=lambda: table)
