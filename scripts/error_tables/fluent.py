"""What Firefox says in other languages, by its own language packs.

A text is cut into sentences, and where it holds a name or a number. Its longest part that no text of another
meaning has stands for it.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from error_tables.form import Family, Row, plain
from error_tables.meanings import UNTRUSTED, UNVERIFIED, meaning
from error_tables.nss import SAID as OF_NSS

PACKS = Path("/usr/lib/firefox-esr/browser/extensions")
NAMED = Path("/usr/lib/firefox-esr/browser/omni.ja")
LANGUAGES = ("de", "es-ES", "fr", "it", "ja", "ko", "pl", "pt-BR", "ru", "zh-CN")
FOLDER = "localization/{}/toolkit/neterror/"
# Errors of NSS that people meet; of the others the name stands beside the words, and says it.
MET = re.compile(
    r"^(?:sec|ssl|mozilla-pkix)-error-(?!.*(?:pkcs|rx-|tx-|token|crl|krl|smime|crmf|import|js-|slot|nickname|keygen"
    r"|fortezza|digest|symkey|mac-|failure$|session|generate|handshake-(?:not|unex)|post-warning|memory|password|database"
    r"|feature|dtls|downgrade|renegotiation|invalid-args|random|output|input|library|message|decompress|compression"
    r"|bad-data|internal|policy-|module|user|extra|pkix|oid|duplicate-cert|no-email|read-only|no-token|filing))"
)
DATES = "certificate-expired, client-clock-wrong"
SAID = {
    "cert-error-intro": "?untrusted-root, ?hostname-mismatch, ?certificate-expired, ?self-signed, ?tls-intercepted",
    "cert-error-trust-unknown-issuer": UNTRUSTED,
    "cert-error-trust-cert-invalid": "wrong-usage, untrusted-root, tls-intercepted",
    "cert-error-trust-untrusted-issuer": UNTRUSTED,
    "cert-error-trust-signature-algorithm-disabled": "weak-signature",
    "cert-error-trust-expired-issuer": "intermediate-expired, ?client-clock-wrong",
    "cert-error-trust-self-signed": "self-signed, tls-intercepted",
    "cert-error-trust-certificate-transparency": "ct-policy, tls-intercepted",
    "cert-error-revoked-certificate": "certificate-revoked",
    "cert-error-key-pinning-failure": "certificate-pinned, tls-intercepted",
    "cert-error-untrusted-default": UNTRUSTED,
    "cert-error-domain-mismatch": "hostname-mismatch",
    "cert-error-domain-mismatch-single": "hostname-mismatch",
    "cert-error-domain-mismatch-multiple": "hostname-mismatch",
    "cert-error-expired-now": DATES,
    "cert-error-not-yet-valid-now": "certificate-not-yet-valid, client-clock-wrong",
    "cert-error-mitm-connection": "tls-intercepted, untrusted-root",
    "cert-error-old-tls-version": "?version-mismatch",
    "cert-error-ssl-connection-error": "?no-shared-cipher, ?version-mismatch, ?not-tls, ?connection-reset",
    "certerror-page-title": UNVERIFIED,
    "certerror-sts-page-title": UNVERIFIED,
    "certerror-mitm-title": "tls-intercepted",
    "certerror-mitm": "tls-intercepted",
    "certerror-expired-cert-second-para": DATES,
    "neterror-captive-portal": "captive-portal",
    "captivePortal-title": "captive-portal",
    "neterror-open-portal-login-page-button": "captive-portal",
    "nssFailure2-title": "?no-shared-cipher, ?version-mismatch, ?not-tls, ?connection-reset",
    "nssBadCert-title": UNVERIFIED,
    "nssBadCert-sts-title": UNVERIFIED,
    "sslv3Used-title": "version-mismatch, ?no-shared-cipher",
    "inadequateSecurityError-title": "weak-cipher-only, version-mismatch",
    "neterror-inadequate-security-intro": "weak-cipher-only, version-mismatch",
    "clockSkewError-title": "client-clock-wrong",
    "neterror-clock-skew-error": "client-clock-wrong",
    "neterror-nss-failure-not-verified": "?connection-reset, ?closed-during-handshake, ?version-mismatch, ?no-shared-cipher",
    "proxyConnectFailure-title": "proxy-refused",
    "proxyResolveFailure-title": "dns-failure, proxy-refused",
    "netReset-title": "connection-reset",
    "netTimeout-title": "connection-timeout, silent-drop",
    "netInterrupt-title": "connection-reset, closed-during-handshake",
    "dnsNotFound-title": "dns-failure",
}  # fmt: skip
_CUT = re.compile(r"\{[^{}]*\}|<[^<>]*>|\[\[.*?\]\]|\$\d|\n+|[.!?;] |[。！？；]|\.$")
_AROUND = ' .。:：,，、;；–-()（）"“”„«»「」'
# Too short or too common to tell anything, by letters or by ideographs.
_ENOUGH, _ENOUGH_WIDE = 20, 7


def families() -> Iterator[Family]:
    for language in LANGUAGES:
        yield Family(f"Firefox in {language}", f"toolkit/neterror of Firefox ESR's language pack {language}", told(texts(language)), (), "client")  # fmt: skip


def texts(language: str) -> Iterator[tuple[str, str]]:
    """Every text with its causes, "" for one that is about something else."""
    with zipfile.ZipFile(PACKS / f"langpack-{language}@firefox-esr.mozilla.org.xpi") as pack:
        for file in ("nsserrors", "certError", "netError"):
            content = pack.read(FOLDER.format(language) + f"{file}.ftl").decode()
            for name, value in messages(content):
                yield value, causes_of(name)


def told(texts: Iterable[tuple[str, str]]) -> Iterator[Row]:
    """A row for each text that has causes."""
    cut = [(parts(text), causes) for text, causes in texts]
    meant: dict[str, set[str]] = {}
    for found, causes in cut:
        for part in found:
            meant.setdefault(part, set()).add(causes)
    for found, causes in cut:
        own = [part for part in found if meant[part] == {causes}]
        if causes and own:
            yield Row("", "", max(own, key=len), causes)


def causes_of(name: str) -> str:
    if name in SAID:
        return SAID[name]
    if not MET.match(name):
        return ""
    identifier = name.upper().replace("-", "_")
    causes = OF_NSS.get(identifier) or meaning(identifier)
    return "" if causes.startswith("?other-alert") or "malformed-handshake" in causes else causes


def messages(text: str) -> Iterator[tuple[str, str]]:
    """Names and values of a file of Fluent; continued lines belong to the value."""
    for name, value in re.findall(r"^([a-zA-Z][\w-]*) ?=((?:.*)(?:\n[ \t]+[^\s.].*|\n(?=\n[ \t]))*)", text, re.MULTILINE):  # fmt: skip
        yield name, value.strip()


def parts(text: str) -> list[str]:
    """What of a text is the same wherever it is shown, and enough to know it again."""
    found = (re.sub(r"\s+", " ", part).strip(_AROUND) for part in _CUT.split(text))
    return [part for part in found if len(part) >= enough(part) and plain(part + " .")]


def enough(part: str) -> int:
    return _ENOUGH_WIDE if any(ord(letter) > 0x2E80 for letter in part) else _ENOUGH
