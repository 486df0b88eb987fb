"""`trust remove` on real stores: NSS's certutil, Java's keytool, Debian's update-ca-certificates in a tree of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from detector.chain.certificate import Certificate
from detector.lab.pki import Authority
from tests.cli.conftest import Run
from tests.live.programs import find
from tests.live.test_trust import keystore, nss_database

pytestmark = pytest.mark.live


@pytest.fixture
def bad() -> Authority:
    return Authority("Adware CA", organization="Adware")


@pytest.fixture
def good() -> Authority:
    return Authority("Example Corp CA", organization="Example Corp")


def digest(authority: Authority) -> str:
    return Certificate(authority.der).sha256


def record(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def debian(tmp_path: Path, bad: Authority, good: Authority) -> Path:
    """A machine as update-ca-certificates leaves it, with both roots added by an administrator."""
    root = tmp_path / "machine"
    local = root / "usr/local/share/ca-certificates"
    for folder in (
        local / "adware",
        root / "etc/ssl/certs",
        root / "usr/share/ca-certificates",
        root / "etc/ca-certificates/update.d",
        root / "home/ann",
    ):
        folder.mkdir(parents=True)
    (root / "etc/ca-certificates.conf").write_text("")
    (local / "adware/bad.crt").write_text(bad.pem)
    (local / "good.crt").write_text(good.pem)
    subprocess.run(
        [find("update-ca-certificates"), "--certsconf", root / "etc/ca-certificates.conf",
         "--certsdir", root / "usr/share/ca-certificates", "--localcertsdir", local,
         "--etccertsdir", root / "etc/ssl/certs", "--hooksdir", "/dev/null"],
        check=True, capture_output=True,
    )  # fmt: skip
    assert bad.pem.strip() in (root / "etc/ssl/certs/ca-certificates.crt").read_text()
    return root


def test_debians_store_loses_it_and_keeps_the_others(
    tlsight: Run, debian: Path, bad: Authority, good: Authority
) -> None:
    words = ("trust", "remove", digest(bad), "--root", debian, "--json")
    planned = tlsight(*words)
    assert planned.returncode == 1
    assert (debian / "usr/local/share/ca-certificates/adware/bad.crt").exists()
    done = tlsight(*words, "--yes")
    assert (done.returncode, record(done)["left"]) == (0, [])
    assert not (debian / "usr/local/share/ca-certificates/adware/bad.crt").exists()
    bundle = (debian / "etc/ssl/certs/ca-certificates.crt").read_text()
    assert bad.pem.strip() not in bundle
    assert good.pem.strip() in bundle
    assert all(path.exists() for path in (debian / "etc/ssl/certs").iterdir())  # no link to nothing
    again = tlsight(*words, "--yes")
    assert (again.returncode, record(again)["subject"]) == (0, "")


def test_an_nss_database_and_a_keystore_lose_it(
    tlsight: Run, tmp_path: Path, bad: Authority, good: Authority
) -> None:
    root, home = tmp_path / "machine", tmp_path / "machine/home/ann"
    nss_database(home / ".pki/nssdb", bad=bad, good=good)
    store = keystore(tmp_path / "trust.jks", "PKCS12", bad=bad, good=good)
    words = (
        "trust",
        "remove",
        digest(bad),
        "--root",
        root,
        "--home",
        home,
        "--also",
        store,
        "--json",
    )
    before = record(tlsight(*words))
    assert len(before["before"]) == 2
    done = tlsight(*words, "--yes")
    assert (done.returncode, record(done)["left"]) == (0, []), done.stdout
    audit = record(tlsight("trust", "--root", root, "--home", home, "--also", store, "--json"))
    subjects = [entry["subject"] for place in audit["places"] for entry in place["roots"]]
    assert len(subjects) == 2
    assert all("Example Corp" in subject for subject in subjects)


def test_what_a_user_set_up_for_it_goes_with_it(
    tlsight: Run, tmp_path: Path, bad: Authority, good: Authority
) -> None:
    root = tmp_path / "machine"
    home = root / "home/ann"
    home.mkdir(parents=True)
    (home / "bad.pem").write_text(bad.pem)
    (home / "both.pem").write_text(bad.pem + good.pem)
    (home / ".bashrc").write_text(
        "export A=1\nexport NODE_EXTRA_CA_CERTS=/home/ann/bad.pem\nexport B=2\n"
        "export SSL_CERT_FILE=/home/ann/both.pem\nexport HTTPS_PROXY=http://127.0.0.1:8080\n"
    )
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ann\n[http]\n\tsslCAInfo = /home/ann/bad.pem\n"
    )
    done = tlsight("trust", "remove", digest(bad), "--root", root, "--yes", "--json")
    found = record(done)
    assert (done.returncode, found["left"]) == (0, [])
    assert (home / "both.pem").read_text() == good.pem
    assert "NODE_EXTRA" not in (home / ".bashrc").read_text()
    assert "SSL_CERT_FILE" in (home / ".bashrc").read_text()
    assert "sslCAInfo" not in (home / ".gitconfig").read_text()
    assert [setting["key"] for setting in found["beside"]] == ["env:HTTPS_PROXY"]
