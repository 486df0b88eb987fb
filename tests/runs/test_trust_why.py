"""`trust why` over an image, and which program is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.auditing.why import Sought
from detector.chain.certificate import Certificate
from detector.errors import ConfigError
from detector.lab.pki import Authority, LabPki
from detector.runs.trust_why import WhyRun, chain_of, program_named, python_of, version_of


@pytest.fixture
def image(tmp_path: Path, pki: LabPki, corporate: Authority) -> Path:
    root = tmp_path / "image"
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True)
    bundle.write_text(pki.root.pem)
    (root / "opt").mkdir()
    (root / "opt/corp.pem").write_text(corporate.pem)
    (root / "home/ann").mkdir(parents=True)
    return root


def test_an_images_settings_decide_and_its_root_is_found(image: Path, corporate: Authority) -> None:
    sought = Sought(Certificate(corporate.der))
    without = WhyRun("git", root=image, sought=sought).answer()
    assert (without.holds, without.choice.uses) == (False, ())
    (image / "home/ann/.gitconfig").write_text("[http]\n\tsslCAInfo = /opt/corp.pem\n")
    found = WhyRun("git", root=image, sought=sought).answer()
    assert found.holds is True
    (use,) = found.choice.uses
    assert (use.setting.line, use.counts) == (2, True)
    assert found.ask.startswith("Ask who runs it")


def test_what_turns_verification_off_is_named_with_its_line(image: Path) -> None:
    (image / "etc/profile.d").mkdir()
    (image / "etc/profile.d/x.sh").write_text("\nexport NODE_TLS_REJECT_UNAUTHORIZED=0\n")
    (off,) = WhyRun("npm", root=image).answer().unsafe
    assert off.place == f"{image}/etc/profile.d/x.sh:2"


def test_python_of_an_image_shows_by_its_folders(image: Path, corporate: Authority) -> None:
    (image / "usr/lib/python3.9").mkdir(parents=True)
    (image / "usr/local/lib/python3.13").mkdir(parents=True)
    python = program_named("python")
    assert version_of(python, image) == python_of(python, image) == "3.13"
    assert python_of(program_named("curl"), image) == ""
    found = WhyRun("python", root=image, sought=Sought(Certificate(corporate.der))).answer()
    assert found.refused == ()


@pytest.mark.parametrize(
    ("text", "expected"), [("pip3", "pip"), ("Node.js", "node"), ("GIT", "git")]
)
def test_a_program_is_known_by_id_command_or_name(text: str, expected: str) -> None:
    assert program_named(text).id == expected


@pytest.mark.parametrize(("text", "near"), [("nmp", "npm"), ("gitt", "git")])
def test_an_unknown_one_is_told_with_those_near_it(text: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        program_named(text)
    assert near in caught.value.remedy.split()[2].rstrip(",") or near in caught.value.remedy


def test_a_chain_leaves_out_what_cannot_be_read(corporate: Authority) -> None:
    assert [*chain_of((b"x", corporate.der))] == [Certificate(corporate.der)]


def test_a_root_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        WhyRun("git", root=Path("/nowhere")).answer()
