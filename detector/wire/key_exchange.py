"""ServerKeyExchange and CertificateVerify: how the keys are agreed on, and who signed for them.

Sources: RFC 5246 section 7.4.3, RFC 8422 section 5.4, RFC 8446 section 4.4.3.
"""

from __future__ import annotations

import msgspec

from detector.wire import suites
from detector.wire.reader import Reader


class KeyExchange(msgspec.Struct, frozen=True):
    """What the server sent to agree on keys.

    Attributes:
        dh_bits: size of the Diffie-Hellman prime, None for other kinds.
        group: named curve, None for other kinds.
        scheme: signature scheme (TLS 1.2), None where nothing or nobody says.

    """

    dh_bits: int | None = None
    group: int | None = None
    scheme: int | None = None


def parse_key_exchange(body: bytes, suite: int, version: int) -> KeyExchange:
    """One ServerKeyExchange. Raises WireError; kinds that are not (EC)DHE come back empty."""
    name = suites.suite_name(suite)
    if suites.needs_psk(suite):
        return KeyExchange()
    read = Reader(body)
    if "_ECDH" in name:
        if read.uint(1, "curve type") != 3:
            return KeyExchange()
        group = read.uint(2, "named curve")
        read.vector(1, "public key")
        return KeyExchange(group=group, scheme=_scheme(read, version))
    if "_DH" in name:
        prime = read.vector(2, "DH prime").rest()
        read.vector(2, "DH generator")
        read.vector(2, "DH public key")
        bits = int.from_bytes(prime, "big").bit_length()
        return KeyExchange(dh_bits=bits, scheme=_scheme(read, version))
    return KeyExchange()


def parse_certificate_verify(body: bytes) -> int:
    """The signature scheme of TLS 1.3's CertificateVerify. Raises WireError."""
    return Reader(body).uint(2, "signature scheme")


def _scheme(read: Reader, version: int) -> int | None:
    """TLS 1.2 names the algorithm; anonymous key exchanges end here."""
    return read.uint(2, "signature scheme") if version >= 0x0303 and read.left >= 2 else None
