"""The tables of errors come out of the libraries again, and names lead to what they say."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "make_library_errors.py"
DATA = ROOT / "detector" / "data"
# What each reader needs besides Python's cryptography; where a machine lacks it, its table is as good as ever.
NEEDS = {
    "library_errors": "/usr/include/openssl/sslerr.h",
    "nss": "/usr/share/doc/libnss3/copyright",
    "windows": "/usr/share/mingw-w64/include/winerror.h",
    "curl": "/usr/include/x86_64-linux-gnu/curl/curl.h",
    "embedded": "/usr/include/wolfssl/error-ssl.h",
    "java": "/usr/lib/jvm/openjdk-17/lib/src.zip",
    "rust": "/usr/share/cargo/registry/rustls-0.20.8/src/error.rs",
    "firefox_words": "/usr/lib/firefox-esr/browser/extensions/langpack-ru@firefox-esr.mozilla.org.xpi",
    "chrome_words": "/usr/lib/chromium/locales/ru.pak",
}


def rows(path: Path) -> dict[str, str]:
    data = tomllib.loads(path.read_text())
    lines = (line for family in data["family"] for line in family["rows"].strip("\n").splitlines())
    return {line.rpartition(" | ")[0]: line.rpartition(" | ")[2] for line in lines}


@pytest.mark.live
@pytest.mark.parametrize("name", NEEDS)
def test_a_table_comes_out_of_the_library_again(name: str, tmp_path: Path) -> None:
    """Nine rows of ten, because a library's later version has some more and some fewer."""
    if not Path(NEEDS[name]).exists():
        pytest.skip(f"{NEEDS[name]} is not installed")
    command = [sys.executable, str(SCRIPT), "--to", str(tmp_path), name]
    subprocess.run(command, check=True, timeout=100)
    folder = DATA if name == "library_errors" else DATA / "messages"
    shipped, made = rows(folder / f"{name}.toml"), rows(tmp_path / f"{name}.toml")
    again = [row for row, causes in shipped.items() if made.get(row) == causes]
    assert len(again) >= 0.9 * len(shipped)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("X509_V_ERR_CERT_HAS_EXPIRED", "certificate-expired"),
        ("CertNotValidYet", "certificate-not-yet-valid"),
        ("MOZILLA_PKIX_ERROR_MITM_DETECTED", "tls-intercepted"),
        ("SEC_ERROR_OCSP_SERVER_ERROR", "revocation-unavailable"),
        ("CRL_CERT_REVOKED", "certificate-revoked"),
        ("CERT_TRUST_REVOCATION_STATUS_UNKNOWN", "revocation-unavailable"),
        ("X509_V_ERR_UNABLE_TO_GET_CRL", "revocation-unavailable"),
        ("ASN_NO_SIGNER_E", "untrusted-root"),
        ("SSL_R_NO_SHARED_CIPHER", "no-shared-cipher"),
        ("ERR_SSL_UNSUPPORTED_PROTOCOL", "version-mismatch"),
        ("GNUTLS_E_UNSAFE_RENEGOTIATION_DENIED", "legacy-renegotiation"),
        ("SSL_R_CHANGE_CIPHER_SPEC", "malformed-handshake"),
        ("DOMAIN_NAME_MISMATCH", "hostname-mismatch"),
        ("CERT_E_CN_NO_MATCH", "hostname-mismatch"),
        ("SSL_R_DH_KEY_TOO_SMALL", "weak-key"),
        ("X509_V_ERR_PATH_LENGTH_EXCEEDED", "wrong-usage"),
        ("NameConstraintViolation", "name-constraint"),
        ("UnsupportedCriticalExtension", "unknown-critical-extension"),
        ("SSL_R_HTTP_REQUEST", "not-tls"),
        ("something else altogether", "other-alert"),
    ],
)
def test_a_name_leads_to_what_it_says(
    name: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from error_tables.meanings import meaning

    assert meaning(name).split(",")[0].lstrip("?") == cause
