"""ClientHellos of our own: what one offers, and how it is put on the wire.

The reference is what a browser of today sends; every other offer changes one thing about it, so that
two offers which end differently say what it is that the peer minds.
"""

from __future__ import annotations

import msgspec

from detector.wire import hello as h
from detector.wire import registry as r
from detector.wire.records import HANDSHAKE, encode_message, encode_record

TLS13, TLS12, TLS11, TLS10, SSL3 = 0x0304, 0x0303, 0x0302, 0x0301, 0x0300
X25519, SECP256R1, SECP384R1, SECP521R1 = 0x001D, 0x0017, 0x0018, 0x0019
X25519MLKEM768 = 0x11EC
RENEGOTIATION_SCSV = 0x00FF
# RFC 7507: this client could do better, and was refused that.
FALLBACK_SCSV = 0x5600

# What Chrome and Firefox offer.
BROWSER_SUITES = (
    0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8,
    0xC009, 0xC013, 0xC00A, 0xC014, 0x009C, 0x009D, 0x002F, 0x0035,
)  # fmt: skip
BROWSER_GROUPS = (X25519MLKEM768, X25519, SECP256R1, SECP384R1)
ALL_GROUPS = (
    X25519, SECP256R1, SECP384R1, SECP521R1, 0x001E, 0x001A, 0x001B, 0x001C, 0x001F, 0x0020, 0x0021,
    0x0100, 0x0101, 0x0102, 0x0103, 0x0104, 0x0015, 0x0013, 0x0016, 0x0009, 0x000A, 0x000B, 0x000C,
    0x000D, 0x000E, 0x11EC, 0x11EB, 0x11ED,
)  # fmt: skip
BROWSER_SCHEMES = (
    0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0807, 0x0808,
)  # fmt: skip
ALL_SCHEMES = (
    *BROWSER_SCHEMES, 0x0809, 0x080A, 0x080B, 0x0203, 0x0201, 0x0202, 0x0402, 0x0303, 0x0301, 0x0101,
    0x081A, 0x081B, 0x081C,
)  # fmt: skip


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One ClientHello.

    Attributes:
        versions: highest first; without TLS 1.3 there is no supported_versions extension.
        shares: groups with a key in the hello; others are offered without.
        size: pad the hello up to this many bytes (RFC 7685).
        records: put the hello into this many TLS records.
        segments: and send it in this many TCP segments.
        chain_schemes: those for the certificates above the leaf, where they are others than `schemes` (RFC 8446
            section 4.2.3).
        status: ask for a stapled OCSP response (RFC 6066 section 8), as browsers do.
        ech: a false Encrypted ClientHello, as browsers send it to keep the real one possible (RFC 9849
            section 6.2).
        compression: methods, the null one last.

    """

    versions: tuple[int, ...] = (TLS13, TLS12)
    suites: tuple[int, ...] = BROWSER_SUITES
    groups: tuple[int, ...] = BROWSER_GROUPS
    shares: tuple[int, ...] = (X25519MLKEM768, X25519)
    schemes: tuple[int, ...] = BROWSER_SCHEMES
    chain_schemes: tuple[int, ...] = ()
    sni: str | None = None
    alpn: tuple[str, ...] = ()
    size: int = 0
    records: int = 1
    segments: int = 1
    status: bool = True
    ech: bool = False
    compression: bytes = b"\x00"

    @property
    def has_tls13(self) -> bool:
        return TLS13 in self.versions


class Material(msgspec.Struct, frozen=True):
    """What chance puts into a hello.

    Attributes:
        random, session_id: 32 bytes each.
        keys: public key by group, as a key share holds it.

    """

    random: bytes
    session_id: bytes
    keys: dict[int, bytes]


def client_hello(offer: Offer, material: Material) -> bytes:
    """The handshake message of the hello, header included."""
    ciphers = offer.suites
    if not offer.has_tls13 and max(offer.versions) < TLS12:
        ciphers = tuple(c for c in ciphers if c >> 8 != 0x13)
    with_extensions = max(offer.versions) > SSL3
    body = h.ClientHello(
        legacy_version=min(max(offer.versions), TLS12),
        random=material.random,
        # A session id makes middleboxes think of TLS 1.2 resumption (RFC 8446 section D.4).
        session_id=material.session_id if offer.has_tls13 else b"",
        ciphers=(*ciphers, RENEGOTIATION_SCSV),
        compression=offer.compression,
        extensions=_extensions(offer, material) if with_extensions else None,
    )
    message = encode_message(r.CLIENT_HELLO, h.build_client_hello(body))
    short = offer.size - len(message) - 4
    if short < 0 or not with_extensions:
        return message
    padded = msgspec.structs.replace(
        body, extensions=(*(body.extensions or ()), (r.PADDING, bytes(short)))
    )
    return encode_message(r.CLIENT_HELLO, h.build_client_hello(padded))


def wire_form(offer: Offer, message: bytes) -> list[bytes]:
    """The segments to send, in order."""
    version = 0x0300 if max(offer.versions) == SSL3 else 0x0301
    step = -(-len(message) // offer.records)
    parts = [message[at : at + step] for at in range(0, len(message), step)]
    data = b"".join(encode_record(HANDSHAKE, part, version) for part in parts)
    step = -(-len(data) // offer.segments)
    return [data[at : at + step] for at in range(0, len(data), step)]


def _extensions(offer: Offer, material: Material) -> tuple[h.Extension, ...]:
    found: list[h.Extension] = []
    if offer.sni:
        found.append(h.server_name(offer.sni))
    found += [
        (r.EXTENDED_MASTER_SECRET, b""),
        h.supported_groups(offer.groups),
        h.ec_point_formats(),
        (r.SESSION_TICKET, b""),
    ]
    if offer.alpn:
        found.append(h.alpn(offer.alpn))
    if offer.status:
        found.append(h.status_request())
    if max(offer.versions) >= TLS12:
        found += [h.signature_algorithms(offer.schemes), (r.SIGNED_CERTIFICATE_TIMESTAMP, b"")]
        if offer.chain_schemes:
            found.append(h.signature_algorithms_cert(offer.chain_schemes))
    if offer.has_tls13:
        shares = [(group, material.keys[group]) for group in offer.shares]
        if offer.ech:
            found.append((r.ENCRYPTED_CLIENT_HELLO, _false_ech(material)))
        found += [
            h.key_share(shares),
            (r.PSK_KEY_EXCHANGE_MODES, b"\x01\x01"),
            h.supported_versions(offer.versions),
        ]
    return tuple(found)


def _false_ech(material: Material) -> bytes:
    """Outer ClientHello: HKDF-SHA256, AES-128-GCM, any config id, a key, and noise for a payload."""
    noise = (material.random * 6)[:144]
    key = material.keys[X25519]
    return (
        b"\x00\x00\x01\x00\x01"
        + material.session_id[:1]
        + len(key).to_bytes(2, "big")
        + key
        + len(noise).to_bytes(2, "big")
        + noise
    )
