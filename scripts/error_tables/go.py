"""Go: what crypto/tls and crypto/x509 say, by their source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from error_tables.form import Family, Row, plain
from error_tables.meanings import UNKNOWN_ISSUER, UNTRUSTED, VAGUE, meaning

INSTALLED = Path("/usr/share/go-1.19")
_SAID = re.compile(r'(?:errors\.New|fmt\.Errorf|return|:=|\+|msg =)\s*\(?"((?:tls|x509): [^"]+)"')
_VERB = re.compile(r"%[-+#0-9.]*[a-zA-Z]|\\.")
# Calls that a program makes wrongly, and things that are written, not checked.
_OWN = re.compile(
    r"internal error|must be|not implemented|unsupported private key|failed to (?:create|marshal|write)|Config|CreateCert"
    r"|cannot (?:marshal|create|encode)|invalid value|DecryptPEM|encrypted PEM|no PEM data|use Parse|requested SignatureAlg"
    r"|only (?:RSA|ECDSA)|provided (?:Private|signature)|called|unknown Encrypt|template|unsupported public key type: |nil "
)
SAID = (
    (r"legacy session ID", "?malformed-handshake, ??tls-intercepted"),
    (r"timed out|timeout", "silent-drop, connection-timeout"),
    (r"unknown authority", UNKNOWN_ISSUER),
    (r"is not trusted", UNTRUSTED),
    (r"standards compliant", "validity-too-long, wrong-usage, ct-policy, ?tls-intercepted"),
    (r"load system roots|no roots|system root pool|SystemCertPool", "client-lacks-ca"),
    (r"private key does not match|private key type does not|failed to find any PEM data|key input|certificate input|parse private key",
     "client-certificate-rejected"),
    (r"expired or is not yet valid", "certificate-expired, ?client-clock-wrong, ?certificate-not-yet-valid"),
    (r"not valid for any names|certificate is valid for|IP SANs|legacy Common Name", "hostname-mismatch"),
    (r"name constraint|authorized to sign for this name", "name-constraint"),
    (r"RSA key (?:larger|smaller)|key larger than|key smaller|RSA keys? ", "weak-key"),
    (r"insecure algorithm|SHA1|unsupported signature|MD5", "weak-signature, ?tls-intercepted"),
    (r"signature alg|no supported signature|invalid signature by", "weak-signature, ?no-shared-cipher"),
    (r"incompatible key usage|extended key usage|not authorized to sign other|path length", "wrong-usage, ?tls-intercepted"),
    (r"unhandled critical", "unknown-critical-extension"),
    (r"first record does not look like|received record with version|oversized record", "not-tls, ?version-mismatch"),
    (r"unsupported (?:protocol )?versions?|only unsupported versions|no supported versions|incorrect version|unknown version", "version-mismatch"),
    (r"application protocol|ALPN", "alpn-mismatch"),
    (r"cipher suite", "no-shared-cipher, ?version-mismatch, ??other-alert"),
    (r"group|key share|curve|point|ML-?KEM", "no-shared-group, ?malformed-handshake"),
    (r"ECH|Encrypted Client Hello|encrypted client hello", "extension-intolerant, ?tls-intercepted"),
    (r"didn't provide a certificate|no certificates", "client-certificate-required"),
    (r"renegotiation", "legacy-renegotiation, ?client-certificate-required"),
    (r"downgrade|TLS 1\.3 tamper", "tls-intercepted, ?tls13-intolerant"),
    (r"session|ticket|resum|PSK|binder|early data", "?resumption-broken, ??other-alert"),
    (r"failed to verify certificate", "?untrusted-root, ?tls-intercepted, ?incomplete-chain, ?certificate-expired, ?hostname-mismatch"),
    (r"OCSP|SCT", "must-staple-missing, ?ct-policy"),
    (r"extended master secret", "version-mismatch, ?tls-intercepted"),
    (r"^x509: (?:malformed|invalid|trailing|failed to (?:parse|unmarshal)|missing|cannot parse|negative|RSA modulus|zero|duplicate|unsupported elliptic|empty|wrong|SAN|inner and outer)",
     "malformed-certificate"),
    (r"^tls: ", "?malformed-handshake, ??other-alert"),
)  # fmt: skip
# What is put together at run time.
COMPOSED = (
    "x509: certificate signed by unknown authority (possibly because of",
    "tls: failed to verify certificate: x509:",
)  # fmt: skip


def families(sources: Path | None) -> Iterator[Family]:
    """sources: a folder with other versions of Go somewhere below."""
    roots = [INSTALLED, *sorted(p.parents[3] for p in (sources or Path("/nonexistent")).rglob("src/crypto/x509/verify.go"))]  # fmt: skip
    for root in roots:
        yield Family("Go", "crypto/tls and crypto/x509 of Go", rows(root))


def rows(root: Path) -> Iterator[Row]:
    for words in COMPOSED:
        yield Row("", "", words, causes(words))
    for package in ("tls", "x509"):
        for path in sorted((root / "src" / "crypto" / package).glob("*.go")):
            if path.name.endswith("_test.go") or "boring" in path.name:
                continue
            for said in _SAID.findall(path.read_text()):
                words = spoken(said)
                if words and "\\" not in words and not _OWN.search(words):
                    yield Row("", "", words, causes(words))


def spoken(said: str) -> str:
    """The text up to what varies in it, where that is enough to know it again; with the rest after a gap."""
    first, *rest = _VERB.split(said)
    first = first.strip(" :,(;\"'")
    after = max((part.strip(" :,();\"'") for part in rest), key=len, default="")
    if len(first.split()) > 3:
        return plain(first)
    return plain(f"{first} ... {after}") if len(first) > 4 and len(after.split()) > 1 else ""


def causes(words: str) -> str:
    found = next((said for rule, said in SAID if re.search(rule, words)), "")
    return found or meaning(words) or VAGUE
