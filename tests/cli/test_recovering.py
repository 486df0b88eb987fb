"""`--recover` from the outside: what is said, what is remembered, and how it is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from detector.chain.certificate import Certificate
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from tests.cli.conftest import Run, running

HOSTS = ("alpha.test", "github.com")


@pytest.fixture(scope="module")
def forger() -> Authority:
    """An interceptor that sends the leaf alone; its exponent makes the work short."""
    return Authority("Gateway", key=rsa.generate_private_key(3, 2048), profile=False)


@pytest.fixture
def leaves(forger: Authority, tmp_path: Path) -> list[str]:
    found: list[str] = []
    for host in HOSTS:
        path = tmp_path / f"{host}.pem"
        path.write_text(forger.issue(host).chain_pem)
        found.append(f"{host}={path}")
    return found


def test_judge_computes_the_signer_once_and_accuses_both(
    tlsight: Run, world: LabPki, forger: Authority, leaves: list[str], tmp_path: Path
) -> None:
    words = ("judge", "--json", "--no-store", "--roots", tmp_path / "root.pem", *leaves)
    plain = tlsight(*words)
    first, second = (tlsight(*words, "--recover") for _ in range(2))
    digest = Certificate(forger.der).spki_sha256
    for done, verdict in ((first, "intercepted"), (second, "intercepted")):
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line["verdict"] for line in lines] == [verdict] * 2
        assert {line["interceptor"]["issuer_spki_sha256"] for line in lines} == {digest}
        assert done.returncode == 1
    assert digest not in plain.stdout
    assert plain.stderr == ""
    computing, found = first.stderr.splitlines()
    assert computing.startswith("tlsight: computing who signed for alpha.test and github.com (RSA")
    assert "2048 bits): about" in computing
    assert found.startswith("tlsight: found the key that signed both, after")
    assert second.stderr == ""


def test_without_a_history_it_is_computed_again(
    tlsight: Run, world: LabPki, leaves: list[str], tmp_path: Path
) -> None:
    words = ("judge", "--no-store", "--roots", tmp_path / "root.pem", "--recover", "--no-history")
    for _ in range(2):
        assert "found the key" in tlsight(*words, *leaves).stderr


def test_check_computes_the_signer_of_what_it_met(
    tlsight: Run, world: LabPki, forger: Authority, tmp_path: Path
) -> None:
    shown = {host: forger.issue(host) for host in HOSTS}
    with running(Origin(shown)) as origin:
        words = ("--no-store", "--roots", tmp_path / "root.pem", *HOSTS)
        way = ("--connect", f"127.0.0.1:{origin.port}")
        first = tlsight("check", "--json", "--recover", *way, *words)
        later = tlsight("check", "--json", *way, *words)
    for done in (first, later):
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert {line["target"]["host"]: line["verdict"] for line in found} == dict.fromkeys(
            HOSTS, "intercepted"
        )
        text = json.dumps(found)
        assert Certificate(forger.der).spki_sha256 in text
    assert "found the key" in first.stderr
    assert "found the key" not in later.stderr


def test_ctrl_c_ends_it_at_once_and_leaves_no_process(world: LabPki, tmp_path: Path) -> None:
    slow = Authority("Gateway", key=rsa.generate_private_key(65537, 4096), profile=False)
    words: list[str] = []
    for host in HOSTS:
        path = tmp_path / f"{host}.pem"
        path.write_text(slow.issue(host).chain_pem)
        words.append(f"{host}={path}")
    # Whatever started the tests may ignore the signal, and so would what they start.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "detector", "judge"]
    command += ["--recover", "--no-history", "--no-store"]
    with subprocess.Popen(
        [*command, "--roots", str(tmp_path / "root.pem"), *words],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert "computing who signed" in process.stderr.readline()
        time.sleep(1)
        os.kill(process.pid, signal.SIGINT)  # to the command alone, as a service manager does
        try:
            assert process.wait(20) == 130
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
