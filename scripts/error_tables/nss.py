"""NSS and NSPR: names, numbers and English words by the library itself."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

from detector.model import alerts
from error_tables.alert_names import NSS, listed
from error_tables.form import Family, Row, plain
from error_tables.meanings import UNKNOWN_ISSUER, UNTRUSTED, UNVERIFIED

CODES = (
    r"(?i)\b(?:nss|ssl|tls|pr|sec|nspr)[ _]?(?:err(?:or|no)?|function)[^\n]{0,30}?(-(?:8[01]\d\d|12[12]\d\d|59\d\d))\b",
    r"(?i)\berr(?:or|no)?(?: code)?[ :=(]{1,3}(-(?:8[01]\d\d|12[12]\d\d))\b",
)
SAID = {
    "SEC_ERROR_UNKNOWN_ISSUER": UNKNOWN_ISSUER,
    "SEC_ERROR_UNTRUSTED_ISSUER": UNTRUSTED,
    "SEC_ERROR_REUSED_ISSUER_AND_SERIAL": "tls-intercepted, ?other-alert",
    "SEC_ERROR_OCSP_UNKNOWN_CERT": "certificate-revoked, ?revocation-unavailable",
    "SSL_ERROR_BAD_CERT_ALERT": "client-certificate-rejected",
    "SSL_ERROR_UNKNOWN_CA_ALERT": "client-certificate-rejected",
    "SSL_ERROR_CERT_KEA_MISMATCH": "wrong-usage, ?malformed-certificate",
    "SSL_ERROR_HANDSHAKE_FAILED": "?no-shared-cipher, ?version-mismatch, ??other-alert",
    "SSL_ERROR_RX_UNEXPECTED_RECORD_TYPE": "?malformed-handshake, ?not-tls",
    "SSL_ERROR_RX_UNKNOWN_RECORD_TYPE": "not-tls, ?malformed-handshake",
    "SSL_ERROR_RX_MALFORMED_HANDSHAKE": "?malformed-handshake, ?not-tls",
    "SEC_ERROR_CERT_NOT_VALID": UNVERIFIED,
    "SEC_ERROR_INVALID_TIME": "malformed-certificate",
    "SEC_ERROR_ALGORITHM_MISMATCH": "malformed-certificate",
    "SEC_ERROR_BAD_KEY": "?malformed-certificate, ?weak-key",
    "SSL_ERROR_BAD_CERTIFICATE": UNVERIFIED,
    "SSL_ERROR_WRONG_CERTIFICATE": "client-certificate-rejected",
    "SSL_ERROR_BAD_SERVER": "not-tls, ?malformed-handshake",
    "SSL_ERROR_NO_COMPRESSION_OVERLAP": "?malformed-handshake",
    "SSL_ERROR_SSL_DISABLED": "version-mismatch",
    "SSL_ERROR_FORTEZZA_PQG": "?other-alert",
    "PR_END_OF_FILE_ERROR": "closed-during-handshake",
    "PR_CONNECT_RESET_ERROR": "connection-reset",
    "PR_CONNECT_REFUSED_ERROR": "connection-refused",
    "PR_CONNECT_TIMEOUT_ERROR": "connection-timeout",
    "PR_IO_TIMEOUT_ERROR": "connection-timeout, silent-drop",
    "PR_CONNECT_ABORTED_ERROR": "connection-reset",
    "PR_NETWORK_UNREACHABLE_ERROR": "connection-timeout",
}  # fmt: skip
# Alerts mean what they mean to the client that receives them.
_CLIENT = {row.code: row.client for row in alerts.rows()}
RECEIVED = {f"SSL_ERROR_{name}": _CLIENT[number] for number, name in listed(NSS)}
# Errors of stores, keys and messages that no handshake ends with.
_ELSEWHERE = (
    "PKCS11", "PKCS12", "PASSWORD", "TOKEN", "MODULE", "SMIME", "CRMF", "EXPORTING", "IMPORT", "JS_", "NO_SLOT",
    "DATABASE", "NICKNAME", "NO_MEMORY", "KEYGEN", "FORTEZZA", "EMAIL", "RECIPIENT", "CMS", "DISK", "RETRY", "NEED_RANDOM",
    "OUT_OF_SEARCH", "LIBPKIX", "LIBRARY_FAILURE", "INPUT_LEN", "OUTPUT_LEN", "NO_EVENT", "ADDING_CERT", "FILING_KEY",
    "DUPLICATE_CERT", "MODULE_STUCK", "CANNOT_MOVE", "TEMP", "SOCKET_WRITE", "SOCKET_READ_FAILURE",
    "PKCS7", "XP_JAVA", "INTERNAL_ONLY", "SAFE_NOT", "BAGGAGE", "NODELOCK", "CANCELLED", "MESSAGE_SEND", "LDAP", "READ_ONLY",
    "BUSY", "CKL_", "KRL", "_CERT_VALID", "OBJECT_TYPE",
)  # fmt: skip


def families() -> Iterator[Family]:
    yield Family("Firefox", "NSS's PR_ErrorToName and PR_ErrorToString", errors(), CODES)


def errors() -> Iterator[Row]:
    library, nspr = ctypes.CDLL("libssl3.so"), ctypes.CDLL("libnspr4.so")
    for function in (nspr.PR_ErrorToName, nspr.PR_ErrorToString):
        function.restype = ctypes.c_char_p
    ctypes.CDLL("libnss3.so").NSS_NoDB_Init(b".")
    library.NSS_SetDomesticPolicy()
    for base, count in ((-0x2000, 400), (-0x3000, 400), (-6000, 100)):
        for code in range(base, base + count):
            found = nspr.PR_ErrorToName(code)
            name = found.decode() if found else ""
            if not name or "UNUSED" in name or any(word in name for word in _ELSEWHERE):
                continue
            if name.startswith("PR_") and name not in SAID:
                continue
            words = (nspr.PR_ErrorToString(code, 0) or b"").decode(errors="replace")
            spoken = "" if name.startswith("PR_") else plain(words)
            yield Row(str(code), name, spoken, SAID.get(name) or RECEIVED.get(name, ""))
