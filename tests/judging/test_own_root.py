"""A CA of the user's own, whose root was given with --roots: no public CA, and no interceptor at its own hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.judging.judge import judge_all
from detector.knowledge.assemble import assemble
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Judgement, Target
from tests.conftest import Observe

LOOKS_PUBLIC = pytest.mark.parametrize("profile", [False, True])


@pytest.fixture
def own(tmp_path: Path) -> tuple[Authority, Knowledge]:
    root = Authority("Acme Root CA", organization="Acme", profile=False)
    return root, given(root, tmp_path)


def given(root: Authority, folder: Path) -> Knowledge:
    path = folder / "own-ca.pem"
    path.write_text(root.pem)
    return assemble(roots=path)


def judged(
    known: Knowledge, observe: Observe, root: Authority, host: str, **how: object
) -> Judgement:
    """An issuing CA below the root, and a leaf for two years that no log has seen."""
    issuing = Authority(
        "Acme Issuing CA", organization="Acme", parent=root, profile=bool(how.pop("profile"))
    )
    target = Target(host, sni=host, ip=str(how.get("ip", "93.184.215.14")))
    (found,) = judge_all([observe(host, issuing.issue(host, days=730), target=target)], known)
    return found


@LOOKS_PUBLIC
@pytest.mark.parametrize(
    ("host", "ip"), [("app.acme.internal", "93.184.215.14"), ("app.acme.com", "10.1.2.3")]
)
def test_an_internal_server_is_private_and_nothing_is_wrong_with_it(
    own: tuple[Authority, Knowledge], observe: Observe, host: str, ip: str, profile: bool
) -> None:
    root, known = own
    found = judged(known, observe, root, host, ip=ip, profile=profile)
    assert (found.verdict, found.causes) == ("private", ())
    assert "one of those given" in found.evidence[0].text


@LOOKS_PUBLIC
def test_a_public_name_below_it_is_not_proven_and_nobody_demands_public_logs(
    own: tuple[Authority, Knowledge], observe: Observe, profile: bool
) -> None:
    root, known = own
    found = judged(known, observe, root, "www.acme.com", profile=profile)
    assert found.verdict == "suspect"
    assert found.causes == ()


def test_an_interceptors_root_does_not_become_a_good_one_by_being_given(
    observe: Observe, tmp_path: Path
) -> None:
    root = Authority("FGT60F0000000000", organization="Fortinet", profile=False)
    known = given(root, tmp_path)
    (found,) = judge_all([observe("www.google.com", root.issue("www.google.com"))], known)
    assert found.verdict == "suspect"


def test_a_labs_public_ca_stays_one(pki: LabPki, observe: Observe, tmp_path: Path) -> None:
    known = given(pki.root, tmp_path)
    (found,) = judge_all([observe("a.internal", pki.issue("a.internal"))], known)
    assert "path-public" in [one.id for one in found.evidence]
