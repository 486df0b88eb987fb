"""Chrome's CRLSet: keys that Chrome knows to be used for interception.

It is delivered as a signed extension (CRX3, chromium's components/crx_file/crx3.proto): a protobuf
header with keys and signatures, then a ZIP. The extension's name is the digest of the key that must
have signed it, so a CRLSet is proven by its name alone, over any connection.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from zipfile import BadZipFile, ZipFile

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from detector.chain.signature import public_key
from detector.errors import ListError, WireError
from detector.model.no_json import NO_JSON
from detector.wire.reader import Reader

EXTENSION = "hfnkpimlhhgieaddgfemjhofmfblmnib"
WHERE = (
    "https://clients2.google.com/service/update2/crx?response=redirect&prodversion=140.0"
    f"&acceptformat=crx3&x=id%3D{EXTENSION}%26uc"
)
MAX_CRX = 8 << 20
_MAX_SET = 16 << 20
_SHA256_WITH_RSA, _SIGNED_HEADER, _PUBLIC_KEY, _SIGNATURE = 2, 10000, 1, 2


class CrlSet(msgspec.Struct, frozen=True):
    """What is kept of a CRLSet.

    Attributes:
        sequence: grows with every edition.
        known, blocked: keys used for interception (SPKI SHA-256, hex); Chrome refuses `blocked`.
        expires: None when it does not say.

    """

    sequence: int
    known: tuple[str, ...]
    blocked: tuple[str, ...]
    expires: datetime | None = None


class _Header(msgspec.Struct, frozen=True, rename="pascal"):
    sequence: int
    not_after: float = 0
    known_interception: list[str] = msgspec.field(name="KnownInterceptionSPKIs", default=[])
    blocked_interception: list[str] = msgspec.field(name="BlockedInterceptionSPKIs", default=[])


def parse_crx(data: bytes, extension: str = EXTENSION) -> CrlSet:
    """A CRLSet in its signed extension. Raises ListError unless the extension's own key signed it."""
    if len(data) > MAX_CRX:
        raise ListError(f"the CRLSet has more than {MAX_CRX} bytes")
    try:
        archive = _signed_archive(data, extension)
    except WireError as error:
        raise ListError(f"the CRLSet is no CRX3 file: {error.message}") from None
    try:
        with ZipFile(BytesIO(archive)) as unpacked:
            info = unpacked.getinfo("crl-set")
            if info.file_size > _MAX_SET:
                raise ListError(f"the CRLSet unpacks to more than {_MAX_SET} bytes")
            with unpacked.open(info) as file:
                return parse_header(file.read(_MAX_SET))
    except (BadZipFile, KeyError, OSError, zlib.error, NotImplementedError, EOFError) as error:
        raise ListError(f"the CRLSet's archive cannot be read: {error}") from None


def parse_header(data: bytes) -> CrlSet:
    """The header of a CRLSet: u16 little-endian length, JSON. Raises ListError."""
    size = int.from_bytes(data[:2], "little")
    try:
        header = msgspec.json.decode(data[2 : 2 + size], type=_Header)
        known = tuple(_digest(text) for text in header.known_interception)
        blocked = tuple(_digest(text) for text in header.blocked_interception)
        expires = datetime.fromtimestamp(header.not_after, UTC) if header.not_after else None
    except (*NO_JSON, ValueError, OverflowError, OSError) as error:
        raise ListError(f"the CRLSet's header cannot be read: {error}") from None
    return CrlSet(header.sequence, known, blocked, expires)


def extension_id(key: bytes) -> str:
    """The name of an extension: 16 bytes of its key's digest, in the letters a to p."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in sha256(key).hexdigest()[:32])


def _signed_archive(data: bytes, extension: str) -> bytes:
    read = Reader(data)
    if read.take(4, "magic") != b"Cr24" or _u32(read) != 3:
        raise WireError("magic or version is another", 0)
    header = read.take(_u32(read), "header")
    archive = read.rest()
    fields = list(_fields(header))
    signed = next((value for number, value in fields if number == _SIGNED_HEADER), b"")
    message = b"CRX3 SignedData\x00" + len(signed).to_bytes(4, "little") + signed + archive
    for number, value in fields:
        proof = dict(_fields(value)) if number == _SHA256_WITH_RSA else {}
        key = proof.get(_PUBLIC_KEY, b"")
        if extension_id(key) == extension and _verifies(key, proof.get(_SIGNATURE, b""), message):
            return archive
    raise ListError("the CRLSet is not signed by its extension's key")


def _verifies(spki: bytes, signature: bytes, message: bytes) -> bool:
    key = public_key(spki)
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Length-delimited fields of a protobuf message; others are not used in this header."""
    read = Reader(data)
    while read.left:
        tag = _varint(read)
        if tag & 7 != 2:
            raise WireError("a field of another type", read.at)
        yield tag >> 3, read.take(_varint(read), "field")


def _varint(read: Reader) -> int:
    value = 0
    for shift in range(0, 35, 7):
        byte = read.uint(1, "number")
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise WireError("a number without end", read.at)


def _u32(read: Reader) -> int:
    return int.from_bytes(read.take(4, "length"), "little")


def _digest(text: str) -> str:
    digest = binascii.a2b_base64(text, strict_mode=True)
    if len(digest) != 32:
        raise ValueError("a key digest of another length")
    return digest.hex()
