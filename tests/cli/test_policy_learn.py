"""`tlsight policy learn` from behind a gateway, as an administrator runs it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.chain.certificate import Certificate
from detector.lab.origin import Origin
from detector.lab.pki import Authority, Credential, LabPki
from tests.cli.conftest import Run, running

Learn = Callable[..., subprocess.CompletedProcess[str]]
HOST = "github.com"


@pytest.fixture(scope="module")
def gateway() -> Authority:
    return Authority("Example Proxy CA", organization="Example Corp", profile=False)


@pytest.fixture
def digest(gateway: Authority) -> str:
    return hashlib.sha256(gateway.der).hexdigest()


@pytest.fixture
def ask(tlsight: Run, world: LabPki, tmp_path: Path) -> Learn:
    """`ask(shown, words...)`: run the command while the host shows this credential."""
    (tmp_path / "logs.json").write_text(world.ct_logs_json)

    def run(shown: Credential, *words: str) -> subprocess.CompletedProcess[str]:
        with running(Origin({HOST: shown})) as origin:
            return tlsight(
                *words, "--connect", f"127.0.0.1:{origin.port}", "--roots", tmp_path / "root.pem",
                "--ct-logs", tmp_path / "logs.json",
            )  # fmt: skip

    return run


def forged(gateway: Authority) -> Credential:
    leaf = gateway.issue(HOST)
    return Credential(leaf.certificate, leaf.key, (gateway.certificate,))


def test_who_it_is_and_what_would_be_written_is_shown_and_nothing_is_written(
    ask: Learn, gateway: Authority, digest: str, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    done = ask(forged(gateway), "policy", "learn", HOST, "--policy", str(path))
    assert done.returncode == 0
    assert "Example Proxy CA" in done.stdout
    assert f"certificate SHA-256  {digest}" in done.stdout
    assert Certificate(gateway.der).spki_sha256 in done.stdout
    assert '[[sanctioned]]\nname = "Example Proxy CA"' in done.stdout
    assert "nothing is written: compare" in done.stderr
    assert not path.exists()


def test_a_digest_of_another_is_refused_and_nothing_is_written(
    ask: Learn, gateway: Authority, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    done = ask(
        forged(gateway), "policy", "learn", HOST, "--policy", str(path), "--sha256", "0" * 64
    )
    assert done.returncode == 1
    assert "refused: nobody on the path to github.com has that SHA-256" in done.stderr
    assert not path.exists()


@pytest.mark.parametrize("of", ["certificate", "key", "colons"])
def test_what_its_owner_answered_for_is_written_lints_and_sanctions(
    ask: Learn, tlsight: Run, gateway: Authority, digest: str, tmp_path: Path, of: str
) -> None:
    given = {
        "certificate": digest,
        "key": Certificate(gateway.der).spki_sha256,
        "colons": ":".join(digest[at : at + 2] for at in range(0, 64, 2)).upper(),
    }[of]
    path = tmp_path / "policy.toml"
    path.write_text("# ours\ninternal = ['.corp.example.com']\n")
    done = ask(
        forged(gateway), "policy", "learn", HOST, "--policy", str(path), "--sha256", given,
        "--owner", "network team", "--expires", "2090-06-30",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_text().startswith("# ours\n")
    assert tlsight("policy", "lint", path).stdout == f"{path}: no problems\n"
    checked = ask(forged(gateway), "check", HOST, "--json", "--policy", str(path))
    record = json.loads(checked.stdout)
    assert (record["verdict"], record["sanctioned"]) == ("intercepted", True)


def test_only_the_host_may_be_decrypted_unless_more_is_said_and_a_second_run_adds(
    ask: Learn, tlsight: Run, gateway: Authority, digest: str, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    words = ("policy", "learn", HOST, "--policy", str(path), "--sha256", digest)
    assert ask(forged(gateway), *words).returncode == 0
    assert f'decrypt = ["{HOST}"]' in path.read_text()
    more = (*words, "--decrypt", "*", "--never", ".Bank.example")
    assert ask(forged(gateway), *more).returncode == 0
    assert path.read_text().count("[[sanctioned]]") == 1
    assert f'decrypt = ["{HOST}", "*"]' in path.read_text()
    assert 'never = [".bank.example"]' in path.read_text()


def test_a_second_run_changes_the_owner_that_it_names_and_no_last_day_of_others(
    ask: Learn, gateway: Authority, digest: str, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    words = ("policy", "learn", HOST, "--policy", str(path), "--sha256", digest)
    assert ask(forged(gateway), *words, "--owner", "first").returncode == 0
    assert ask(forged(gateway), *words, "--owner", "second", "--name", "Gate").returncode == 0
    assert 'owner = "second"' in path.read_text()
    assert 'name = "Gate"' in path.read_text()
    before = path.read_text()
    more = (*words, "--decrypt", "other.example", "--expires", "2090-01-01")
    done = ask(forged(gateway), *more)
    assert (done.returncode, path.read_text()) == (2, before)
    assert f"would become the last day of {HOST} too" in done.stderr


def test_a_private_ca_is_expected_for_its_names(
    ask: Learn, gateway: Authority, digest: str, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    words = ("policy", "learn", HOST, "--private", "--policy", str(path), "--sha256", digest)
    assert ask(forged(gateway), *words).returncode == 0
    checked = ask(forged(gateway), "check", HOST, "--json", "--policy", str(path))
    assert json.loads(checked.stdout)["verdict"] == "private"


def test_where_nobody_stands_in_between_there_is_nobody_to_allow(ask: Learn, world: LabPki) -> None:
    done = ask(world.issue(HOST), "policy", "learn", HOST)
    assert (done.returncode, done.stdout) == (2, "")
    assert "a public CA answers for github.com" in done.stderr


def test_who_signed_himself_is_no_ca(ask: Learn) -> None:
    done = ask(Authority(HOST, profile=False).credential(), "policy", "learn", HOST)
    assert (done.returncode, done.stdout) == (2, "")
    assert "made the certificate himself" in done.stderr


def test_mistakes_are_told_before_anybody_is_asked(tlsight: Run, tmp_path: Path) -> None:
    broken = tmp_path / "policy.toml"
    broken.write_text("[[sanctioned]]\nnme = 1\n")
    for words, said in (
        (("--sha256", "00"), "no file to write is named"),
        (("--policy", str(broken), "--sha256", "0" * 64), "policy.toml:"),
        (("--expires", "soon"), "'soon' is no date"),
        (("--expires", ""), "'' is no date"),
        (("--expires", "2020-01-01"), "2020-01-01 is over"),
        (("--private", "--owner", "us"), "--owner: is of an interceptor"),
        (("--private", "--never", "a.example"), "--never: is of an interceptor"),
    ):
        done = tlsight("policy", "learn", "127.0.0.1:1", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_nobody_there_exits_3(tlsight: Run) -> None:
    assert tlsight("policy", "learn", "127.0.0.1:1").returncode == 3
