"""What we read of Zeek's traces is what Zeek's own tests expect, or it is known why not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ZEEK = ROOT / "tests" / "data" / "zeek"


def agreement(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "zeek_agreement.py", *map(str, words)],
        capture_output=True, text=True, timeout=100, cwd=ROOT,
    )  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The folder, to be changed."""
    return Path(shutil.copytree(ZEEK, tmp_path / "zeek"))


def test_every_difference_from_zeeks_own_logs_is_explained() -> None:
    done = agreement("--all")
    assert done.returncode == 0, done.stdout
    assert "123 rows of 62 logs compared; 4 logs are without a header" in done.stdout
    assert "unexplained disagreements: 0\nstale reasons: 0\n" in done.stdout
    for column in ("version", "cipher", "server_name", "last_alert", "next_protocol"):
        assert f"{column:24}   123      0\n" in done.stdout
    assert "we right: both sides sent packets with a short header" in done.stdout


def test_a_difference_without_a_reason_is_a_fault(copy: Path) -> None:
    table = copy / "disagreements.toml"
    table.write_text(table.read_text().replace('field = "resumed"', 'field = "cipher"'))
    done = agreement(copy)
    assert done.returncode == 1
    assert "unexplained disagreements: 1\n  tls/chrome-63" in done.stdout
    assert "resumed: Zeek T, we F" in done.stdout


def test_a_reason_that_nothing_needs_is_a_fault(copy: Path) -> None:
    with (copy / "disagreements.toml").open("a") as table:
        table.write(
            '[[reason]]\ntrace = "tls/dhe.pcap"\nfield = "version"\nzeek = "TLSv12"\n'
            'ours = "TLSv13"\nright = "we"\nwhy = "once"\n'
        )
    done = agreement(copy)
    assert done.returncode == 1
    assert "stale reasons: 1\n  tls/dhe.pcap  version: TLSv12 / TLSv13" in done.stdout


def test_a_log_that_says_something_else_is_noticed(copy: Path, tmp_path: Path) -> None:
    with tarfile.open(copy / "baselines.tar.gz") as archive:
        archive.extractall(tmp_path / "out", filter="data")
    log = tmp_path / "out/zeek/baseline/scripts.base.protocols.ssl.ecdhe__ssl.log"
    changed = log.read_text().replace("TLSv12", "TLSv11")
    assert changed != log.read_text()
    log.write_text(changed)
    with tarfile.open(copy / "baselines.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "out/zeek", "zeek")
    done = agreement(copy)
    assert done.returncode == 1
    assert "version: Zeek TLSv11, we TLSv12" in done.stdout


def test_the_corpus_asks_zeek_too() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "corpus.py", ZEEK, "--honest"],
        capture_output=True, text=True, timeout=100, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "agreement with Zeek" in done.stdout
    assert "unexplained disagreements: 0" in done.stdout


def test_a_folder_without_logs_is_an_error(tmp_path: Path) -> None:
    done = agreement(tmp_path)
    assert done.returncode == 2
    assert "no baselines.tar.gz in it" in done.stderr
