"""The lab's certificates are what OpenSSL and cryptography's strict verifier accept."""

import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from detector.lab.pki import LabPki, sct_extension, write_secret


def test_openssl_verifies_a_lab_leaf(pki: LabPki, tmp_path: Path) -> None:
    leaf = pki.issue("a.com", "192.0.2.1")
    (tmp_path / "root.pem").write_text(pki.root.pem)
    (tmp_path / "mid.pem").write_text(pki.intermediate.pem)
    (tmp_path / "leaf.pem").write_text(leaf.chain_pem)
    command = ["openssl", "verify", "-x509_strict", "-verify_hostname", "a.com"]
    command += ["-CAfile", "root.pem", "-untrusted", "mid.pem", "leaf.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "leaf.pem: OK\n", done.stderr


def test_cryptographys_strict_verifier_accepts_it_too(pki: LabPki) -> None:
    leaf = pki.issue("a.com")
    verifier = (
        PolicyBuilder()
        .store(Store([pki.root.certificate]))
        .time(datetime.now(UTC))
        .build_server_verifier(x509.DNSName("a.com"))
    )
    assert len(verifier.verify(leaf.certificate, list(leaf.above))) == 3


def test_cryptography_reads_our_sct_list_at_any_size(pki: LabPki) -> None:
    for count in (1, 2, 4):
        leaf = pki.issue("a.com", logs=[pki.logs[0]] * count).certificate
        found = leaf.extensions.get_extension_for_class(
            x509.PrecertificateSignedCertificateTimestamps
        )
        assert len(found.value) == count
    assert sct_extension([bytes(100)] * 3)[:2] == b"\x04\x82"


def test_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    path = write_secret(tmp_path / "key.pem", "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
