"""GnuTLS: names, numbers and words by the library itself."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator

from error_tables.form import Row, plain

SAID = {
    "GNUTLS_E_HANDSHAKE_ALERT": "",
    "GNUTLS_E_FATAL_ALERT_RECEIVED": "?no-shared-cipher, ?version-mismatch, ?sni-unrecognized, ?client-certificate-required, ??other-alert",
    "GNUTLS_E_WARNING_ALERT_RECEIVED": "?sni-unrecognized, ??other-alert",
    "GNUTLS_E_NO_CERTIFICATE_FOUND": "client-certificate-required",
    "GNUTLS_E_PK_SIG_VERIFY_FAILED": "?malformed-handshake, ?tls-intercepted",
    "GNUTLS_E_CERTIFICATE_KEY_MISMATCH": "client-certificate-rejected",
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
