"""TLS records and handshake messages: framing and reassembly (RFC 8446 section 5.1, RFC 5246 6.2).

Rules
-----
1. A record's header is five bytes; its length is at most 2^14 + 2048 (RFC 5246's ciphertext limit).
2. A handshake message may span records; other types may not.
3. After the first sign of encryption in a direction (ChangeCipherSpec in TLS 1.2, application data
   in TLS 1.3) handshake and alert records of that direction are opaque, so they are not parsed.
"""

from __future__ import annotations

import msgspec

from detector.errors import WireError

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24
MAX_RECORD = (1 << 14) + 2048
MAX_HANDSHAKE = 1 << 18  # an honest flight's largest message is a certificate list of tens of KiB
CONTENT_TYPES = frozenset((CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT))


def may_be_tls(start: bytes) -> bool:
    """Whether bytes could begin a TLS record: a content type, then version 3 (RFC 8446 section 5.1).

    So could none at all.
    """
    return not start or (start[0] in CONTENT_TYPES and start[1:2] in (b"", b"\x03"))


class Record(msgspec.Struct, frozen=True):
    """One record: content type, legacy version, payload, offset of the header in the stream."""

    type: int
    version: int
    payload: bytes
    offset: int


class Message(msgspec.Struct, frozen=True):
    """One handshake message: type, body without header, offset of its first byte in its stream."""

    type: int
    body: bytes
    offset: int


class RecordReader:
    """Cut a byte stream into records, whatever the segments are.

    `feed` returns the records that became complete. Raises WireError where the stream is not TLS;
    after that the reader must not be used again. Holds at most one record of unread bytes.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._offset = 0

    @property
    def pending(self) -> int:
        """Bytes of an incomplete record."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Record]:
        buffer = self._buffer
        buffer += data
        records: list[Record] = []
        at = 0
        size = len(buffer)
        while size - at >= 5:
            kind = buffer[at]
            version = buffer[at + 1] << 8 | buffer[at + 2]
            length = buffer[at + 3] << 8 | buffer[at + 4]
            offset = self._offset + at
            if kind not in CONTENT_TYPES:
                raise WireError(f"record type {kind} is none of TLS", offset)
            if version >> 8 != 3:
                raise WireError(f"record version {version:#06x} is none of TLS", offset + 1)
            if length > MAX_RECORD:
                raise WireError(f"record of {length} bytes, at most {MAX_RECORD}", offset + 3)
            if size - at - 5 < length:
                break
            records.append(Record(kind, version, bytes(buffer[at + 5 : at + 5 + length]), offset))
            at += 5 + length
        del buffer[:at]
        self._offset += at
        return records


class HandshakeReader:
    """Join handshake record payloads and cut them into messages.

    `feed` takes one payload and returns the messages that became complete. Raises WireError for a
    message that claims more than MAX_HANDSHAKE bytes.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._offset = 0

    @property
    def pending(self) -> int:
        return len(self._buffer)

    def feed(self, payload: bytes) -> list[Message]:
        buffer = self._buffer
        buffer += payload
        messages: list[Message] = []
        at = 0
        while len(buffer) - at >= 4:
            length = int.from_bytes(buffer[at + 1 : at + 4], "big")
            if length > MAX_HANDSHAKE:
                raise WireError(
                    f"handshake message of {length} bytes, at most {MAX_HANDSHAKE}",
                    self._offset + at,
                )
            if len(buffer) - at - 4 < length:
                break
            body = bytes(buffer[at + 4 : at + 4 + length])
            messages.append(Message(buffer[at], body, self._offset + at))
            at += 4 + length
        del buffer[:at]
        self._offset += at
        return messages


def encode_record(kind: int, payload: bytes, version: int = 0x0303) -> bytes:
    """Records that carry `payload`, split at 2^14 bytes (RFC 8446 section 5.1)."""
    out = bytearray()
    for start in range(0, max(len(payload), 1), 1 << 14):
        part = payload[start : start + (1 << 14)]
        out += bytes((kind,)) + version.to_bytes(2, "big") + len(part).to_bytes(2, "big") + part
    return bytes(out)


def encode_message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body
