"""Small libraries of devices: mbedTLS, wolfSSL, BearSSL, by their headers."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

from error_tables.form import Family, Row, plain
from error_tables.headers import defined, enumerated
from error_tables.meanings import UNKNOWN_ISSUER, UNVERIFIED, VAGUE

MBEDTLS = Path("/usr/include/mbedtls")
WOLFSSL = Path("/usr/include/wolfssl")
BEARSSL = Path("/usr/include/bearssl")
MBEDTLS_CODES = (
    r"(?i)(?:return(?:ed|s)?|failed|error|ret|rc|code|err)(?: code)?[ :=(]{1,4}(-0x[0-9a-f]{2,4})\b",
    r"(?i)(?:mbedtls|esp-?tls|esp_tls|handshake|ssl|tls|x509)[^\n]{0,80}?(-0x[0-9a-f]{2,4})\b",
    r"(?i)(?:mbedtls|esp-?tls|esp_tls|handshake|ssl|tls|x509)[^\n]{0,80}?\((-\d{4,5})\)",
    r"(?i)(?:mbedtls|handshake|ssl|tls|x509)[a-z_ ]{0,40} (?:return(?:ed|s)?|failed|error)[ :=(]{1,3}(-\d{4,5})\b",
    r"\bmbedtls_[a-z0-9_]{3,60}(?:\(\))? (?:returned|failed)[ :=(]{1,3}(-\d{4,5})\b",
    r"(?i)\((-\d{4,5})\) (?:ssl|x509|pk|net|rsa|ecp) - ",
)
WOLFSSL_CODES = (
    r"(?i)\bwolfssl[^\n]{0,60}?(-\d{3})\b",
    r"(?i)\berr(?:or)? (?:= )?(-[134]\d\d)[,:] ?[A-Za-z]",
)
BEARSSL_CODES = (
    r"(?i)\bbearssl[^\n]{0,30}?\b(?:error|err|code)[ :=]{1,3}(\d{1,3})\b",
    r"\bBR_ERR[A-Z_0-9]{0,40}[ :=(]{1,3}(\d{1,3})\b",
    r"(?i)\b(?:ssl|tls) (?:last )?error(?: code)?[ :=]{1,3}(\d{2})\b",
)
SAID_MBEDTLS = {
    "SSL_CONN_EOF": "closed-during-handshake, ?connection-reset",
    "SSL_PEER_CLOSE_NOTIFY": "closed-during-handshake",
    "SSL_INVALID_RECORD": "not-tls, ?version-mismatch, ?malformed-handshake",
    "SSL_INVALID_MAC": "?malformed-handshake, ??other-alert",
    "SSL_FATAL_ALERT_MESSAGE": "?no-shared-cipher, ?version-mismatch, ?sni-required, ?client-certificate-required, ??other-alert",
    "SSL_CA_CHAIN_REQUIRED": "client-lacks-ca",
    "SSL_BAD_HS_CLIENT_HELLO": "?no-shared-cipher, ?version-mismatch, ?malformed-handshake",
    "SSL_BAD_HS_SERVER_HELLO": "?no-shared-cipher, ?version-mismatch, ?malformed-handshake",
    "SSL_BAD_HS_CERTIFICATE": "?malformed-certificate, ?weak-key, ?untrusted-root",
    "SSL_BAD_CERTIFICATE": "?malformed-certificate, ?untrusted-root",
    "SSL_HANDSHAKE_FAILURE": "no-shared-cipher, version-mismatch",
    "SSL_NO_CLIENT_CERTIFICATE": "client-certificate-required",
    "SSL_BUFFER_TOO_SMALL": "?malformed-handshake, ??large-hello-dropped, ??other-alert",
    "SSL_TIMEOUT": "silent-drop, connection-timeout",
    "SSL_WANT_READ": "", "SSL_WANT_WRITE": "",
    "NET_CONN_RESET": "connection-reset",
    "NET_CONNECT_FAILED": "connection-refused, connection-timeout",
    "NET_UNKNOWN_HOST": "dns-failure",
    "NET_RECV_FAILED": "connection-reset, ?closed-during-handshake",
    "NET_SEND_FAILED": "connection-reset",
    "X509_CERT_VERIFY_FAILED": UNVERIFIED,
    "X509_FATAL_ERROR": "?untrusted-root, ?malformed-certificate",
    "X509_INVALID_VERSION": "malformed-certificate", "X509_UNKNOWN_VERSION": "malformed-certificate",
    "X509_INVALID_SIGNATURE": "malformed-certificate", "X509_SIG_MISMATCH": "malformed-certificate",
    "X509_CERT_UNKNOWN_FORMAT": "client-lacks-ca, malformed-certificate",
    "X509_FILE_IO_ERROR": "client-lacks-ca",
    "PEM_NO_HEADER_FOOTER_PRESENT": "client-lacks-ca, ?client-certificate-rejected",
    "X509_BADCERT_NOT_TRUSTED": UNKNOWN_ISSUER,
    "X509_BADCERT_FUTURE": "certificate-not-yet-valid, client-clock-wrong",
    "X509_BADCERT_MISSING": "client-certificate-required",
    "X509_BADCERT_SKIP_VERIFY": VAGUE, "X509_BADCERT_OTHER": VAGUE,
    "X509_BADCERT_BAD_PK": "weak-key", "X509_BADCERT_BAD_KEY": "weak-key",
    "X509_BADCERT_BAD_MD": "weak-signature", "X509_BADCERT_CN_MISMATCH": "hostname-mismatch",
}  # fmt: skip
SAID_WOLFSSL = {
    "ASN_NO_SIGNER_E": UNKNOWN_ISSUER,
    "ASN_SELF_SIGNED_E": "self-signed, tls-intercepted",
    "ASN_SIG_CONFIRM_E": "tls-intercepted, untrusted-root, ?wrong-issuer, ?weak-signature",
    "ASN_BEFORE_DATE_E": "certificate-not-yet-valid, client-clock-wrong",
    "ASN_AFTER_DATE_E": "certificate-expired, client-clock-wrong",
    "VERIFY_CERT_ERROR": UNVERIFIED, "DOMAIN_NAME_MISMATCH": "hostname-mismatch",
    "IPADDR_MISMATCH": "hostname-mismatch", "NO_PEER_CERT": "client-certificate-required",
    "UNKNOWN_RECORD_TYPE": "not-tls, ?malformed-handshake", "VERSION_ERROR": "version-mismatch, not-tls",
    "SOCKET_ERROR_E": "connection-reset, closed-during-handshake", "ZERO_RETURN": "closed-during-handshake",
    "SOCKET_PEER_CLOSED_E": "closed-during-handshake, connection-reset",
    "FATAL_ERROR": "?no-shared-cipher, ?version-mismatch, ?client-certificate-required, ??other-alert",
    "MATCH_SUITE_ERROR": "no-shared-cipher, version-mismatch", "UNKNOWN_SNI_HOST_NAME_E": "sni-unrecognized",
    "ASN_NAME_INVALID_E": "name-constraint", "ASN_CRIT_EXT_E": "unknown-critical-extension",
    "ASN_VERSION_E": "malformed-certificate", "ASN_RSA_KEY_E": "malformed-certificate, ?client-certificate-rejected",
    "ASN_ECC_KEY_E": "malformed-certificate, ?client-certificate-rejected", "ASN_DH_KEY_E": "?malformed-handshake",
    "ASN_NO_PEM_HEADER": "client-lacks-ca, ?client-certificate-rejected", "OUT_OF_ORDER_E": "?malformed-handshake",
    "HTTP_TIMEOUT": "revocation-unavailable", "PARSE_ERROR": "?malformed-handshake, ?not-tls",
    "EXT_MASTER_SECRET_NEEDED_E": "version-mismatch, ?tls-intercepted", "UNSUPPORTED_PROTO_VERSION": "version-mismatch",
    "EXTKEYUSE_AUTH_E": "wrong-usage", "KEYUSE_SIGNATURE_E": "wrong-usage", "KEYUSE_ENCIPHER_E": "wrong-usage",
    "ECC_CURVETYPE_ERROR": "no-shared-group", "VERIFY_SIGN_ERROR": "tls-intercepted, wrong-issuer",
    "CRL_MISSING": "revocation-unavailable", "OCSP_LOOKUP_FAIL": "revocation-unavailable",
    "WOLFSSL_BAD_FILE": "client-lacks-ca", "WOLFSSL_BAD_FILETYPE": "client-lacks-ca",
    "DH_KEY_SIZE_E": "weak-key", "ASN_PARSE_E": "malformed-certificate", "ASN_INPUT_E": "malformed-certificate, client-lacks-ca",
}  # fmt: skip
SAID_BEARSSL = {
    "BAD_VERSION": "version-mismatch, ?not-tls",
    "BAD_CIPHER_SUITE": "no-shared-cipher",
    "UNEXPECTED": "?malformed-handshake, ?not-tls",
    "UNKNOWN_TYPE": "not-tls, ?malformed-handshake",
    "UNSUPPORTED_VERSION": "version-mismatch, ?not-tls",
    "TOO_LARGE": "not-tls, ?malformed-handshake",
    "IO": "connection-reset, closed-during-handshake",
    "NO_CLIENT_AUTH": "client-certificate-required",
    "X509_NOT_TRUSTED": UNKNOWN_ISSUER,
    "X509_EXPIRED": "certificate-expired, client-clock-wrong, ?certificate-not-yet-valid",
    "X509_TIME_UNKNOWN": "client-clock-wrong",
    "X509_BAD_SERVER_NAME": "hostname-mismatch",
    "X509_WEAK_PUBLIC_KEY": "weak-key",
    "X509_BAD_SIGNATURE": "tls-intercepted, wrong-issuer, ?weak-signature",
    "X509_DN_MISMATCH": "incomplete-chain, wrong-issuer, tls-intercepted",
    "X509_UNSUPPORTED": "malformed-certificate, ?weak-signature", "X509_TRUNCATED": "malformed-certificate",
    "X509_INNER_TRUNC": "malformed-certificate", "X509_NOT_CONSTRUCTED": "malformed-certificate",
    "X509_NOT_PRIMITIVE": "malformed-certificate", "X509_PARTIAL_BYTE": "malformed-certificate",
    "X509_LIMIT_EXCEEDED": "malformed-certificate", "BAD_SIGNATURE": "?malformed-handshake, ?tls-intercepted",
    "X509_EMPTY_CHAIN": "client-certificate-required, ?malformed-handshake",
    "X509_NOT_CA": "wrong-usage", "X509_FORBIDDEN_KEY_USAGE": "wrong-usage",
}  # fmt: skip
# What belongs to the program that uses the library, and not to the connection.
_OWN = re.compile(
    r"ALLOC|MEMORY|_RNG|RANDOM|BAD_INPUT|INTERNAL|WANT_|BUFFER_TOO|IN_PROGRESS|HW_|ACCEL|_MUTEX|THREAD|INPUT_CASE|GETTIME"
    r"|ITIMER|SIGACT|_INIT|MONITOR|FREAD|ENCRYPT_ERR|_POLL|BIND_F|LISTEN|SOCKET_FAILED|ACCEPT_F|INVALID_CONTEXT|ASYNC|MANAGER|DTLS_EXPORT|ECC_EXPORT|SANITY_C|BAD_PARAM|BAD_STATE"
)


def families() -> Iterator[Family]:
    yield Family(
        "mbedTLS",
        "mbedtls/ssl.h, x509.h, net_sockets.h, pem.h, pk.h of 2.28",
        mbedtls(),
        MBEDTLS_CODES,
    )
    yield Family(
        "wolfSSL", "wolfssl/error-ssl.h, wolfcrypt/error-crypt.h of 5.5", wolfssl(), WOLFSSL_CODES
    )
    yield Family("BearSSL", "bearssl_ssl.h, bearssl_x509.h of 0.6", bearssl(), BEARSSL_CODES)


def mbedtls() -> Iterator[Row]:
    for header in ("ssl", "x509", "net_sockets", "pem", "pk", "ecp", "rsa"):
        for name, number in defined(MBEDTLS / f"{header}.h", r"MBEDTLS_ERR_"):
            short = name.removeprefix("MBEDTLS_ERR_")
            if _OWN.search(name) or (header in {"ecp", "rsa", "pk"} and "UNSUPPORTED" not in name):
                continue
            words = said_by_mbedtls(int(number, 16))
            yield Row(number, name, words, SAID_MBEDTLS.get(short, ""), short)
    for name, flag in defined(MBEDTLS / "x509.h", r"MBEDTLS_X509_BAD"):
        short = name.removeprefix("MBEDTLS_")
        words = flag_of_mbedtls(int(flag, 16))
        yield Row("", name, words, SAID_MBEDTLS.get(short, ""), short.replace("BADCERT_", "").replace("BADCRL", "CRL"))  # fmt: skip


def said_by_mbedtls(code: int) -> str:
    held = ctypes.create_string_buffer(400)
    ctypes.CDLL("libmbedcrypto.so.7").mbedtls_strerror(code, held, len(held))
    return plain(held.value.decode())


def flag_of_mbedtls(flag: int) -> str:
    held = ctypes.create_string_buffer(400)
    ctypes.CDLL("libmbedx509.so.1").mbedtls_x509_crt_verify_info(held, len(held), b"", flag)
    return plain(held.value.decode())


def wolfssl() -> Iterator[Row]:
    say = ctypes.CDLL("libwolfssl.so.35").wolfSSL_ERR_reason_error_string
    say.restype, say.argtypes = ctypes.c_char_p, [ctypes.c_ulong]
    members = [*enumerated(WOLFSSL / "error-ssl.h", "wolfSSL_ErrorCodes")]
    text = (WOLFSSL / "wolfcrypt" / "error-crypt.h").read_text()
    members += [
        (n, int(c))
        for n, c in re.findall(r"^\s*(ASN_\w+|CRL_\w+)\s*=\s*(-\d+)", text, re.MULTILINE)
    ]
    for name, number in members:
        if _OWN.search(name) or name.startswith(("WC_", "MAX_", "MIN_")):
            continue
        words = plain(say(number & (2**64 - 1)).decode())
        told = words if len(words.split()) > 2 and "unknown error" not in words else ""
        yield Row(str(number), f"wolfSSL {name}", told, SAID_WOLFSSL.get(name, ""), name)


def bearssl() -> Iterator[Row]:
    for header in ("ssl", "x509"):
        for name, number in defined(BEARSSL / f"bearssl_{header}.h", r"BR_ERR_"):
            short = name.removeprefix("BR_ERR_")
            if short in {"OK", "RECV_FATAL_ALERT", "SEND_FATAL_ALERT", "X509_OK"} or _OWN.search(
                name
            ):
                continue
            yield Row(number, name, "", SAID_BEARSSL.get(short, ""), short.removeprefix("X509_"))
