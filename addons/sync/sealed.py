"""What lies on a shelf: one line that says who vouches for it, then the content, byte for byte.

Rules
-----
1. What the centre says is signed with the key of its audit trail (Ed25519, RFC 8032). Every gateway knows the
   public key since it was enrolled, and takes no other.
2. What a gateway says carries an HMAC (RFC 2104) under a key that only it and the centre have. The centre keeps
   that key, which is the digest of the token; the token itself, which HTTPS asks for, is with the gateway alone.
3. Signature and HMAC are over what kind of thing it is and whose, too: a report is no batch, and north's is not
   south's.
4. The content is looked at only after that.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import msgspec

from detector.model.no_json import NO_JSON

FORMAT = "tlsight.bypass-sync/1"
_HEADER = 1024
_CENTRE = b"tlsight bypass sync, the centre 1\0"
_GATEWAY = b"tlsight bypass sync, a gateway 1\0"


class UnsealedError(Exception):
    """Nobody vouches for it; says why in a few words."""


class OtherKeyError(UnsealedError):
    """Somebody else signed it."""


class _Header(msgspec.Struct, frozen=True):
    format: str
    kind: str
    by: str
    seal: str


def signed(kind: str, content: bytes, sign: Callable[[bytes], tuple[str, str]]) -> bytes:
    """The blob of the centre.

    Args:
        kind: what it is, e.g. "head".
        content: of it.
        sign: text in; public key and signature out, in hex.

    """
    key, signature = sign(_text(_CENTRE, kind, "", content))
    return _joined(_Header(FORMAT, kind, key, signature), content)


def opened(kind: str, blob: bytes, key: str) -> bytes:
    """The content of the centre's blob. Raises UnsealedError unless `key` (raw, in hex) signed it as this kind."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    header, content = _apart(kind, blob)
    if header.by != key:
        raise OtherKeyError(f"it is signed with another key, {header.by[:16]}")
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(header.seal), _text(_CENTRE, kind, "", content))
    except (InvalidSignature, ValueError):
        raise UnsealedError("its signature is wrong") from None
    return content


def stamped(kind: str, name: str, content: bytes, secret: bytes) -> bytes:
    """The blob of a gateway, with its HMAC."""
    return _joined(_Header(FORMAT, kind, name, _mac(kind, name, content, secret)), content)


def vouched(kind: str, name: str, blob: bytes, secret: bytes) -> bytes:
    """The content of a gateway's blob. Raises UnsealedError unless it is this gateway's and of this kind."""
    header, content = _apart(kind, blob)
    if header.by != name:
        raise UnsealedError("it says that it is another gateway's")
    if not hmac.compare_digest(header.seal.encode(), _mac(kind, name, content, secret).encode()):
        raise UnsealedError("it was not made with this gateway's token")
    return content


def secret_of(token: str) -> bytes:
    """What the centre keeps of a token: enough to know it again and to check HMACs, too little to show it."""
    return hashlib.sha256(b"tlsight bypass sync token\0" + token.encode()).digest()


def _joined(header: _Header, content: bytes) -> bytes:
    return msgspec.json.encode(header) + b"\n" + content


def _apart(kind: str, blob: bytes) -> tuple[_Header, bytes]:
    line, newline, content = blob.partition(b"\n") if b"\n" in blob[:_HEADER] else (b"", b"", b"")
    try:
        header = msgspec.json.decode(line, type=_Header) if newline else None
    except NO_JSON:
        header = None
    if header is None:
        raise UnsealedError("it is damaged, or nothing of tlsight's")
    if header.format != FORMAT:
        raise UnsealedError(f"it is written in {header.format[:40]!r}, this version reads {FORMAT}")
    if header.kind != kind:
        raise UnsealedError(f"it is a {header.kind[:20]}, and no {kind}")
    return header, content


def _text(context: bytes, kind: str, name: str, content: bytes) -> bytes:
    return context + f"{kind}\0{name}\0".encode() + hashlib.sha256(content).digest()


def _mac(kind: str, name: str, content: bytes, secret: bytes) -> str:
    return hmac.new(secret, _text(_GATEWAY, kind, name, content), hashlib.sha256).hexdigest()
