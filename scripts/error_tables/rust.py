"""rustls and webpki: names of their errors as Debug writes them, of all versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from error_tables.form import Family, Row
from error_tables.meanings import UNKNOWN_ISSUER

REGISTRY = Path("/usr/share/cargo/registry")
# Names that later versions than Debian's have: docs.rs/rustls and docs.rs/rustls-webpki.
CERTIFICATE_LATER = """
ApplicationVerificationFailure BadEncoding BadSignature Expired ExpiredContext ExpiredRevocationList ExpiredRevocationListContext
InvalidOcspResponse InvalidPurpose InvalidPurposeContext NotValidForName NotValidForNameContext NotValidYet NotValidYetContext
Revoked UnhandledCriticalExtension UnknownIssuer UnknownRevocationStatus UnsupportedSignatureAlgorithm
UnsupportedSignatureAlgorithmContext UnsupportedSignatureAlgorithmForPublicKeyContext
"""
WEBPKI_LATER = """
CertRevoked CrlExpired EmptyEkuExtension InvalidCrlNumber InvalidCrlSignatureForPublicKey InvalidNetworkMaskConstraint
InvalidSerialNumber InvalidSignatureForPublicKey IssuerNotCrlSigner MalformedDnsIdentifier MalformedExtensions
MalformedNameConstraint MaximumNameConstraintComparisonsExceeded MaximumPathBuildCallsExceeded MaximumPathDepthExceeded
MaximumSignatureChecksExceeded MissingOrMalformedExtensions NoValidCrlAvailable RequiredEkuNotFound RequiredEkuNotFoundContext
TrailingData UnknownRevocationStatus UnsupportedCertVersion UnsupportedCriticalExtension UnsupportedCrlIssuingDistributionPoint
UnsupportedCrlSignatureAlgorithm UnsupportedCrlVersion UnsupportedDeltaCrl UnsupportedIndirectCrl UnsupportedNameType
UnsupportedRevocationReason UnsupportedRevocationReasonsPartitioning UnsupportedCrlSignatureAlgorithmForPublicKey
"""
INCOMPATIBLE = """
EcPointsExtensionRequired ExtendedMasterSecretExtensionRequired IncorrectCertificateTypeExtension
KeyShareExtensionRequired NamedGroupsExtensionRequired NoCertificateRequestSignatureSchemesInCommon
NoCipherSuitesInCommon NoEcPointFormatsInCommon NoKxGroupsInCommon NoSignatureSchemesInCommon NullCompressionRequired
ServerDoesNotSupportTls12Or13 ServerSentHelloRetryRequestWithUnknownExtension ServerTlsVersionIsDisabledByOurConfig
ServerNameExtensionRequired ServerRejectedEncryptedClientHello SignatureAlgorithmsExtensionRequired
SupportedVersionsExtensionRequired Tls12NotOffered Tls12NotOfferedOrEnabled Tls13RequiredForQuic
UncompressedEcPointsRequired UnknownCertificateType UnsolicitedCertificateTypeExtension
"""
SAID = {
    "UnknownIssuer": UNKNOWN_ISSUER,
    "BadEncoding": "malformed-certificate, ?tls-intercepted",
    "BadSignature": "tls-intercepted, wrong-issuer, ?weak-signature",
    "Expired": "certificate-expired, ?client-clock-wrong, ?intermediate-expired",
    "CertExpired": "certificate-expired, ?client-clock-wrong, ?intermediate-expired",
    "ExpiredContext": "certificate-expired, ?client-clock-wrong, ?intermediate-expired",
    "NotValidForNameContext": "hostname-mismatch", "NotValidForName": "hostname-mismatch",
    "CertNotValidForName": "hostname-mismatch", "Revoked": "certificate-revoked",
    "InvalidCertValidity": "malformed-certificate", "UnsupportedCertVersion": "malformed-certificate, wrong-usage",
    "UnknownRevocationStatus": "revocation-unavailable", "ExpiredRevocationList": "revocation-unavailable",
    "ExpiredRevocationListContext": "revocation-unavailable", "InvalidOcspResponse": "must-staple-missing, revocation-unavailable",
    "NoValidCrlAvailable": "revocation-unavailable", "CaUsedAsEndEntity": "self-signed, wrong-usage, ?tls-intercepted",
    "EndEntityUsedAsCa": "wrong-usage, ?tls-intercepted", "ApplicationVerificationFailure": "?certificate-pinned, ?untrusted-root",
    "UnsupportedSignatureAlgorithm": "weak-signature, ?malformed-certificate",
    "UnsupportedSignatureAlgorithmForPublicKey": "weak-signature, ?malformed-certificate",
    "UnsupportedSignatureAlgorithmContext": "weak-signature, ?malformed-certificate",
    "UnsupportedSignatureAlgorithmForPublicKeyContext": "weak-signature, ?malformed-certificate",
    "RequiredEkuNotFound": "wrong-usage", "RequiredEkuNotFoundContext": "wrong-usage", "InvalidPurposeContext": "wrong-usage",
    "MissingOrMalformedExtensions": "malformed-certificate, wrong-usage",
    "InvalidSignatureForPublicKey": "tls-intercepted, wrong-issuer, ?weak-signature",
    "ServerDoesNotSupportTls12Or13": "version-mismatch", "ServerTlsVersionIsDisabledByOurConfig": "version-mismatch",
    "Tls12NotOffered": "version-mismatch", "Tls12NotOfferedOrEnabled": "version-mismatch",
    "Tls13RequiredForQuic": "version-mismatch", "SupportedVersionsExtensionRequired": "version-mismatch",
    "NoCipherSuitesInCommon": "no-shared-cipher", "NoKxGroupsInCommon": "no-shared-group",
    "NoEcPointFormatsInCommon": "no-shared-group", "NamedGroupsExtensionRequired": "no-shared-group",
    "KeyShareExtensionRequired": "no-shared-group, ?version-mismatch",
    "NoSignatureSchemesInCommon": "no-shared-cipher, weak-signature",
    "NoCertificateRequestSignatureSchemesInCommon": "client-certificate-rejected, ?no-shared-cipher",
    "ExtendedMasterSecretExtensionRequired": "version-mismatch, ?tls-intercepted",
    "ServerNameExtensionRequired": "sni-required", "ServerRejectedEncryptedClientHello": "extension-intolerant, ?tls-intercepted",
    "NoCertificatesPresented": "client-certificate-required", "CorruptMessage": "not-tls, ?malformed-handshake",
    "PeerSentOversizedRecord": "not-tls, ?malformed-handshake", "HandshakeNotComplete": "closed-during-handshake",
    "InvalidCertificateEncoding": "malformed-certificate", "InvalidCertificateSignatureType": "weak-signature",
    "InvalidCertificateSignature": "tls-intercepted, wrong-issuer", "InvalidSct": "ct-policy",
    "MaximumPathBuildCallsExceeded": "malformed-certificate", "MaximumPathDepthExceeded": "malformed-certificate, chain-out-of-order",
    "UnsupportedNameType": "hostname-mismatch",
}  # fmt: skip
# Words of everyday that name nothing by themselves: they count only where rustls or webpki writes them.
_BARE = frozenset(("Expired", "Revoked", "BadEncoding", "BadSignature", "Other", "NotValidYet", "General",
                   "TrailingData", "EncryptError", "DecryptError", "CorruptMessage", "InvalidPurpose",
                   "InvalidSerialNumber", "MalformedExtensions", "UnsupportedNameType", "ExpiredContext", "ExtensionValueInvalid"))  # fmt: skip
_FRAMES = ("invalid peer certificate: {}", "InvalidCertificate({})")


def families() -> Iterator[Family]:
    yield Family("rustls certificate", "rustls::CertificateError, webpki::Error and docs.rs of later versions", certificates())  # fmt: skip
    yield Family(
        "rustls", "rustls::Error, PeerIncompatible and docs.rs of later versions", errors()
    )


def certificates() -> Iterator[Row]:
    names = [*CERTIFICATE_LATER.split(), *members("webpki", "Error"), *WEBPKI_LATER.split()]
    for name in dict.fromkeys(names):
        causes = SAID.get(name, "")
        bare = "" if name in _BARE else name
        yield Row("", bare, _FRAMES[0].format(name), causes, name)
        yield Row("", "", _FRAMES[1].format(name), causes, name)
        if not bare:
            yield Row("", "", f"Other(OtherError({name}", causes, name)


def errors() -> Iterator[Row]:
    for name in INCOMPATIBLE.split():
        yield Row("", name, f"peer is incompatible: {name}", SAID.get(name, ""))
    for name in members("rustls", "Error"):
        if name in SAID:
            yield Row("", "" if name in _BARE else name, "", SAID[name])


def members(crate: str, enum: str) -> list[str]:
    source = next(REGISTRY.glob(f"{crate}-0*/src/error.rs")).read_text()
    body = re.search(rf"pub enum {enum} \{{(.*?)\n\}}", source, re.DOTALL)
    return re.findall(r"^    ([A-Z]\w+)[,({ ]", body[1] if body else "", re.MULTILINE)
