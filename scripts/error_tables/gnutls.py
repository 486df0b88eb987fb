"""GnuTLS: names, numbers and words by the library itself."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator

from error_tables.form import Row, plain

CODES = (
    r"(?i)\bgnutls[a-z_() ]{0,40}(?:error|failed|returned)?[ :=(]{0,3}(-\d{1,3})\b",
    r"(?i)\bgnutls[^\n]{0,60}?\((-\d{1,3})\)",
)
SAID = {
    "GNUTLS_E_HANDSHAKE_ALERT": "",
    "GNUTLS_E_FATAL_ALERT_RECEIVED": "?no-shared-cipher, ?version-mismatch, ?sni-unrecognized, ?client-certificate-required, ??other-alert",
    "GNUTLS_E_WARNING_ALERT_RECEIVED": "?sni-unrecognized, ??other-alert",
    "GNUTLS_E_NO_CERTIFICATE_FOUND": "client-certificate-required",
    "GNUTLS_E_PK_SIG_VERIFY_FAILED": "?malformed-handshake, ?tls-intercepted",
    "GNUTLS_E_CERTIFICATE_KEY_MISMATCH": "client-certificate-rejected",
}  # fmt: skip
# Statuses whose words do not say them as names of errors do.
STATUSES = {
    "The certificate issuer is not a CA": "wrong-usage, tls-intercepted",
    "The signature in the certificate is invalid": "tls-intercepted, wrong-issuer, ?weak-signature",
    "The revocation or OCSP data are old and have been superseded": "revocation-unavailable, client-clock-wrong",
    "The revocation or OCSP data are issued with a future date": "client-clock-wrong, revocation-unavailable",
    "The certificate requires the server to include an OCSP status in its response, but the OCSP status is missing": "must-staple-missing, ?tls-intercepted",
    "The received OCSP status response is invalid": "revocation-unavailable, must-staple-missing, ?tls-intercepted",
    "The certificate doesn't match the local copy (TOFU)": "certificate-pinned, tls-intercepted",
}  # fmt: skip


def errors() -> Iterator[Row]:
    library = ctypes.CDLL(ctypes.util.find_library("gnutls"))
    for function in (library.gnutls_strerror, library.gnutls_strerror_name):
        function.restype = ctypes.c_char_p
    for code in range(-1, -1100, -1):
        name = library.gnutls_strerror_name(code)
        if name:
            words = plain(library.gnutls_strerror(code).decode())
            yield Row(str(code), name.decode(), words, SAID.get(name.decode(), ""))


def statuses() -> Iterator[Row]:
    """What it says of each bit of a verification's result; apt, git and wget pass that on."""
    library = ctypes.CDLL(ctypes.util.find_library("gnutls"))
    said = library.gnutls_certificate_verification_status_print
    said.argtypes = [ctypes.c_uint, ctypes.c_int, ctypes.POINTER(_Datum), ctypes.c_uint]
    for bit in range(32):
        found = _Datum()
        if said(1 << bit, _X509, ctypes.byref(found), 0) < 0:
            continue
        text = ctypes.string_at(found.data, found.size).decode()
        words = text.removeprefix("The certificate is NOT trusted. ").strip(" .")
        if words:
            yield Row(words=words, causes=STATUSES.get(words, ""))


_X509 = 1  # GNUTLS_CRT_X509


class _Datum(ctypes.Structure):
    """gnutls_datum_t."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_uint))
