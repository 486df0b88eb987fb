"""An echo as it goes back through whoever stands in between: signed, so that he can withhold it and not write it. Pure.

Rules
-----
1. The key is Ed25519 (RFC 8032). The client has it beforehand: from the server's own console, in a URL's fragment, which
   is never sent, or in a list of servers. A key that merely came with the answer proves nothing.
2. Signed are the bytes that carry the echo, whole, with the nonce of the client in them: no old one passes for a later
   one, and none is taken apart before its signature was verified.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from detector.errors import EchoError
from detector.model.echoes import ECHO_SCHEMA, Echo
from detector.model.no_json import NO_JSON

MAX_SEALED = 512 << 10
_CONTEXT = b"tlsight echo 1\0"


class _Sealed(msgspec.Struct, frozen=True):
    schema: str
    key: str
    signature: str
    echo: str


def sealed(echo: Echo, key: str, sign: Callable[[bytes], bytes]) -> bytes:
    """JSON to send; `key` is the signer's raw public key in hex."""
    text = msgspec.json.encode(echo)
    signature = sign(_CONTEXT + text).hex()
    return msgspec.json.encode(
        _Sealed(ECHO_SCHEMA, key, signature, base64.b64encode(text).decode())
    )


def signer(data: bytes) -> str:
    """Whose key it says it is signed with, in hex: for who has no other, and it proves nothing. Raises EchoError."""
    try:
        key = msgspec.json.decode(data[:MAX_SEALED], type=_Sealed).key
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except (*NO_JSON, ValueError):
        raise EchoError("what came back is no echo") from None
    return key


def opened(data: bytes, key: str, nonce: str) -> Echo:
    """What it says. Raises EchoError unless the holder of `key` (raw, in hex) signed it for this nonce."""
    if len(data) > MAX_SEALED:
        raise EchoError(f"an echo of more than {MAX_SEALED} bytes")
    try:
        found = msgspec.json.decode(data, type=_Sealed)
        text = base64.b64decode(found.echo, validate=True)
        signature = bytes.fromhex(found.signature)
    except (*NO_JSON, binascii.Error, ValueError):
        raise EchoError("what came back is no echo") from None
    if found.schema != ECHO_SCHEMA:
        raise EchoError(f"an echo of another kind, {found.schema[:40]!r}")
    if found.key != key:
        raise EchoError("the echo is signed with another key than the server's")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, _CONTEXT + text)
        echo = msgspec.json.decode(text, type=Echo)
    except InvalidSignature:
        raise EchoError("the echo's signature is wrong: somebody changed it") from None
    except NO_JSON:
        raise EchoError("the echo is signed and cannot be read") from None
    if echo.nonce != nonce:
        raise EchoError("the echo answers another question")
    return echo
