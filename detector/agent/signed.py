"""Lists and questions that a fleet sends down: signed by the fleet, not by the bus that carries them. Pure.

Rules
-----
1. The key is Ed25519 (RFC 8032) and known since the enrolment; who breaks into the server can hold a list back, not
   make one.
2. Signed is all of it: which list, its serial, from when to when, and the digest of the content. So no list passes
   for another one, and no old one for a later one.
3. A serial that was taken is never gone back from. The same one may come again with the same content and a later
   end: so a list that nobody changes stays in force.
4. What is refused changes nothing: the last good list stays in force, also after its own end, because an agent that
   hears of nobody must not lose its rules. Its end only bounds how long an old one can be sent.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from detector.errors import ListError
from detector.model.no_json import NO_JSON

FORMAT = "tlsight.list/1"
LISTS = ("configuration", "canaries", "bypass")
MAX_CONTENT = 16 << 20
# Of the bus: nats-server's default, less room for the message's own head.
MAX_BLOB = (1 << 20) - 4096
_HEADER = 1024
_CONTEXT = b"tlsight fleet, a list 1\0"
Change = Literal["taken", "same"]


class Signed(msgspec.Struct, frozen=True):
    """One that was verified.

    Attributes:
        name: which list.
        serial: of this state of it.
        issued: when it was signed.
        until: when it ends.
        digest: SHA-256 of the content, in hex.
        content: of it.

    """

    name: str
    serial: int
    issued: datetime
    until: datetime
    digest: str
    content: bytes


class _Header(msgspec.Struct, frozen=True):
    format: str
    name: str
    serial: int
    issued: str
    until: str
    digest: str
    key: str
    signature: str


def public_signer(secret: str) -> str:
    """The public half of a raw key in hex."""
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    return private.public_key().public_bytes_raw().hex()


def signer_of(secret: str) -> Callable[[bytes], tuple[str, str]]:
    """Signs: text in; public key and signature out, in hex."""
    private, public = (
        Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)),
        public_signer(secret),
    )
    return lambda text: (public, private.sign(text).hex())


def seal(
    name: str,
    serial: int,
    issued: datetime,
    until: datetime,
    content: bytes,
    sign: Callable[[bytes], tuple[str, str]],
) -> bytes:
    """The blob to publish. Raises ListError for one that the bus does not carry."""
    digest = hashlib.sha256(content).hexdigest()
    begin, end = issued.isoformat(), until.isoformat()
    key, signature = sign(_text(name, serial, begin, end, digest))
    header = _Header(FORMAT, name, serial, begin, end, digest, key, signature)
    blob = msgspec.json.encode(header) + b"\n" + zlib.compress(content, 9)
    if len(content) > MAX_CONTENT or len(blob) > MAX_BLOB:
        raise ListError(
            f"{name}: {len(content)} bytes, {len(blob)} when packed; a list may have {MAX_CONTENT} and {MAX_BLOB}"
        )
    return blob


def unseal(name: str, blob: bytes, signer: str) -> Signed:
    """What a blob holds, whenever it is from. Raises ListError unless `signer` (raw, in hex) signed it as this list."""
    header, packed = _apart(name, blob)
    if header.key != signer:
        raise ListError(f"{name}: it is signed with another key, {header.key[:16]!r}")
    text = _text(header.name, header.serial, header.issued, header.until, header.digest)
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer))
        key.verify(bytes.fromhex(header.signature), text)
        issued, until = map(datetime.fromisoformat, (header.issued, header.until))
    except (InvalidSignature, ValueError):
        raise ListError(f"{name}: its signature is wrong") from None
    if header.name != name:
        raise ListError(f"{name}: it is the list {header.name[:40]!r}")
    content = _unpacked(name, packed)
    if hashlib.sha256(content).hexdigest() != header.digest:
        raise ListError(f"{name}: its content is not what was signed")
    return Signed(name, header.serial, issued, until, header.digest, content)


def judged(found: Signed, standing: Signed | None, now: datetime) -> Change:
    """Whether it is to be put in force. Raises ListError where the one that stands is to stay."""
    if found.until <= now:
        raise ListError(
            f"{found.name}: serial {found.serial} ended on {found.until:%Y-%m-%d %H:%M}"
        )
    if standing is None or found.serial > standing.serial:
        return "taken"
    if found.serial < standing.serial:
        raise ListError(
            f"{found.name}: serial {found.serial} is older than {standing.serial}, which was taken before"
        )
    if found.digest != standing.digest:
        raise ListError(
            f"{found.name}: another content with the serial {found.serial} of that in force"
        )
    return "same"


def _text(name: str, serial: int, issued: str, until: str, digest: str) -> bytes:
    return _CONTEXT + f"{name}\0{serial}\0{issued}\0{until}\0{digest}".encode()


def _apart(name: str, blob: bytes) -> tuple[_Header, bytes]:
    if len(blob) > MAX_BLOB:
        raise ListError(f"{name}: is larger than {MAX_BLOB} bytes")
    line, newline, packed = blob.partition(b"\n") if b"\n" in blob[:_HEADER] else (b"", b"", b"")
    try:
        header = msgspec.json.decode(line, type=_Header) if newline else None
    except NO_JSON:
        header = None
    if header is None or header.format != FORMAT:
        raise ListError(f"{name}: it is damaged, or no {FORMAT}")
    return header, packed


def _unpacked(name: str, packed: bytes) -> bytes:
    reading = zlib.decompressobj()
    try:
        content = reading.decompress(packed, MAX_CONTENT + 1)
    except zlib.error:
        raise ListError(f"{name}: its content is damaged") from None
    if len(content) > MAX_CONTENT or not reading.eof or reading.unused_data:
        raise ListError(f"{name}: its content is cut off or larger than {MAX_CONTENT} bytes")
    return content
