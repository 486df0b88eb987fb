"""OpenSSL: the installed one, the one in Python's cryptography, and the headers that Node ships of others.

One reason has four spellings: SSL_R_X in the header, "x" in words, ERR_SSL_X in Node, [SSL: X] in Python.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from error_tables.form import Family, Row, plain

SSL_LIBRARY = 20
FIRST_ALERT = 1000  # reasons from here on are alerts that were received
# Reasons that say more to those who know the library than their names do.
SAID = {
    "BAD_ECPOINT": "no-shared-group, ?weak-key, ??malformed-handshake",
    "EXCESSIVE_MESSAGE_SIZE": "?malformed-handshake, ?not-tls",
    "TLSV1_ALERT_USER_CANCELLED": "closed-during-handshake, ?other-alert",
    "UNEXPECTED_MESSAGE": "?malformed-handshake, ?not-tls",
    "NOT_ENOUGH_DATA": "client-lacks-ca, malformed-certificate",
    "UNKNOWN_PROTOCOL": "not-tls, version-mismatch",
    "UNKNOWN_CERTIFICATE_TYPE": "?malformed-certificate, ??other-alert",
    "NO_METHOD_SPECIFIED": "?version-mismatch, ??other-alert",
    "CERTIFICATE_VERIFY_FAILED": "",
}  # fmt: skip


def families(headers: Path | None) -> Iterator[Family]:
    """headers: a folder with include folders of other OpenSSLs, as packages of Node have them."""
    yield Family(
        "OpenSSL 4.0 verification", "X509_verify_cert_error_string of cryptography's OpenSSL", bundled_verification()
    )  # fmt: skip
    yield Family("OpenSSL 4.0 handshake", "ERR_reason_error_string of cryptography's OpenSSL", bundled_reasons())
    for header in sorted((headers or Path("/nonexistent")).glob("*/sslerr.h")):
        yield Family(f"OpenSSL {version(header)} handshake", "openssl/sslerr.h", reasons_of(header))
    for header in sorted((headers or Path("/nonexistent")).glob("*/ssl.h")):
        if not header.with_name("sslerr.h").exists():
            yield Family(f"OpenSSL {version(header)} handshake", "openssl/ssl.h", reasons_of(header))
    yield Family("OpenSSL as Node and Python spell it", "openssl/sslerr.h, lib/internal/errors of Node, Modules/_ssl.c of CPython", spelled(headers))  # fmt: skip


def version(header: Path) -> str:
    text = header.with_name("opensslv.h").read_text()
    found = re.search(r'VERSION_(?:TEXT|STR)\s+"(?:OpenSSL )?(\d\.\d(?:\.\d)?)', text)
    parts = [re.search(rf"OPENSSL_VERSION_{part}\s+(\d+)", text) for part in ("MAJOR", "MINOR")]
    return found[1] if found else ".".join(part[1] for part in parts if part)


def verification() -> Iterator[Row]:
    text = ctypes.CDLL(ctypes.util.find_library("crypto")).X509_verify_cert_error_string
    text.restype = ctypes.c_char_p
    header = Path("/usr/include/openssl/x509_vfy.h").read_text()
    for name, code in re.findall(r"define (X509_V_ERR_\w+)\s+(\d+)", header):
        yield Row(code, name, plain(text(int(code)).decode()))


def handshake() -> Iterator[Row]:
    for name, code in installed_reasons():
        words = ["openssl", "errstr", f"0A{code:06X}"]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        yield Row(str(code), name, plain(said.strip().split(":", 4)[-1]), SAID.get(name[6:], ""))


def installed_reasons() -> Iterator[tuple[str, int]]:
    header = Path("/usr/include/openssl/sslerr.h").read_text()
    for name, code in re.findall(r"define (SSL_R_\w+)\s+(\d+)", header):
        if int(code) < FIRST_ALERT:
            yield name, int(code)


def bundled_verification() -> Iterator[Row]:
    from cryptography.hazmat.bindings.openssl.binding import Binding

    library, strings = Binding().lib, Binding().ffi.string
    for code in range(1, 130):
        said = strings(library.X509_verify_cert_error_string(code)).decode()
        if not said.startswith("unknown certificate verification"):
            yield Row(str(code), "", plain(said))


def bundled_reasons() -> Iterator[Row]:
    for code, words in bundled_texts(100, FIRST_ALERT):
        name = re.sub(r"[^a-z0-9]+", "_", words.lower()).upper()
        yield Row(str(code), f"SSL_R_{name}", plain(words), SAID.get(name, ""))


def bundled_texts(first: int, end: int) -> Iterator[tuple[int, str]]:
    """Reasons of the OpenSSL that is in Python's cryptography."""
    from cryptography.hazmat.bindings.openssl.binding import Binding

    library, ffi = Binding().lib, Binding().ffi
    library.SSL_CTX_free(library.SSL_CTX_new(library.TLS_method()))  # which loads the texts
    for code in range(first, end):
        said = library.ERR_reason_error_string(SSL_LIBRARY << 23 | code)
        if said != ffi.NULL:
            yield code, ffi.string(said).decode()


def reasons_of(header: Path) -> Iterator[Row]:
    """What a header says; the words that go with a name are the name's, in small letters."""
    text = header.read_text(errors="replace")
    for name, code in re.findall(r"define\s+SSL_R_(\w+)\s+(\d+)", text):
        if int(code) < FIRST_ALERT and not name.endswith("_BASE"):
            words = plain(name.lower().replace("_", " "))
            yield Row(code, f"SSL_R_{name}", words, SAID.get(name, ""))


def spelled(headers: Path | None) -> Iterator[Row]:
    names = {name[6:] for name, _ in installed_reasons()}
    names |= {row.name[6:] for row in bundled_reasons()}
    for header in sorted((headers or Path("/nonexistent")).glob("*/ssl*.h")):
        names |= {row.name[6:] for row in reasons_of(header)}
    for name in sorted(names):
        yield Row("", f"ERR_SSL_{name}", f"[SSL: {name}]", SAID.get(name, ""), name)
