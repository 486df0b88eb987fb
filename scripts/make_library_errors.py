"""Write detector/data/library_errors.toml: every error that the libraries here have a name for.

    python scripts/make_library_errors.py > detector/data/library_errors.toml

Rows that detector/data/error_texts.toml has, written by hand, are left out. What a row can mean follows
from its name by the tables below; where a name says no more than that something broke, the cause is
possible and no more than that. Needs OpenSSL with its headers, GnuTLS, NSS and NSPR.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
VAGUE = "?other-alert"
Row = tuple[int | str, str, str]

VERIFICATION = (
    (r"SUBTREE|NAME_CONSTRAINT|CONSTRAINT_TYPE|CONSTRAINT_SYNTAX|EXCLUDED|PERMITTED", "name-constraint"),
    (r"UNHANDLED_CRITICAL_EXTENSION", "unknown-critical-extension"),
    (r"SUITE_B", "weak-key, ?weak-signature"),
    (r"CRL|STORE|INVALID_CALL|OUT_OF_MEM", VAGUE),
    (r"EMAIL", "hostname-mismatch"),
    (r"MISMATCH$|AKID|KEYID|ISSUER_SERIAL", "incomplete-chain, ?tls-intercepted"),
    (r"ERROR_IN_.*FIELD|DECODE|INVALID_EXTENSION|UNABLE_TO_DECRYPT_CERT|EMPTY_|NEGATIVE|POLICY",
     "malformed-certificate"),
    (r"SIGNATURE_ALGORITHM|EXTENSIONS_REQUIRE", "malformed-certificate"),
    (r"EC_KEY_EXPLICIT", "weak-key"),
    (r"PROXY|PATHLEN|PURPOSE|USAGE|CA_|NON_CA", "wrong-usage"),
    (r"SCTS", "ct-policy"),
    (r"DANE", "certificate-pinned"),
)  # fmt: skip
HANDSHAKE = (
    (r"BAD_CIPHER|CHANGE_CIPHER|CCS|BAD_DATA|BAD_ECC_CERT|BAD_EXTENSION|BAD_PACKET|BAD_LEGACY",
     "?malformed-handshake, ??other-alert"),
    (r"DH_KEY|EE_KEY|KEY_TOO", "weak-key"),
    (r"CIPHER", "?no-shared-cipher, ??other-alert"),
    (r"GROUP|CURVE|KEY_SHARE|POINT", "?no-shared-group, ??other-alert"),
    (r"VERSION|PROTOCOL|DOWNGRADE|SSLV2", "?version-mismatch, ??other-alert"),
    (r"RENEGOTIAT", "?legacy-renegotiation, ??other-alert"),
    (r"SIGALG|SIGNATURE|DIGEST", "?weak-signature, ??other-alert"),
    (r"SESSION|TICKET|PSK|BINDER|EARLY_DATA", "?resumption-broken, ??other-alert"),
    (r"OCSP|STATUS", "?must-staple-missing, ??other-alert"),
    (r"ALPN|APPLICATION_PROTO", "?alpn-mismatch, ??other-alert"),
    (r"NO_CERTIFICATE|PEER_DID_NOT|NO_CLIENT_CERT", "?client-certificate-required, ??other-alert"),
    (r"BAD_|LENGTH|DECODE|UNEXPECTED|EXCESSIVE|MISSING|INVALID_|WRONG_|EXTRA|TOO_LONG|NOT_ON_RECORD",
     "?malformed-handshake, ??other-alert"),
)  # fmt: skip
GNUTLS = (
    (r"OCSP", "?must-staple-missing"),
    (r"UNSUPPORTED_CRITICAL_EXTENSION", "unknown-critical-extension"),
    (r"ASN1|DER|X509|UNKNOWN_(?:PK|HASH)|BASE64|PARSING|UNIMPLEMENTED", "?malformed-certificate"),
    (r"SESSION|TICKET|RESUM|EARLY_START", "?resumption-broken, ??other-alert"),
    (r"REHANDSHAKE|RENEGOTIATION", "?legacy-renegotiation, ??other-alert"),
    (r"SRP|PSK|UNEXPECTED|RECEIVED_ILLEGAL|RECORD|FINISHED|COMPRESSION|DECRYPT",
     "?malformed-handshake, ??other-alert"),
    (r"KEY_SIZE|CURVE|ECC|GROUP", "?no-shared-group, ??other-alert"),
    (r"CERT", "?untrusted-root, ??other-alert"),
)  # fmt: skip
FIREFOX = (
    (r"REVOKED|KRL", "certificate-revoked"),
    (r"ERROR_UNKNOWN_CRITICAL_EXTENSION", "unknown-critical-extension"),
    (r"OCSP.*(?:FUTURE|OLD)", "must-staple-missing, ?client-clock-wrong"),
    (r"OCSP", "?must-staple-missing, ??other-alert"),
    (r"CRL", "?certificate-revoked, ??other-alert"),
    (r"EXPIRED|INVALID_TIME", "certificate-expired, ?client-clock-wrong"),
    (r"PATH_LEN|KEY_USAGE|CERT_USAGE|CERT_TYPE|CA_CERT|NOT_CA", "wrong-usage"),
    (r"CERT_NOT_IN_NAME_SPACE", "name-constraint"),
    (r"SIGNATURE_ALG|BAD_SIGNATURE", "?weak-signature, ??tls-intercepted"),
    (r"BAD_DER|EXTENSION|CERT_ADDR|POLICY_VAL|BAD_CERT_ALERT", "?malformed-certificate"),
    (r"CERT_.*ALERT$|UNKNOWN_CA_ALERT", "?client-certificate-rejected"),
    (r"CERTIFICATE_REQUIRED|NO_CERTIFICATE|NO_USER_INTERACTION", "client-certificate-required"),
    (r"VERSION|SSL2|SSL3|DOWNGRADE|FALLBACK", "?version-mismatch, ??other-alert"),
    (r"CIPHER|CYPHER|EXPORT|US_ONLY", "?no-shared-cipher, ??other-alert"),
    (r"KEY_SHARE|GROUP|NAMED_CURVE|_EC", "?no-shared-group, ??other-alert"),
    (r"RENEGOTIAT", "?legacy-renegotiation, ??other-alert"),
    (r"TICKET|SESSION|PSK|RESUM|EARLY_DATA|0RTT", "?resumption-broken, ??other-alert"),
    (r"NEXT_PROTOCOL|APPLICATION_PROTOCOL", "alpn-mismatch"),
    (r"UNRECOGNIZED_NAME", "sni-unrecognized"),
    (r"END_OF_FILE|CLOSED", "?closed-during-handshake"),
    (r"RX_|MALFORMED|UNEXPECTED|BAD_MAC|BLOCK_CIPHER|DECRYPT", "?malformed-handshake, ??other-alert"),
)  # fmt: skip


def main() -> None:
    known = by_hand()
    print(
        "# Written by scripts/make_library_errors.py; see detector/data/error_texts.toml for the form."
    )
    families: tuple[
        tuple[str, str, Callable[[], Iterator[Row]], tuple[tuple[str, str], ...]], ...
    ] = (
        ("OpenSSL verification", "X509_verify_cert_error_string", verification, VERIFICATION),
        ("OpenSSL handshake", "openssl/sslerr.h, openssl errstr", handshake, HANDSHAKE),
        ("GnuTLS", "gnutls_strerror_name, gnutls_strerror", gnutls, GNUTLS),
        ("Firefox", "NSS's PR_ErrorToName", nss, FIREFOX),
    )
    for name, source, read, rules in families:
        rows = [row for row in read() if row[1] not in known]
        print(f'\n[[family]]\nname = "{name}"\nsource = "{source}"')
        if name == "Firefox":
            print('side = "client"')
        print('rows = """')
        for code, identifier, text in rows:
            print(f"{code} | {identifier} | {text} | {meaning(identifier, rules)}")
        print('"""')


def meaning(identifier: str, rules: tuple[tuple[str, str], ...]) -> str:
    return next((causes for pattern, causes in rules if re.search(pattern, identifier)), VAGUE)


def by_hand() -> set[str]:
    data = tomllib.loads((ROOT / "detector/data/error_texts.toml").read_text())
    rows = (row for family in data["family"] for row in family["rows"].strip().splitlines())
    return {row.split("|")[1].strip() for row in rows}


def verification() -> Iterator[Row]:
    header = Path("/usr/include/openssl/x509_vfy.h").read_text()
    text = ctypes.CDLL(ctypes.util.find_library("crypto")).X509_verify_cert_error_string
    text.restype = ctypes.c_char_p
    for name, code in re.findall(r"define (X509_V_ERR_\w+)\s+(\d+)", header):
        yield int(code), name, plain(text(int(code)).decode())


def handshake() -> Iterator[Row]:
    header = Path("/usr/include/openssl/sslerr.h").read_text()
    for name, code in re.findall(r"define (SSL_R_\w+)\s+(\d+)", header):
        if int(code) >= 1000:
            continue  # an alert that was received
        words = ["openssl", "errstr", f"0A{int(code):06X}"]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        yield int(code), name, plain(said.strip().split(":", 4)[-1])


def gnutls() -> Iterator[Row]:
    library = ctypes.CDLL(ctypes.util.find_library("gnutls"))
    for function in (library.gnutls_strerror, library.gnutls_strerror_name):
        function.restype = ctypes.c_char_p
    for code in range(-1, -1100, -1):
        name = library.gnutls_strerror_name(code)
        if name:
            yield code, name.decode(), plain(library.gnutls_strerror(code).decode())


def nss() -> Iterator[Row]:
    library, names = ctypes.CDLL("libssl3.so"), ctypes.CDLL("libnspr4.so").PR_ErrorToName
    names.restype = ctypes.c_char_p
    ctypes.CDLL("libnss3.so").NSS_NoDB_Init(b".")
    library.NSS_SetDomesticPolicy()
    for base in (-0x2000, -0x3000):
        for code in range(base, base + 400):
            name = names(code)
            if name and name.startswith((b"SEC_", b"SSL_")) and b"UNUSED" not in name:
                yield code, name.decode(), ""


def plain(text: str) -> str:
    """Words that fit into a row; those of one short word say nothing by themselves."""
    return text if len(text.split()) > 1 and not re.search(r'[|"\\]', text) else ""


if __name__ == "__main__":
    sys.exit(main())
