"""`tlsight trust why` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from tests.cli.conftest import Run, running


@pytest.fixture
def image(tmp_path: Path, corporate: Authority) -> Path:
    root = tmp_path / "image"
    (root / "opt").mkdir(parents=True)
    (root / "opt/corp.pem").write_text(corporate.pem)
    (root / "home/ann").mkdir(parents=True)
    (root / "home/ann/.gitconfig").write_text(
        "[http]\n\tsslCAInfo = /opt/corp.pem\n\tproxy = http://u:hush@p:1\n"
    )
    return root


def test_the_answer_comes_first_then_whom_to_ask_store_setting_and_line(
    tlsight: Run, image: Path
) -> None:
    done = tlsight("trust", "why", "git", "--root", image, "--ca", image / "opt/corp.pem")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("✓ git has CN=Example Corp CA,O=Example Corp,C=US already")
    assert lines[1].startswith("First: Ask who runs it")
    assert "holds the root" in done.stdout
    assert f"{image}/home/ann/.gitconfig:2" in done.stdout


def test_a_root_that_is_missing_is_exit_1_with_the_lines(
    tlsight: Run, image: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    other.write_text(Authority("Other").pem)
    done = tlsight("trust", "why", "curl", "--root", image, "--ca", other, "--json")
    assert done.returncode == 1
    record = json.loads(done.stdout)
    assert (record["schema"], record["holds"]) == ("tlsight.trust-why/1", False)
    assert record["fixes"][0]["lines"]["sh"].startswith("export CURL_CA_BUNDLE=")
    text = tlsight("trust", "why", "curl", "--root", image, "--ca", other).stdout
    assert 'ENV CURL_CA_BUNDLE="' in text


def test_a_servers_chain_is_compared(tlsight: Run, image: Path, world: LabPki) -> None:
    with running(Origin({"localhost": world.issue("localhost")})) as origin:
        done = tlsight(
            "trust",
            "why",
            "git",
            f"localhost:{origin.port}",
            "--no-proxy",
            "--root",
            image,
            "--json",
        )
    record = json.loads(done.stdout)
    assert (done.returncode, record["holds"]) == (1, False)
    assert "Lab Public Root" in record["root"]


def test_without_a_handshake_it_is_exit_3(tlsight: Run, image: Path) -> None:
    done = tlsight("trust", "why", "git", "localhost:1", "--no-proxy", "--root", image)
    assert done.returncode == 3
    assert "tlsight diagnose" in done.stderr
    assert done.stdout.startswith("git reads:"), "no first line about a root that nobody saw"


def test_without_a_root_nobody_is_to_be_asked_about_one(tlsight: Run, image: Path) -> None:
    done = tlsight("trust", "why", "curl", "--root", image)
    assert done.returncode == 0
    assert done.stdout.startswith("curl reads:")
    assert "Ask who runs it" not in done.stdout
    assert "Where the owner of a root has answered for it, the line is:" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("why", "nmp"),
        ("why", "git", "--root", "/nowhere"),
        ("--all", "why", "git"),
        ("why", "git", "--ca", "/nowhere"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(tlsight: Run, words: tuple[str, ...]) -> None:
    done = tlsight("trust", *words)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_help_names_the_verbs(tlsight: Run) -> None:
    done = tlsight("trust", "--help")
    assert all(verb in done.stdout for verb in ("why", "fix", "remove", "--sarif"))
