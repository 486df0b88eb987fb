"""Windows: winerror.h, wincrypt.h, wininet.h and winhttp.h of mingw-w64."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from error_tables.form import Family, Row
from error_tables.headers import defined, from_base
from error_tables.meanings import UNTRUSTED, VAGUE

INCLUDE = Path("/usr/share/mingw-w64/include")
# As text and tools write them: hexadecimal, signed and unsigned.
HRESULTS = (
    r"\b(0x8[0-9a-fA-F]{7})\b",
    r"(-21[34]\d{7})\b",
    r"\b(21[45]\d{7})\b",
)
INTERNET = (
    r"(?i)\b(?:winhttp|wininet|wdac|bits|internet)[^\n]{0,60}?\b(12\d{3})\b",
    r"(?i)\berror(?: code)?[ :=(]{1,3}(12\d{3})\b",
)
# What these mean in the handshake of a client or a server, where the name says little of it.
SAID = {
    "SEC_E_ILLEGAL_MESSAGE": "?no-shared-cipher, ?version-mismatch, ?not-tls, ?client-certificate-rejected",
    "SEC_E_ISSUING_CA_UNTRUSTED": "untrusted-root, client-certificate-rejected, ?tls-intercepted",
    "SEC_E_ISSUING_CA_UNTRUSTED_KDC": "untrusted-root",
    "SEC_E_UNTRUSTED_ROOT": UNTRUSTED,
    "SEC_E_INVALID_TOKEN": "not-tls, version-mismatch, ?tls-intercepted",
    "SEC_E_UNSUPPORTED_FUNCTION": "version-mismatch, ?no-shared-cipher",
    "SEC_E_INTERNAL_ERROR": "?version-mismatch, ?client-certificate-required, ??other-alert",
    "SEC_E_INCOMPLETE_MESSAGE": "?closed-during-handshake, ?malformed-handshake",
    "SEC_E_MESSAGE_ALTERED": "?malformed-handshake, ??tls-intercepted",
    "SEC_E_UNKNOWN_CREDENTIALS": "?client-certificate-required, ?version-mismatch",
    "SEC_E_NO_CREDENTIALS": "client-certificate-required",
    "SEC_I_INCOMPLETE_CREDENTIALS": "client-certificate-required",
    "SEC_E_INCOMPLETE_CREDENTIALS": "client-certificate-required",
    "SEC_E_LOGON_DENIED": "?client-certificate-rejected, ??other-alert",
    "SEC_I_RENEGOTIATE": "?client-certificate-required, ?legacy-renegotiation",
    "SEC_E_INVALID_PARAMETER": VAGUE,
    "CERT_E_UNTRUSTEDCA": UNTRUSTED,
    "CERT_E_UNTRUSTEDTESTROOT": UNTRUSTED,
    "CERT_E_PATHLENCONST": "wrong-usage",
    "CERT_E_ROLE": "wrong-usage",
    "CERT_E_MALFORMED": "malformed-certificate",
    "CERT_E_CRITICAL": "unknown-critical-extension",
    "CERT_E_VALIDITYPERIODNESTING": "certificate-expired, ?intermediate-expired",
    "TRUST_E_FAIL": "?untrusted-root, ?tls-intercepted",
    "TRUST_E_EXPLICIT_DISTRUST": "untrusted-root",
    "TRUST_E_SUBJECT_NOT_TRUSTED": "?untrusted-root",
    "TRUST_E_BASIC_CONSTRAINTS": "wrong-usage, ?tls-intercepted",
    "TRUST_E_CERT_SIGNATURE": "tls-intercepted, wrong-issuer, ?weak-signature",
    "CRYPT_E_NOT_FOUND": "?client-certificate-required, ?client-lacks-ca",
    "CRYPT_E_NO_MATCH": "hostname-mismatch",
    "CRYPT_E_SELF_SIGNED": "self-signed, tls-intercepted",
    "CRYPT_E_NO_TRUSTED_SIGNER": UNTRUSTED,
    "CRYPT_E_NOT_IN_REVOCATION_DATABASE": "revocation-unavailable",
    "ERROR_INTERNET_DECODING_FAILED": "certificate-expired, client-clock-wrong, untrusted-root",
    "SECURE_FAILURE": "client-clock-wrong, untrusted-root, ?tls-intercepted, ?certificate-expired, ?version-mismatch",
    "SECURE_CHANNEL_ERROR": "version-mismatch, ?no-shared-cipher",
    "SEC_CERT_ERRORS": "?untrusted-root, ?hostname-mismatch, ?certificate-expired, ?tls-intercepted",
    "SECURE_INVALID_CERT": "?untrusted-root, ?tls-intercepted, ?malformed-certificate, ?certificate-expired",
    "SEC_INVALID_CERT": "?untrusted-root, ?tls-intercepted, ?malformed-certificate, ?certificate-expired",
    "SEC_CERT_NO_REV": "revocation-unavailable",
    "SECURE_CERT_REV_FAILED": "revocation-unavailable, ?tls-intercepted",
    "SEC_CERT_REV_FAILED": "revocation-unavailable, ?tls-intercepted",
    "INVALID_CA": UNTRUSTED,
    "SECURE_INVALID_CA": UNTRUSTED,
    "SECURITY_CHANNEL_ERROR": "version-mismatch, ?no-shared-cipher",
    "CANNOT_CONNECT": "connection-refused, ?connection-timeout, ?proxy-refused",
    "CONNECTION_ABORTED": "connection-reset, closed-during-handshake, ?version-mismatch",
    "CONNECTION_ERROR": "connection-reset, closed-during-handshake, ?version-mismatch",
    "CONNECTION_RESET": "connection-reset",
    "NAME_NOT_RESOLVED": "dns-failure",
    "TIMEOUT": "connection-timeout, silent-drop",
    "SERVER_UNREACHABLE": "connection-timeout, ?connection-refused",
    "PROXY_SERVER_UNREACHABLE": "proxy-refused",
    "CLIENT_CERT_NO_PRIVATE_KEY": "client-certificate-rejected",
    "CLIENT_CERT_NO_ACCESS_PRIVATE_KEY": "client-certificate-rejected",
    "CLIENT_AUTH_CERT_NEEDED_PROXY": "client-certificate-required",
    "SECURE_FAILURE_PROXY": "proxy-certificate, untrusted-root",
}  # fmt: skip
# Of the many codes of SSPI and cryptography those that a handshake can end with.
_TLS = re.compile(
    r"SEC_[EI]_|CERT_E_|TRUST_E_(?:FAIL|CERT|BASIC|EXPLICIT|SUBJECT_NOT)"
    r"|CRYPT_E_(?:REV|NO_REV|NOT_IN_REV|SELF|NO_TRUSTED|NO_MATCH|NOT_FOUND|SECURITY_SETTINGS|ASN1_|VERIFY_USAGE)"
)
_OTHER = re.compile(
    r"KERB|KDC|PKINIT|SMARTCARD|DELEGAT|STRONG_CRYPTO|TIME_SKEW|CROSSREALM|SIGNATURE_NEEDED|QOP|MUTUAL_AUTH|POLICY_NLTM"
    r"|INTERACTIVE|DS_|DOMAIN|S4U|ISSUING_CA_UNTRUSTED_KDC|PKU2U|_NO_TGT|ONLY_HTTPS|REPLAY|RODC|NO_LSA|BAD_PKGID|NO_AUTHENTICATING|REFERRALS|PRINCIPALS|PREAUTH|UPN_NAME|IP_ADDRESSES|QOS|SEC_E_BUFFER|INVALID_HANDLE|ASYNC|INSUFFICIENT_BUFF|OUT_OF_SEQ|NO_CONTEXT|ENCRYPT_FAIL|CRYPTO_SYSTEM|ASN1_(?:LARGE|MEMORY|BADARGS|BADREAL|NYI|EXTENDED|CHOICE|OVERFLOW)|WRONG_CREDENTIAL_H|UNFINISHED|INVALID_PARAMETER|SECURITY_SETTINGS|SHUTDOWN_IN"
    r"|BAD_BINDINGS|MULTIPLE_ACC|_NO_KERB|NO_S4U|CRITICAL_PACKAGE|NOT_OWNER|PACKAGE_ID|CANNOT_(?:INSTALL|PACK)"
    r"|COMPLETE_NEEDED|CONTINUE_NEEDED|COMPLETE_AND|LOCAL_LOGON|SIGNER_INFO|GENERIC|_ASN1_(?:RULE|INTERNAL|PDU)"
    r"|NOT_SUPPORTED|^SEC_E_OK|CONTEXT_EXPIRED|SECPKG|TARGET_UNKNOWN|NO_IMPERSONATION|NO_PA_DATA|INSUFFICIENT_MEMORY"
)
_INTERNET = re.compile(
    r"^SEC|_SEC_|CERT|_CA$|CONNECT|RESOLVED|TIMEOUT|UNREACHABLE|DECODING|CHANNEL", re.IGNORECASE
)
WIN32 = 0x80070000


def families() -> Iterator[Family]:
    yield Family("Windows", "winerror.h of mingw-w64; Microsoft, Schannel error codes", list(codes()), HRESULTS)
    yield Family("Windows chain status", "wincrypt.h of mingw-w64, CERT_TRUST_*", list(statuses()))
    yield Family("WinINet and WinHTTP", "wininet.h and winhttp.h of mingw-w64", list(internet()), INTERNET)
    yield Family("WinINet and WinHTTP as HRESULT", "HRESULT_FROM_WIN32 of the codes above", list(results()), HRESULTS)  # fmt: skip


def codes() -> Iterator[Row]:
    for name, number in defined(INCLUDE / "winerror.h", r"SEC_|CERT_E|TRUST_E|CRYPT_E"):
        if _TLS.match(name) and not _OTHER.search(name):
            yield Row(number, name, "", SAID.get(name, ""))


def statuses() -> Iterator[Row]:
    for name, _ in defined(INCLUDE / "wincrypt.h", r"CERT_TRUST_(?:IS|HAS|INVALID|REVOCATION)_"):
        if re.search(r"MATCH|PREFERRED|SELF|KEY_ROLL|PEER|EXCLUSIVE|_CA_TRUSTED|COMPLEX|ISSUANCE|ALLOW|EXTENDED|VALID_NAME|AUTO", name) and "INVALID" not in name:  # fmt: skip
            continue
        # The weak or untrusted status itself, and .NET's spelling of it.
        yield Row("", name, "", status_of(name))


def status_of(name: str) -> str:
    said = {
        "CERT_TRUST_IS_NOT_TIME_NESTED": "certificate-expired, ?intermediate-expired",
        "CERT_TRUST_IS_NOT_VALID_FOR_USAGE": "wrong-usage",
        "CERT_TRUST_IS_NOT_SIGNATURE_VALID": "tls-intercepted, wrong-issuer, ?weak-signature",
        "CERT_TRUST_IS_CYCLIC": "chain-out-of-order",
        "CERT_TRUST_INVALID_EXTENSION": "malformed-certificate",
        "CERT_TRUST_IS_OFFLINE_REVOCATION": "revocation-unavailable, ?tls-intercepted",
        "CERT_TRUST_REVOCATION_STATUS_UNKNOWN": "revocation-unavailable, ?tls-intercepted",
        "CERT_TRUST_IS_EXPLICIT_DISTRUST": "untrusted-root",
        "CERT_TRUST_INVALID_POLICY_CONSTRAINTS": "wrong-usage",
        "CERT_TRUST_INVALID_BASIC_CONSTRAINTS": "wrong-usage, tls-intercepted",
        "CERT_TRUST_IS_UNTRUSTED_ROOT": UNTRUSTED,
        "CERT_TRUST_HAS_WEAK_SIGNATURE": "weak-signature",
    }  # fmt: skip
    return said.get(name, "")


def internet() -> Iterator[Row]:
    for header in ("winhttp.h", "wininet.h"):
        for name, number in from_base(INCLUDE / header):
            short = re.sub(r"^ERROR_(?:INTERNET|WINHTTP)_", "", name)
            causes = SAID.get(name) or SAID.get(short, "")
            if _INTERNET.search(short) and (causes or re.search(r"^SEC|CERT", short)):
                yield Row(str(12000 + number), name, "", causes, short)


def results() -> Iterator[Row]:
    for row in internet():
        yield Row(f"0x{WIN32 | int(row.code):08X}", "", "", row.causes, row.says)
