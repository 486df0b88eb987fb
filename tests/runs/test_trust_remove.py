"""`trust remove` over files; over real stores in tests/live."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.chain.certificate import Certificate
from detector.errors import ConfigError
from detector.knowledge.roots import public_roots
from detector.lab.pki import Authority, LabPki
from detector.runs.trust_remove import RemoveRun


@pytest.fixture
def image(tmp_path: Path, pki: LabPki, corporate: Authority) -> Path:
    """As Fedora has it, where no tool of this machine makes the bundle anew."""
    root = tmp_path / "image"
    anchors = root / "etc/pki/ca-trust/source/anchors"
    bundle = root / "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
    for folder in (anchors, bundle.parent, root / "home/ann"):
        folder.mkdir(parents=True)
    bundle.write_text(pki.root.pem + corporate.pem)
    (anchors / "corp.pem").write_text(corporate.pem)
    return root


def test_to_look_changes_nothing(image: Path, corporate: Authority) -> None:
    found = RemoveRun(Certificate(corporate.der).sha256, root=image).look()
    assert {one.ended for one in found.steps} == {"planned"}
    assert len(found.left) == 2
    assert (image / "etc/pki/ca-trust/source/anchors/corp.pem").exists()


def test_anchor_and_bundle_lose_it_and_keep_the_rest(
    image: Path, pki: LabPki, corporate: Authority
) -> None:
    digest = Certificate(corporate.der).sha256
    colons = ":".join(digest[n : n + 2] for n in range(0, 64, 2)).upper()
    found = RemoveRun(colons, root=image).remove()
    assert (found.left, found.subject) == ((), Certificate(corporate.der).subject_text)
    bundle = image / "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
    assert bundle.read_text() == pki.root.pem
    assert not (image / "etc/pki/ca-trust/source/anchors/corp.pem").exists()
    assert RemoveRun(digest, root=image).look().subject == ""


def test_a_step_that_fails_stops_no_other_and_the_store_is_named(
    image: Path, corporate: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detector.runs import trust_remove

    def refuse(path: Path, data: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(trust_remove, "write_whole", refuse)
    found = RemoveRun(Certificate(corporate.der).sha256, root=image).remove()
    assert [one.ended for one in found.steps] == ["done", "told", "failed"]
    assert [Path(path).name for path in found.left] == ["tls-ca-bundle.pem"]


def test_a_public_root_is_refused_without_force(image: Path) -> None:
    digest = public_roots().certificates[0].sha256
    with pytest.raises(ConfigError, match="public root"):
        RemoveRun(digest, root=image).look()
    assert RemoveRun(digest, root=image, force=True).look().left == ()


@pytest.mark.parametrize("text", ["", "abc", "g" * 64])
def test_what_is_no_digest_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match="64 hex digits"):
        RemoveRun(text).look()


def test_a_line_stays_where_what_it_names_is_still_there(image: Path, corporate: Authority) -> None:
    other = Authority("Other")
    (image / "both.pem").write_text(corporate.pem + other.pem)
    rc = image / "home/ann/.bashrc"
    rc.write_text("export NODE_EXTRA_CA_CERTS=/both.pem\n")
    found = RemoveRun(Certificate(corporate.der).sha256, root=image).remove()
    assert found.left == ()
    assert rc.read_text() == "export NODE_EXTRA_CA_CERTS=/both.pem\n"
    assert (image / "both.pem").read_text() == other.pem
