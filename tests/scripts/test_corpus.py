"""The corpus is judged whole: chains, observations, captures, archives; and says what came of it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from detector.lab.pki import Authority
from detector.runs.saved import encode_observation
from tests.test_forged_chains import good

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"


def corpus(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "corpus.py", *map(str, words)],
        capture_output=True, text=True, timeout=120, cwd=ROOT,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, corporate: Authority) -> Path:
    """One of each kind, some in an archive, some broken."""
    place = tmp_path / "some" / "deep"
    place.mkdir(parents=True)
    (place / "saved.ndjson").write_bytes(b"\n".join(map(encode_observation, good("mitmproxy"))))
    (place / "notes.txt").write_text("nothing of ours")
    (place / "cut.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB")
    with tarfile.open(tmp_path / "packed.tar.gz", "w:gz") as archive:
        chain = corporate.issue("vpn.corp.com").chain_pem.encode()
        for name, data in (
            ("chains/vpn.pem", chain),
            ("one.pcap", (DATA / "captures" / "late_fin.pcap").read_bytes()),
            ("../outside.pem", chain),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    (tmp_path / "broken.tar.gz").write_bytes(b"\x1f\x8bnothing")
    return tmp_path


def test_our_own_data_gives_no_traceback() -> None:
    done = corpus(DATA, "--together")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tracebacks: 0" in done.stdout
    assert "late_fin" not in done.stdout


def test_every_kind_is_judged_also_in_an_archive(folder: Path) -> None:
    done = corpus(folder, "--each")
    assert done.returncode == 0, done.stderr
    assert "1 observations" in done.stdout
    assert "1 capture" in done.stdout
    assert "packed.tar.gz!chains/vpn.pem  vpn.corp.com" in done.stdout
    assert "cut.pem: " in done.stdout.split("not read: 1")[1]
    assert "broken.tar.gz" in done.stderr
    assert not (folder.parent / "outside.pem").exists()


def test_an_accusation_comes_with_its_reasons_and_counts_where_all_should_be_honest(
    folder: Path,
) -> None:
    roots = ("--roots", DATA / "forged_chains_root.pem")
    done = corpus(folder, *roots)
    assert done.returncode == 0
    assert "accusations: 2" in done.stdout
    assert "origin.test  [private-path-with-company] mitmproxy" in done.stdout
    assert "engine-match (strong)" in done.stdout
    assert corpus(folder, *roots, "--honest").returncode == 1


def test_a_file_that_takes_too_long_is_a_traceback_and_exit_code_one(folder: Path) -> None:
    done = corpus(folder, "--limit", "0.000001")
    assert done.returncode == 1
    assert "TooLong: not judged within 1e-06 s" in done.stdout
    assert "tracebacks: 0" not in done.stdout


@pytest.mark.parametrize("words", [(), ("",), ("no/such/folder",)])
def test_where_the_folder_is_missing_one_line_says_so(words: tuple[str, ...]) -> None:
    done = corpus(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "make corpus DIR=" in done.stderr


def test_nothing_to_judge_is_said(tmp_path: Path) -> None:
    done = corpus(tmp_path)
    assert done.returncode == 2
    assert "nothing to judge" in done.stderr


def test_make_sets_up_first_and_hands_the_folder_over() -> None:
    alone = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        ["make", "-n", "corpus", "DIR=a folder", "OPTIONS=--honest"],
        capture_output=True, text=True, timeout=60, cwd=ROOT, check=True, env=alone,
    )  # fmt: skip
    setup, run = done.stdout.strip().splitlines()[-2:]
    assert "setup.sh" in setup
    assert run.endswith('scripts/corpus.py "a folder" --honest')


def test_the_traces_of_a_network_monitors_own_tests_accuse_nobody() -> None:
    """216 captures that were made for Zeek's tests: odd ports, broken handshakes, real sites of fifteen years."""
    done = corpus(DATA / "zeek", "--honest")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("216 files (216 capture)")
    assert "\naccusations: 0\n" in done.stdout
    assert "\ntracebacks: 0\n" in done.stdout
