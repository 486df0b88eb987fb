"""curl: exit codes with their names and words, by curl/curl.h and libcurl."""

from __future__ import annotations

import ctypes
import ctypes.util
import re
from collections.abc import Iterator
from pathlib import Path

from error_tables.form import Family, Row, plain
from error_tables.meanings import UNVERIFIED

HEADER = Path("/usr/include/x86_64-linux-gnu/curl/curl.h")
CODES = (
    r"(?i)\bcurl: \((\d{1,2})\)",
    r"(?i)\bcurl(?: error|error)?[ :]{1,2}\((\d{1,2})\)",
    r"(?i)\bcurl (?:failed with |returned |exited with )?(?:error|exit code|code|status)[ :#(]{0,3}(\d{1,2})\b",
    r"(?i)\bcURL error (\d{1,2})\b",
    r"(?i)\bCURLE_[A-Z_]{1,40} ?\(?(\d{1,2})\b",
)
SAID = {
    "COULDNT_RESOLVE_PROXY": "dns-failure, ?proxy-refused", "COULDNT_RESOLVE_HOST": "dns-failure",
    "COULDNT_CONNECT": "connection-refused, ?connection-timeout",
    "OPERATION_TIMEDOUT": "connection-timeout, silent-drop",
    "SSL_CONNECT_ERROR": "?no-shared-cipher, ?version-mismatch, ?not-tls, ?connection-reset, ?closed-during-handshake",
    "GOT_NOTHING": "closed-during-handshake", "SEND_ERROR": "connection-reset",
    "RECV_ERROR": "connection-reset, closed-during-handshake, ?proxy-refused",
    "PEER_FAILED_VERIFICATION": UNVERIFIED, "SSL_CACERT": UNVERIFIED,
    "SSL_CERTPROBLEM": "client-certificate-rejected, ?client-certificate-required",
    "SSL_CIPHER": "no-shared-cipher", "SSL_CACERT_BADFILE": "client-lacks-ca",
    "USE_SSL_FAILED": "not-tls", "SSL_ENGINE_NOTFOUND": "?other-alert", "SSL_ENGINE_SETFAILED": "?other-alert",
    "SSL_ENGINE_INITFAILED": "?other-alert", "SSL_SHUTDOWN_FAILED": "?closed-during-handshake",
    "SSL_CRL_BADFILE": "revocation-unavailable",
    "SSL_ISSUER_ERROR": "untrusted-root, ?tls-intercepted",
    "SSL_PINNEDPUBKEYNOTMATCH": "certificate-pinned, tls-intercepted",
    "SSL_INVALIDCERTSTATUS": "must-staple-missing, ?certificate-revoked, ?revocation-unavailable",
    "SSL_CLIENTCERT": "client-certificate-required", "PROXY": "proxy-refused, ?proxy-auth-required",
    "QUIC_CONNECT_ERROR": "?connection-timeout, ?silent-drop, ??other-alert",
    "ECH_REQUIRED": "?extension-intolerant, ??tls-intercepted",
    "HTTP3": "?other-alert",
}  # fmt: skip


def families() -> Iterator[Family]:
    yield Family("curl", "curl/curl.h and curl_easy_strerror", list(errors()), CODES, "client")


def errors() -> Iterator[Row]:
    said = ctypes.CDLL("libcurl.so.4").curl_easy_strerror
    said.restype = ctypes.c_char_p
    body = re.search(r"typedef enum \{\s*CURLE_OK.*?\} CURLcode;", HEADER.read_text(), re.DOTALL)
    names = re.findall(r"^\s*CURLE_(\w+)\s*(?:=\s*0)?,", body[0] if body else "", re.MULTILINE)
    for code, name in enumerate(names):
        if name in SAID:
            yield Row(str(code), f"CURLE_{name}", plain(said(code).decode()), SAID[name])
    yield Row("51", "CURLE_SSL_PEER_CERTIFICATE", "", "hostname-mismatch, ?untrusted-root")
    yield Row("101", "CURLE_ECH_REQUIRED", "", SAID["ECH_REQUIRED"])
