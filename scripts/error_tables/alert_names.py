"""How libraries that are not to be had here name the alerts of TLS, as their headers and sources list them."""

from __future__ import annotations

Spelling = tuple[int, str]

NSS = """
10 HANDSHAKE_UNEXPECTED_ALERT
20 BAD_MAC_ALERT
21 DECRYPTION_FAILED_ALERT
22 RECORD_OVERFLOW_ALERT
30 DECOMPRESSION_FAILURE_ALERT
40 HANDSHAKE_FAILURE_ALERT
42 BAD_CERT_ALERT
43 UNSUPPORTED_CERT_ALERT
44 REVOKED_CERT_ALERT
45 EXPIRED_CERT_ALERT
46 CERTIFICATE_UNKNOWN_ALERT
47 ILLEGAL_PARAMETER_ALERT
48 UNKNOWN_CA_ALERT
49 ACCESS_DENIED_ALERT
50 DECODE_ERROR_ALERT
51 DECRYPT_ERROR_ALERT
60 EXPORT_RESTRICTION_ALERT
70 PROTOCOL_VERSION_ALERT
71 INSUFFICIENT_SECURITY_ALERT
80 INTERNAL_ERROR_ALERT
86 INAPPROPRIATE_FALLBACK_ALERT
90 USER_CANCELED_ALERT
100 NO_RENEGOTIATION_ALERT
109 MISSING_EXTENSION_ALERT
110 UNSUPPORTED_EXTENSION_ALERT
111 CERTIFICATE_UNOBTAINABLE_ALERT
112 UNRECOGNIZED_NAME_ALERT
113 BAD_CERT_STATUS_RESPONSE_ALERT
114 BAD_CERT_HASH_VALUE_ALERT
116 RX_CERTIFICATE_REQUIRED_ALERT
120 NEXT_PROTOCOL_NO_PROTOCOL
121 ECH_REQUIRED_ALERT
"""
DOTNET = """
0 CloseNotify
10 UnexpectedMessage
20 BadRecordMac
21 DecryptionFailed
22 RecordOverflow
30 DecompressionFail
40 HandshakeFailure
42 BadCertificate
43 UnsupportedCert
44 CertificateRevoked
45 CertificateExpired
46 CertificateUnknown
47 IllegalParameter
48 UnknownCA
49 AccessDenied
50 DecodeError
51 DecryptError
60 ExportRestriction
70 ProtocolVersion
71 InsuffientSecurity
80 InternalError
90 UserCanceled
100 NoRenegotiation
110 UnsupportedExt
120 NoApplicationProtocol
"""
APPLE = """
10 errSSLPeerUnexpectedMsg
20 errSSLPeerBadRecordMac
21 errSSLPeerDecryptionFail
22 errSSLPeerRecordOverflow
30 errSSLPeerDecompressFail
40 errSSLPeerHandshakeFail
42 errSSLPeerBadCert
43 errSSLPeerUnsupportedCert
44 errSSLPeerCertRevoked
45 errSSLPeerCertExpired
46 errSSLPeerCertUnknown
48 errSSLPeerUnknownCA
49 errSSLPeerAccessDenied
50 errSSLPeerDecodeError
51 errSSLPeerDecryptError
60 errSSLPeerExportRestriction
70 errSSLPeerProtocolVersion
71 errSSLPeerInsufficientSecurity
80 errSSLPeerInternalError
90 errSSLPeerUserCancelled
100 errSSLPeerNoRenegotiation
"""
CHROMIUM = """
20 ERR_SSL_BAD_RECORD_MAC_ALERT
30 ERR_SSL_DECOMPRESSION_FAILURE_ALERT
51 ERR_SSL_DECRYPT_ERROR_ALERT
112 ERR_SSL_UNRECOGNIZED_NAME_ALERT
"""
# Names of rustls and of IANA that the versions above do not have.
RUSTLS_LATER = """
52 TooManyCidsRequested
112 UnrecognizedName
121 EncryptedClientHelloRequired
"""


def listed(text: str) -> list[Spelling]:
    pairs = (line.split() for line in text.strip().splitlines())
    return [(int(number), name) for number, name in pairs]
