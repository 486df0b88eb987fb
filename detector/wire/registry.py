"""Numbers and names of IANA's TLS registries, as far as the product shows them."""

from __future__ import annotations

# Handshake types
CLIENT_HELLO, SERVER_HELLO, NEW_SESSION_TICKET = 1, 2, 4
ENCRYPTED_EXTENSIONS, CERTIFICATE, SERVER_KEY_EXCHANGE = 8, 11, 12
CERTIFICATE_REQUEST, SERVER_HELLO_DONE, CERTIFICATE_STATUS = 13, 14, 22

# Extension types
SERVER_NAME, STATUS_REQUEST, SUPPORTED_GROUPS, EC_POINT_FORMATS = 0, 5, 10, 11
SIGNATURE_ALGORITHMS, ALPN, SIGNED_CERTIFICATE_TIMESTAMP = 13, 16, 18
PADDING, EXTENDED_MASTER_SECRET, SESSION_TICKET, PRE_SHARED_KEY = 21, 23, 35, 41
EARLY_DATA, SUPPORTED_VERSIONS, COOKIE, PSK_KEY_EXCHANGE_MODES = 42, 43, 44, 45
CERTIFICATE_AUTHORITIES, SIGNATURE_ALGORITHMS_CERT, KEY_SHARE = 47, 50, 51
ENCRYPTED_CLIENT_HELLO, RENEGOTIATION_INFO = 0xFE0D, 0xFF01

VERSIONS: dict[int, str] = {
    0x0300: "SSLv3",
    0x0301: "TLSv1",
    0x0302: "TLSv1.1",
    0x0303: "TLSv1.2",
    0x0304: "TLSv1.3",
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
    0x11EB: "SecP256r1MLKEM768",
    0x11EC: "X25519MLKEM768",
    0x11ED: "SecP384r1MLKEM1024",
    0x6399: "X25519Kyber768Draft00",
}


def is_grease(value: int) -> bool:
    """Whether a 16-bit value is one of RFC 8701's: 0x0a0a, 0x1a1a, ... 0xfafa."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def version_name(value: int) -> str:
    return VERSIONS.get(value, f"{value:#06x}")


def group_name(value: int) -> str:
    return GROUPS.get(value, f"{value:#06x}")
