from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.roots import local_roots, public_roots, roots_from_file
from detector.lab.pki import Authority


def test_certifi_is_read_whole() -> None:
    roots = public_roots()
    assert len(roots.certificates) > 100
    assert roots.skipped == 0
    assert roots.name.startswith("certifi 20")


def test_the_machines_store_is_read_and_overlaps_the_public_one() -> None:
    local = local_roots()
    keys = {root.spki_sha256 for root in local.certificates}
    shared = [k for k in keys if public_roots().has_key(k)]
    assert len(shared) > 50


def test_pem_and_der_files_will_do(tmp_path: Path) -> None:
    root = Authority("R")
    (tmp_path / "r.pem").write_text(root.pem)
    (tmp_path / "r.der").write_bytes(root.der)
    for name in ("r.pem", "r.der"):
        assert [c.der for c in roots_from_file(tmp_path / name).certificates] == [root.der]


@pytest.mark.parametrize("data", [b"", b"hello", b"\x30\x82\xff"])
def test_a_file_without_roots_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "none.pem"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="no certificate in it"):
        roots_from_file(path)
