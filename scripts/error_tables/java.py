"""Java: what JSSE and the certificate path classes say, by OpenJDK's source."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from error_tables.form import Family, Row, plain
from error_tables.meanings import UNKNOWN_ISSUER, VAGUE, meaning

SOURCE = Path("/usr/lib/jvm/openjdk-17/lib/src.zip")
_ROOM = re.compile(
    r"java\.base/sun/security/(?:ssl/|validator/|provider/certpath/|util/HostnameChecker|util/(?:DisabledAlg|AnchorCert)|x509/X509Cert)"
)
_JOINED = re.compile(r'"\s*\+\s*\n?\s*"')
_FATAL = re.compile(r'fatal\(\s*Alert\.(\w+),\s*"([^"]+)"')
_THROWN = re.compile(
    r'new (?:\w*(?:CertPath|Certificate\w*|SSL|Validator|PeerUnverified)\w*Exception)\(\s*(?:"([^"]+)"|\w+,\s*"([^"]+)")'
)
# Wrong use by a program, and what only writing certificates can bring about.
_OWN = re.compile(
    r"Attribute name|Attribute must|class type|get\(\)|set\(\)|delete\(\)|null$|Null |is null|Uninitialized|over-write|Could not load"
    r"|Name already|initialized|Unknown variant|authType|Only one PKIX|must be specified|Must specify|certificate pair|Illegal given"
    r"|No handshake session|Improper X509|Unknown identification|input stream|unsupported encoding|encode$|Encoding|Could not generate|Could not load|fingerprint for trust|_CERTIFICATE alert|parse ocsp|default nonce|Attribute value|revocation parameter|Could not encode"
)
SAID = (
    (r"certification path|trust anchor|chain with any", UNKNOWN_ISSUER),
    (r"[Dd]istrusted|Untrusted certificate", "untrusted-root"),
    (r"revocation status|OCSP|[Rr]esponder|Response is unreliable|CRL", "revocation-unavailable, ?tls-intercepted"),
    (r"has been revoked", "certificate-revoked"),
    (r"[Cc]onstraints check failed|does not conform to algorithm|algorithm constraints|MD2|MD5", "weak-signature, weak-key"),
    (r"subject alternative|name matching|HostName|hostname|Hostname", "hostname-mismatch"),
    (r"NotBefore", "certificate-not-yet-valid, client-clock-wrong"),
    (r"NotAfter|validity check", "certificate-expired, ?client-clock-wrong"),
    (r"[Kk]ey ?[Uu]sage|tried to act as a CA|path length|NOT a CA|basic constraints|pathLen", "wrong-usage, ?tls-intercepted"),
    (r"name constraints", "name-constraint"),
    (r"critical extension", "unknown-critical-extension"),
    (r"[Uu]nrecognized SSL message|plaintext connection|Unsupported or unrecognized|SSLv2", "not-tls, ?version-mismatch"),
    (r"[Nn]o appropriate protocol", "version-mismatch, no-shared-cipher"),
    (r"downgrade", "tls-intercepted, ?tls13-intolerant"),
    (r"X509TrustManager", "client-lacks-ca"),
    (r"possession", "no-shared-cipher, ?weak-signature"),
    (r"protocol version|Server chose|TLS 1\.\d (?:or|server)|legacy_version|not enabled or supported|supported_versions", "version-mismatch"),
    (r"application (?:layer )?protocol", "alpn-mismatch"),
    (r"cipher suite|cipher algorithm", "no-shared-cipher, ?version-mismatch"),
    (r"server name indication|server_name", "sni-unrecognized"),
    (r"[Ee]mpty client certificate|client certificate", "client-certificate-required, ?client-certificate-rejected"),
    (r"renegotiat", "legacy-renegotiation"),
    (r"[Cc]lose_notify|broken or closed|terminated the handshake|peer shut down|[Cc]onnection (?:is )?closed", "closed-during-handshake"),
    (r"extended_master_secret|Extended Master", "version-mismatch, ?tls-intercepted"),
    (r"key_share|supported_groups|named group|curve|key agreement", "no-shared-group, ?no-shared-cipher"),
    (r"[Ss]ignature (?:algorithm|scheme)|signature_algorithms", "weak-signature, ?no-shared-cipher"),
    (r"\b[Ss]ession|PSK|pre_shared|resum|ticket", "?resumption-broken, ??other-alert"),
    (r"authentication scheme|X\.509 certificate for server", "no-shared-cipher, ?weak-signature"),
    (r"DER|X\.509 Certificate is incomplete|issuer DN|subject DN|fields|parse (?:server|client) cert|algid|[Ee]mpty (?:server )?cert", "malformed-certificate"),
    (r"[Dd]iffie|(?<![A-Z])DHE? |prime|key size|keysize", "weak-key"),
)  # fmt: skip
BY_ALERT = {
    "HANDSHAKE_FAILURE": "?no-shared-cipher, ?version-mismatch, ??other-alert",
    "PROTOCOL_VERSION": "version-mismatch",
    "NO_APPLICATION_PROTOCOL": "alpn-mismatch",
    "UNRECOGNIZED_NAME": "sni-unrecognized",
    "CERTIFICATE_REQUIRED": "client-certificate-required",
    "BAD_CERTIFICATE": "?malformed-certificate, ?untrusted-root",
    "INTERNAL_ERROR": "",
}
BROKEN = "?malformed-handshake, ??other-alert"


def families() -> Iterator[Family]:
    yield Family(
        "Java's own words", "sun.security.ssl, validator and certpath of OpenJDK 17", rows()
    )


def rows() -> Iterator[Row]:
    with zipfile.ZipFile(SOURCE) as archive:
        for name in sorted(archive.namelist()):
            if not _ROOM.match(name):
                continue
            text = _JOINED.sub("", archive.read(name).decode())
            said = [(alert, words) for alert, words in _FATAL.findall(text)]
            said += [("", first or second) for first, second in _THROWN.findall(text)]
            for alert, told in said:
                words = plain(told.strip(" :,(."))
                if len(words.split()) > 2 and not _OWN.search(words):
                    yield Row("", "", words, causes(words, alert))


def causes(words: str, alert: str) -> str:
    by_words = next((said for rule, said in SAID if re.search(rule, words)), "")
    if by_words or not alert:
        return by_words or meaning(words) or VAGUE
    return BY_ALERT.get(alert, BROKEN) or VAGUE
