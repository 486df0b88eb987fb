"""The files that lines name."""

from __future__ import annotations

from pathlib import Path

from detector.chain.certificate import Certificate, split_pem
from detector.lab.pki import Authority
from detector.runs.trust_bundle import bundle_files


def test_two_files_a_ca_and_the_ca_is_in_the_bundle_once(
    tmp_path: Path, corporate: Authority
) -> None:
    ca = Certificate(corporate.der)
    found = bundle_files(ca, {"XDG_DATA_HOME": str(tmp_path)})
    assert found.ca == tmp_path / "tlsight/trust" / f"ca-{ca.sha256[:16]}.pem"
    assert split_pem(found.ca_pem) == [corporate.der]
    ders = split_pem(found.bundle_pem)
    assert ders[-1] == corporate.der
    assert len(ders) == len(set(ders)) > 50
    other = bundle_files(Certificate(Authority("Other").der), {"XDG_DATA_HOME": str(tmp_path)})
    assert other.bundle != found.bundle
