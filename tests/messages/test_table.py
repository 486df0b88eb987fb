"""No row lies: each is compared with the library's own strings, where the library is here."""

from __future__ import annotations

import ctypes
import ctypes.util
import subprocess
from collections import Counter
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


def test_no_row_of_a_family_is_told_twice() -> None:
    rows = Counter((row.family, row.side, row.code, row.name, row.text) for row in TABLE.texts)
    assert [row for row, count in rows.items() if count > 1] == []


def test_seven_thousand_identifiers_and_more_are_known() -> None:
    assert len({identifier for row in TABLE.texts for identifier in row.identifiers}) >= 7000


def test_an_identifier_means_the_same_in_every_table() -> None:
    meant: dict[str, set[tuple[alerts.Meaning, ...]]] = {}
    for row in TABLE.texts:
        for identifier in row.identifiers:
            plain = " ".join(identifier.casefold().replace("’", "'").split())
            meant.setdefault(plain, set()).add(row.meanings)
    assert {identifier for identifier, found in meant.items() if len(found) > 1} == set()


@pytest.mark.parametrize(
    "identifier",
    [
        "CRYPT_E_NO_REVOCATION_CHECK", "CRYPT_E_REVOCATION_OFFLINE", "CERT_TRUST_REVOCATION_STATUS_UNKNOWN",
        "CERT_TRUST_IS_OFFLINE_REVOCATION", "RevocationStatusUnknown", "OfflineRevocation",
        "ERR_CERT_UNABLE_TO_CHECK_REVOCATION", "UnknownRevocationStatus", "X509_V_ERR_UNABLE_TO_GET_CRL",
        "ERROR_WINHTTP_SECURE_CERT_REV_FAILED", "errSecIncompleteCertRevocationCheck",
        "Could not determine revocation status", "revocation_status_undetermined",
        "CRL has expired", "SEC_ERROR_OCSP_SERVER_ERROR",
    ],
)  # fmt: skip
def test_revocation_that_could_not_be_checked_is_not_called_revoked(identifier: str) -> None:
    rows = [row for row in TABLE.texts if identifier in row.identifiers]
    assert rows
    for row in rows:
        assert row.meanings[0] == alerts.Meaning("revocation-unavailable", "likely")
        assert "certificate-revoked" not in {meaning.cause for meaning in row.meanings}


@pytest.mark.parametrize(
    "name", ["ECONNREFUSED", "ETIMEDOUT", "ENOTFOUND", "InvalidContentType", "InvalidPurpose", "INVALID_CA"]
)  # fmt: skip
def test_a_name_that_others_use_too_counts_only_as_words(name: str) -> None:
    assert [row for row in TABLE.texts if row.name == name] == []


def test_an_issuer_that_is_not_found_has_more_than_one_cause() -> None:
    for words in ("unable to get local issuer certificate", "SEC_ERROR_UNKNOWN_ISSUER", "UnknownIssuer",
                  "x509: certificate signed by unknown authority", "Path does not chain with any of the trust anchors",
                  "ASN no signer error to confirm failure"):  # fmt: skip
        found = {m.cause for row in TABLE.texts if words in row.identifiers for m in row.meanings}
        assert {"tls-intercepted", "untrusted-root", "incomplete-chain"} <= found


def test_every_cause_is_known_and_can_be_reached() -> None:
    meant = {meaning.cause for row in TABLE.texts for meaning in row.meanings}
    for row in alerts.rows():
        meant |= {m.cause for side in SIDES for m in alerts.meanings(row.code, side)}
    # Seen by probing, never said by a library.
    unsaid = {
        "split-hello-intolerant", "post-quantum-intolerant", "no-forward-secrecy",
        "weak-cipher-accepted", "obsolete-version", "superfluous-certificates",
        "reason-not-logged", "proxy-header-required",
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
