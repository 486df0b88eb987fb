"""A bounded walk over DER: tags and lengths only (ITU-T X.690 sections 8.1 and 10.1).

The skeleton of a certificate is read here rather than by a full parser, because a forged leaf may
hold what a strict parser refuses (negative serials, odd strings) and still has to be judged.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from detector.errors import CertificateError

SEQUENCE, SET, INTEGER, BIT_STRING, OCTET_STRING, OID, BOOLEAN = (
    0x30, 0x31, 0x02, 0x03, 0x04, 0x06, 0x01,
)  # fmt: skip
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18


def element(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """(tag, start of contents, end of contents) of the element at `at`, all within `end`.

    Raises CertificateError for a cut element, an indefinite length or a multi-byte tag.
    """
    if end - at < 2:
        raise CertificateError("DER element is cut short", offset=at)
    tag = data[at]
    length = data[at + 1]
    start = at + 2
    if tag & 0x1F == 0x1F:
        raise CertificateError("multi-byte DER tag", offset=at)
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or end - start < count:
            raise CertificateError("DER length is indefinite, too long or cut", offset=at + 1)
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    stop = start + length
    if stop > end:
        raise CertificateError(f"DER element of {length} bytes, {end - start} left", offset=at)
    return tag, start, stop


def expect(data: bytes, at: int, end: int, tag: int, what: str) -> tuple[int, int]:
    """Contents' start and end of the element at `at`, which must have `tag`."""
    found, start, stop = element(data, at, end)
    if found != tag:
        raise CertificateError(f"{what}: tag {found:#04x}, expected {tag:#04x}", offset=at)
    return start, stop


def children(data: bytes, at: int, end: int, limit: int = 4096) -> list[tuple[int, int, int]]:
    """All elements between `at` and `end`; more than `limit` is an error."""
    found: list[tuple[int, int, int]] = []
    while at < end:
        if len(found) == limit:
            raise CertificateError(f"more than {limit} DER elements", offset=at)
        item = element(data, at, end)
        found.append(item)
        at = item[2]
    return found


MAX_OID = 256  # bytes; Python writes no number of more than 4,300 digits


@lru_cache(maxsize=512)
def oid_text(data: bytes) -> str:
    """Dotted form of an OID's contents. Raises CertificateError for a cut one, and for one of a giant's length."""
    if not data or data[-1] & 0x80:
        raise CertificateError("cut object identifier", offset=0)
    if len(data) > MAX_OID:
        raise CertificateError(f"object identifier of {len(data)} bytes", offset=0)
    arcs: list[int] = []
    value = 0
    for octet in data:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


def time_value(tag: int, text: bytes, offset: int) -> datetime:
    """UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 has them (seconds, Z).

    The year 0 becomes the first year that calendars here hold.
    """
    try:
        digits = text.decode("ascii")
        if tag == UTC_TIME:
            year = int(digits[:2])
            digits = f"{2000 + year if year < 50 else 1900 + year}{digits[2:]}"
        elif tag != GENERALIZED_TIME:
            raise ValueError(f"tag {tag:#04x}")
        if len(digits) == 13 and digits.endswith("Z"):  # UTCTime without seconds, seen in the wild
            digits = digits[:12] + "00Z"
        if len(digits) != 15 or digits[14] != "Z" or not digits[:14].isdigit():
            raise ValueError(f"{text!r}")
        if digits[:4] == "0000":
            return datetime(1, *(int(f) for f in (digits[4:6], digits[6:8])), tzinfo=UTC)  # type: ignore[misc,arg-type]
        fields = (digits[:4], digits[4:6], digits[6:8], digits[8:10], digits[10:12], digits[12:14])
        return datetime(*(int(f) for f in fields), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except (ValueError, UnicodeDecodeError) as error:
        raise CertificateError(f"time cannot be read: {error}", offset=offset) from None


def encode(tag: int, contents: bytes) -> bytes:
    """One element, its length in the shortest form (ITU-T X.690 section 10.1)."""
    size = len(contents)
    if size < 0x80:
        return bytes((tag, size)) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + contents


def integer(data: bytes, start: int, stop: int) -> int:
    return int.from_bytes(data[start:stop], "big", signed=True)
