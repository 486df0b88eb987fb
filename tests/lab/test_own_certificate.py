"""The server's keys are kept for their owner alone, stay the same, and are made anew where they must be."""

from __future__ import annotations

import ssl
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from detector.errors import ConfigError
from detector.lab.case import now
from detector.lab.own_certificate import loaded, own_certificate, signing_key


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_signing_key_is_its_owners_and_the_same_after_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "echo"
    first = signing_key(folder).private_bytes_raw()
    assert signing_key(folder).private_bytes_raw() == first
    assert (mode(folder / "signing.key"), mode(folder)) == (0o600, 0o700)


def test_a_file_that_is_no_key_is_told_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "signing.key").write_text("not hex")
    with pytest.raises(ConfigError, match="holds no signing key"):
        signing_key(tmp_path)
    assert (tmp_path / "signing.key").read_text() == "not hex"


def test_the_certificate_stays_until_the_name_changes_or_its_time_is_over(tmp_path: Path) -> None:
    path = own_certificate(tmp_path, "echo.test", now())
    first = path.read_bytes()
    assert mode(path) == 0o600
    assert own_certificate(tmp_path, "echo.test", now()).read_bytes() == first
    leaf = x509.load_pem_x509_certificates(first)[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [one.value for one in names] == ["echo.test", "*.echo.test"]
    other = own_certificate(tmp_path, "else.test", now()).read_bytes()
    assert other != first
    later = own_certificate(tmp_path, "else.test", now() + timedelta(days=350)).read_bytes()
    assert later != other


def test_the_root_that_lies_beside_it_verifies_it(tmp_path: Path) -> None:
    path = own_certificate(tmp_path, "127.0.0.1", now())
    leaf = x509.load_pem_x509_certificates(path.read_bytes())[0]
    root = x509.load_pem_x509_certificate((tmp_path / "root.pem").read_bytes())
    leaf.verify_directly_issued_by(root)


def test_what_cannot_be_served_is_told_with_a_remedy(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with pytest.raises(ConfigError, match="No such file"):
        loaded(context, tmp_path / "nothing.pem", None)
    (tmp_path / "noise.pem").write_bytes(b"\x00" * 100)
    with pytest.raises(ConfigError, match="cannot be served") as caught:
        loaded(context, tmp_path / "noise.pem", None)
    assert caught.value.remedy
    loaded(context, own_certificate(tmp_path / "own", "echo.test", now()), None)
