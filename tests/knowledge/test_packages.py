"""Packages that answer for their roots, on real files laid out as pip and dpkg lay them."""

import base64
import subprocess
import sys
from datetime import date
from hashlib import md5, sha256
from pathlib import Path

import pytest

from detector.knowledge.packages import vouched_roots
from detector.lab.pki import Authority

MADE = date(2026, 10, 18)


def digest(root: Authority) -> str:
    return sha256(root.der).hexdigest()


def install_wheel(site: Path, version: str, pem: str) -> Path:
    """Certifi as pip would have installed it."""
    bundle = site / "certifi" / "cacert.pem"
    bundle.parent.mkdir(parents=True)
    bundle.write_text(pem)
    about = site / f"certifi-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: certifi\nVersion: {version}\n")
    value = base64.urlsafe_b64encode(sha256(pem.encode()).digest()).rstrip(b"=").decode()
    (about / "RECORD").write_text(f"certifi/cacert.pem,sha256={value},{len(pem)}\n")
    return bundle


def install_deb(root: Path, version: str, pem: str) -> Path:
    """ca-certificates as dpkg would have installed it."""
    file = root / "usr/share/ca-certificates/mozilla/Example.crt"
    file.parent.mkdir(parents=True)
    file.write_text(pem)
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    line = f"{md5(pem.encode(), usedforsecurity=False).hexdigest()}  {file.relative_to(root)}\n"
    (info / "ca-certificates.md5sums").write_text(line)
    (info.parent / "status").write_text(
        "Package: bash\nStatus: install ok installed\nVersion: 5.2\n\n"
        f"Package: ca-certificates\nStatus: install ok installed\nVersion: {version}\n"
        "Description: Common CA certificates\n more\n\nPackage: zlib1g\nVersion: 1:1.3\n"
    )
    return file


def of_wheel(site: Path) -> frozenset[str]:
    """Asked by another Python, so that the certifi of these tests is not the one that answers."""
    code = (
        "from datetime import date; from pathlib import Path; import sys;"
        "from detector.knowledge.packages import vouched_roots;"
        f"print(*vouched_roots(date({MADE.year}, {MADE.month}, {MADE.day}), Path('/nowhere/a/b')))"
    )
    run = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"]
    return frozenset(subprocess.run(run, capture_output=True, text=True, check=True).stdout.split())


@pytest.fixture
def root() -> Authority:
    return Authority("Root of next year")


def test_a_wheel_whose_record_holds_answers_for_its_roots(tmp_path: Path, root: Authority) -> None:
    install_wheel(tmp_path, "2027.1.2", root.pem)
    assert of_wheel(tmp_path) == {digest(root)}


def test_a_bundle_that_was_appended_to_answers_for_none(
    tmp_path: Path, root: Authority, corporate: Authority
) -> None:
    bundle = install_wheel(tmp_path, "2027.1.2", root.pem)
    bundle.write_text(root.pem + corporate.pem)
    assert of_wheel(tmp_path) == set()


@pytest.mark.parametrize("version", ["2026.10.18", "2026.7.22", "nightly", "2027.13.41"])
def test_a_package_that_is_not_newer_than_the_table_answers_for_nothing(
    tmp_path: Path, root: Authority, version: str
) -> None:
    install_wheel(tmp_path, version, root.pem)
    assert of_wheel(tmp_path) == set()


def test_a_debian_package_answers_for_the_files_that_are_unchanged(
    tmp_path: Path, root: Authority, corporate: Authority
) -> None:
    file = install_deb(tmp_path, "20270101", root.pem)
    assert digest(root) in vouched_roots(MADE, tmp_path / "var/lib/dpkg")
    file.write_text(corporate.pem)
    assert not vouched_roots(MADE, tmp_path / "var/lib/dpkg") & {digest(root), digest(corporate)}


@pytest.mark.parametrize("version", ["20250419", "20261018~deb13u1", "1.2", "1:20200101"])
def test_an_older_debian_package_answers_for_nothing(
    tmp_path: Path, root: Authority, version: str
) -> None:
    install_deb(tmp_path, version, root.pem)
    assert digest(root) not in vouched_roots(MADE, tmp_path / "var/lib/dpkg")


def test_what_is_damaged_or_not_there_answers_for_nothing(tmp_path: Path, root: Authority) -> None:
    file = install_deb(tmp_path, "20270101+nmu1", root.pem)
    folder = tmp_path / "var/lib/dpkg"
    (folder / "info/ca-certificates.md5sums").write_bytes(b"\xff\xfe\n  \nx  y.crt\n")
    assert digest(root) not in vouched_roots(MADE, folder)
    file.unlink()
    assert digest(root) not in vouched_roots(MADE, folder)
    assert digest(root) not in vouched_roots(MADE, tmp_path / "none")
