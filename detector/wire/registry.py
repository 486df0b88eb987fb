"""Numbers and names of IANA's TLS registries, as far as the product shows them."""

from __future__ import annotations

# Handshake types
CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST, NEW_SESSION_TICKET = 1, 2, 3, 4
ENCRYPTED_EXTENSIONS, CERTIFICATE, SERVER_KEY_EXCHANGE = 8, 11, 12
CERTIFICATE_REQUEST, SERVER_HELLO_DONE, CERTIFICATE_STATUS = 13, 14, 22
COMPRESSED_CERTIFICATE = 25

# Extension types
SERVER_NAME, STATUS_REQUEST, SUPPORTED_GROUPS, EC_POINT_FORMATS = 0, 5, 10, 11
SIGNATURE_ALGORITHMS, ALPN, SIGNED_CERTIFICATE_TIMESTAMP = 13, 16, 18
PADDING, EXTENDED_MASTER_SECRET, SESSION_TICKET, PRE_SHARED_KEY = 21, 23, 35, 41
EARLY_DATA, SUPPORTED_VERSIONS, COOKIE, PSK_KEY_EXCHANGE_MODES = 42, 43, 44, 45
CERTIFICATE_AUTHORITIES, SIGNATURE_ALGORITHMS_CERT, KEY_SHARE = 47, 50, 51
EARLY_KEY_SHARE = 40  # in drafts of TLS 1.3 before 23
ENCRYPTED_CLIENT_HELLO, RENEGOTIATION_INFO = 0xFE0D, 0xFF01

VERSIONS: dict[int, str] = {
    0x0300: "SSLv3",
    0x0301: "TLSv1",
    0x0302: "TLSv1.1",
    0x0303: "TLSv1.2",
    0x0304: "TLSv1.3",
    0xFEFF: "DTLSv1",
    0xFEFD: "DTLSv1.2",
    0xFEFC: "DTLSv1.3",
}

GROUPS: dict[int, str] = {
    0x0017: "secp256r1",
    0x0018: "secp384r1",
    0x0019: "secp521r1",
    0x001A: "brainpoolP256r1",
    0x001B: "brainpoolP384r1",
    0x001C: "brainpoolP512r1",
    0x001D: "x25519",
    0x001E: "x448",
    0x0100: "ffdhe2048",
    0x0101: "ffdhe3072",
    0x0102: "ffdhe4096",
    0x0103: "ffdhe6144",
    0x0104: "ffdhe8192",
    0x0200: "MLKEM512",
    0x0201: "MLKEM768",
    0x0202: "MLKEM1024",
    0x11EB: "SecP256r1MLKEM768",
    0x11EC: "X25519MLKEM768",
    0x11ED: "SecP384r1MLKEM1024",
    0x11EE: "curveSM2MLKEM768",
    0x6399: "X25519Kyber768Draft00",
    0x639A: "SecP256r1Kyber768Draft00",
}

# Groups that a quantum computer does not break, alone or beside a curve; the drafts of ML-KEM among them.
POST_QUANTUM = frozenset(
    code for code, name in GROUPS.items() if "MLKEM" in name or "Kyber" in name
)

SIGNATURE_SCHEMES: dict[int, str] = {
    0x0101: "rsa_pkcs1_md5",
    0x0201: "rsa_pkcs1_sha1",
    0x0202: "dsa_sha1",
    0x0203: "ecdsa_sha1",
    0x0301: "rsa_pkcs1_sha224",
    0x0303: "ecdsa_sha224",
    0x0401: "rsa_pkcs1_sha256",
    0x0402: "dsa_sha256",
    0x0403: "ecdsa_secp256r1_sha256",
    0x0501: "rsa_pkcs1_sha384",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0601: "rsa_pkcs1_sha512",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519",
    0x0808: "ed448",
    0x0809: "rsa_pss_pss_sha256",
    0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512",
}

EXTENSIONS: dict[int, str] = {
    0: "server_name",
    5: "status_request",
    10: "supported_groups",
    11: "ec_point_formats",
    13: "signature_algorithms",
    16: "alpn",
    18: "signed_certificate_timestamp",
    21: "padding",
    22: "encrypt_then_mac",
    23: "extended_master_secret",
    27: "compress_certificate",
    28: "record_size_limit",
    34: "delegated_credential",
    35: "session_ticket",
    41: "pre_shared_key",
    42: "early_data",
    43: "supported_versions",
    44: "cookie",
    45: "psk_key_exchange_modes",
    47: "certificate_authorities",
    49: "post_handshake_auth",
    50: "signature_algorithms_cert",
    51: "key_share",
    0x3374: "next_protocol_negotiation",
    0x4469: "application_settings",
    0x44CD: "application_settings",
    0xCA34: "trust_anchors",
    0xFE0D: "encrypted_client_hello",
    0xFF01: "renegotiation_info",
}

HANDSHAKE_TYPES: dict[int, str] = {
    0: "HelloRequest",
    1: "ClientHello",
    2: "ServerHello",
    4: "NewSessionTicket",
    5: "EndOfEarlyData",
    8: "EncryptedExtensions",
    11: "Certificate",
    12: "ServerKeyExchange",
    13: "CertificateRequest",
    14: "ServerHelloDone",
    15: "CertificateVerify",
    16: "ClientKeyExchange",
    20: "Finished",
    22: "CertificateStatus",
    24: "KeyUpdate",
    25: "CompressedCertificate",
}


def is_grease(value: int) -> bool:
    """Whether a 16-bit value is one of RFC 8701's: 0x0a0a, 0x1a1a, ... 0xfafa."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


# The upper byte of versions that were spoken before RFC 8446; the lower one is the draft's number.
_DRAFT, _EXPERIMENT, _FACEBOOK = 0x7F, 0x7E, 0xFB
_FIRST_DRAFT_AS_NOW = 22


def version_name(value: int) -> str:
    """As OpenSSL writes it: "TLSv1.2"; drafts of TLS 1.3 as "TLSv1.3 draft 23"."""
    number = value & 0xFF
    early = {
        _DRAFT: f"TLSv1.3 draft {number}",
        _EXPERIMENT: f"TLSv1.3 experiment {number}",
        _FACEBOOK: f"TLSv1.3 draft {number} (Facebook)",
    }
    return VERSIONS.get(value) or early.get(value >> 8) or f"{value:#06x}"


def is_tls13(version: int) -> bool:
    """TLS 1.3, or a draft of it: what follows the ServerHello is encrypted."""
    return version == 0x0304 or version >> 8 in (_DRAFT, _EXPERIMENT, _FACEBOOK)


def hides_certificates(version: int) -> bool:
    """Certificates are encrypted: TLS 1.3, a draft of it, or DTLS 1.3."""
    return is_tls13(version) or version == 0xFEFC


def is_early_draft(version: int) -> bool:
    """A draft of TLS 1.3 whose ServerHello has neither a session id nor a compression method."""
    return version >> 8 == _DRAFT and version & 0xFF < _FIRST_DRAFT_AS_NOW


def version_text(value: int) -> str:
    """A version as a person writes it: "TLS 1.0"."""
    major = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0"}
    return major.get(value) or version_name(value).replace("TLSv", "TLS ")


def group_name(value: int) -> str:
    return GROUPS.get(value, f"{value:#06x}")


def extension_name(value: int) -> str:
    return EXTENSIONS.get(value, str(value))
