"""Signed tree heads: what a log commits to, as JSON (RFC 6962) or as a signed note (static-ct).

Both carry the same signature: over version, type, time, size and root, by the log's key (RFC 6962
section 3.5). The note's origin line is not covered by it and decides nothing.
"""

from __future__ import annotations

import binascii
from hashlib import sha256

import msgspec

from detector.chain.sct import CTLog
from detector.chain.signature import is_digitally_signed
from detector.ct.merkle import HASH_SIZE, MAX_TREE
from detector.errors import WireError
from detector.model.no_json import NO_JSON
from detector.wire.reader import Reader

MAX_HEAD = 1 << 14
_NOTE_SIGNATURE = 5  # c2sp.org/static-ct-api: RFC6962NoteSignature
_DASH = "— "


class TreeHead(msgspec.Struct, frozen=True):
    """A log's promise about its tree.

    Attributes:
        size: entries in the tree.
        root: Merkle Tree Hash, 32 bytes.
        timestamp_ms: when it was signed, milliseconds since 1970.
        signatures: digitally-signed structures, one of which must verify.

    """

    size: int
    root: bytes
    timestamp_ms: int
    signatures: tuple[bytes, ...]

    @property
    def signed_input(self) -> bytes:
        """The bytes under the signature (RFC 6962 section 3.5)."""
        stamp, size = self.timestamp_ms.to_bytes(8, "big"), self.size.to_bytes(8, "big")
        return b"\x00\x01" + stamp + size + self.root


class _Sth(msgspec.Struct, frozen=True):
    tree_size: int
    timestamp: int
    sha256_root_hash: bytes
    tree_head_signature: bytes


def parse_sth(body: bytes) -> TreeHead:
    """The answer of get-sth (RFC 6962 section 4.3). Raises WireError."""
    _bound(body)
    try:
        sth = msgspec.json.decode(body, type=_Sth)
    except NO_JSON as error:
        raise WireError(f"tree head: {error}", 0) from None
    return _head(sth.tree_size, sth.sha256_root_hash, sth.timestamp, (sth.tree_head_signature,))


def parse_checkpoint(body: bytes, log_id: bytes) -> TreeHead:
    """A checkpoint with the signature of the log `log_id` (c2sp.org/tlog-checkpoint, static-ct-api).

    Signatures of other keys (witnesses) are passed over. Raises WireError.
    """
    _bound(body)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError("checkpoint: not UTF-8", error.start) from None
    note, blank, rest = text.partition("\n\n")
    lines = note.split("\n")
    if not blank or len(lines) != 3 or not lines[0]:
        raise WireError("checkpoint: not three lines and a blank one", 0)
    origin, size, root = lines
    if not (size.isascii() and size.isdigit()) or len(size) > 19 or str(int(size)) != size:
        raise WireError("checkpoint: the size is no number", len(origin.encode()) + 1)
    found = [_note_signature(line, origin, log_id) for line in rest.split("\n")[:64]]
    signed = [pair for pair in found if pair is not None]
    if not signed:
        raise WireError("checkpoint: no signature by the log's key", len(note.encode()) + 2)
    timestamp = signed[0][0]
    return _head(int(size), _base64(root), timestamp, tuple(s for t, s in signed if t == timestamp))


def is_signed(head: TreeHead, log: CTLog) -> bool:
    """Whether the log's key signed this head."""
    return any(_verifies(signature, head.signed_input, log.key) for signature in head.signatures)


def contradiction(before: TreeHead, after: TreeHead) -> str | None:
    """Why one log cannot honestly have signed both heads, None when it can.

    A log only grows (RFC 6962 section 3): one size has one root, and a later head is no smaller.
    """
    if before.size == after.size and before.root != after.root:
        return f"it signed two different trees of {after.size} entries"
    first, second = sorted((before, after), key=lambda head: head.timestamp_ms)
    if second.size < first.size:
        return f"its tree shrank from {first.size} to {second.size} entries"
    return None


def note_key_id(origin: str, log_id: bytes) -> bytes:
    """The four bytes before a log's note signature."""
    return sha256(origin.encode() + b"\n" + bytes((_NOTE_SIGNATURE,)) + log_id).digest()[:4]


def _note_signature(line: str, origin: str, log_id: bytes) -> tuple[int, bytes] | None:
    """Time and digitally-signed structure of one signature line, None for another key's."""
    prefix = f"{_DASH}{origin} "
    if not line.startswith(prefix):
        return None
    value = _base64(line[len(prefix) :])
    if value[:4] != note_key_id(origin, log_id) or len(value) < 12:
        return None
    return int.from_bytes(value[4:12], "big"), value[12:]


def _verifies(signature: bytes, signed: bytes, log_key: bytes) -> bool:
    try:
        read = Reader(signature)
        algorithms = read.uint(1, "hash algorithm"), read.uint(1, "signature algorithm")
        value = read.vector(2, "signature").rest()
        read.done("signature")
    except WireError:
        return False
    return is_digitally_signed(log_key, algorithms, value, signed)


def _head(size: int, root: bytes, timestamp: int, signatures: tuple[bytes, ...]) -> TreeHead:
    if not 0 <= size <= MAX_TREE or not 0 <= timestamp < 1 << 63:
        raise WireError("tree head: size or time out of range", 0)
    if len(root) != HASH_SIZE:
        raise WireError(f"tree head: a root of {len(root)} bytes", 0)
    return TreeHead(size, root, timestamp, signatures)


def _base64(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text.encode(), strict_mode=True)
    except (binascii.Error, ValueError):
        raise WireError("checkpoint: not base64", 0) from None


def _bound(body: bytes) -> None:
    if len(body) > MAX_HEAD:
        raise WireError(f"tree head: {len(body)} bytes, at most {MAX_HEAD}", MAX_HEAD)
