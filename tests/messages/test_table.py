"""No row lies: each is compared with the library's own strings, where the library is here."""

from __future__ import annotations

import ctypes
import ctypes.util
import subprocess
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.causes import cause_table
from detector.knowledge.explanations import error_table, load_error_table
from detector.knowledge.shipped import DATA
from detector.messages.table import ErrorText
from detector.model import alerts

TABLE = error_table()
SIDES: tuple[alerts.Side, ...] = ("client", "server")


def family(name: str) -> list[ErrorText]:
    return [row for row in TABLE.texts if row.family == name]


def library(name: str) -> ctypes.CDLL:
    found = ctypes.util.find_library(name)
    assert found is not None, f"lib{name} is not installed"
    return ctypes.CDLL(found)


@pytest.mark.live
def test_openssls_verification_texts_are_its_own() -> None:
    text = library("crypto").X509_verify_cert_error_string
    text.restype = ctypes.c_char_p
    for row in family("OpenSSL verification"):
        assert row.text in ("", text(int(row.code)).decode()), row.name


@pytest.mark.live
def test_openssls_handshake_texts_are_its_own() -> None:
    for row in family("OpenSSL handshake"):
        code = f"0A{int(row.code):06X}"
        done = subprocess.run(["openssl", "errstr", code], capture_output=True, text=True)
        assert row.text in ("", done.stdout.strip().split(":", 4)[-1]), row.name


@pytest.mark.live
def test_gnutlss_names_and_texts_are_its_own() -> None:
    gnutls = library("gnutls")
    for function in (gnutls.gnutls_strerror, gnutls.gnutls_strerror_name):
        function.restype = ctypes.c_char_p
    for row in family("GnuTLS"):
        assert gnutls.gnutls_strerror_name(int(row.code)).decode() == row.name
        assert row.text in ("", gnutls.gnutls_strerror(int(row.code)).decode())


@pytest.mark.live
def test_nsss_names_are_in_the_library() -> None:
    """NSS keeps its error names as strings in libssl3 and libnss3; mozilla_pkix is Firefox's own."""
    names = {row.name for row in family("Firefox") if row.name.startswith(("SEC_", "SSL_"))}
    held = b""
    for name in ("libnss3.so", "libssl3.so", "libnssutil3.so"):
        for path in Path("/usr/lib").rglob(name):
            held += path.read_bytes()
    assert held, "libnss3 is not installed"
    assert {name for name in names if name.encode() not in held} == set()


def test_nine_hundred_identifiers_and_more_are_known() -> None:
    assert len({identifier for row in TABLE.texts for identifier in row.identifiers}) >= 900


def test_every_cause_is_known_and_can_be_reached() -> None:
    meant = {meaning.cause for row in TABLE.texts for meaning in row.meanings}
    for row in alerts.rows():
        meant |= {m.cause for side in SIDES for m in alerts.meanings(row.code, side)}
    # Seen by probing, never said by a library.
    unsaid = {
        "split-hello-intolerant", "post-quantum-intolerant",
        "no-forward-secrecy", "weak-cipher-accepted", "obsolete-version",
        "superfluous-certificates", "reason-not-logged",
            "proxy-header-required",
    }  # fmt: skip
    assert set(TABLE.causes) - meant == unsaid


def test_every_cause_says_who_acts_what_to_do_and_how_to_be_sure() -> None:
    for cause in TABLE.causes.rows:
        assert cause.text.endswith(".")
        assert cause.fix.endswith(".")
        assert cause.references
        assert cause.confirm


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            "| certificate-expired,",
            "| certificate-expird,",
            "'certificate-expird' is no known cause",
        ),
        ("10 | X509_V_ERR_CERT_HAS_EXPIRED |", "10 |", "is no row"),
        ("[[family]]", "[[familie]]", "family"),
    ],
)
def test_a_row_that_makes_no_sense_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    path = tmp_path / "error_texts.toml"
    path.write_text((DATA / "error_texts.toml").read_text().replace(old, new))
    with pytest.raises(ConfigError, match=why):
        load_error_table(cause_table(), path)
