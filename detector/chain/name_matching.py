"""Distinguished names compared (RFC 5280 section 7.1, RFC 4518).

Rules
-----
1. The string type says nothing: "R11" as PrintableString and as UTF8String is one name.
2. Neither do case, compatibility forms (NFKC), invisible characters, and how much white space stands
   between words or around them.
3. The order of relative names matters to whom a name means (`normalised`); the order of attributes
   within one does not, for they are a set. To somebody who reads a name no order matters (`as_read`).
4. A name that cannot be read equals itself alone.

Normal forms are texts, so that tables of them can be kept in files. They are for comparing, not for
showing.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from detector.chain import der
from detector.errors import CertificateError

_ENCODINGS = {
    0x0C: "utf-8",
    0x12: "ascii",  # NumericString
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # TeletexString, as everybody writes it
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}


def same_name(one: bytes, other: bytes) -> bool:
    """Whether two DER names mean the same."""
    return one == other or normalised(one) == normalised(other)


@lru_cache(maxsize=2048)
def normalised(name: bytes) -> str:
    """The normal form of a DER name; relative names keep their order."""
    return "/".join(relative_names(name))


@lru_cache(maxsize=2048)
def as_read(name: bytes) -> str:
    """The normal form of what a person reads in a DER name, in whatever order it is written."""
    try:
        return "/".join(sorted(one for group in _groups(name) for one in group))
    except CertificateError:
        return _unreadable(name)


@lru_cache(maxsize=2048)
def relative_names(name: bytes) -> tuple[str, ...]:
    """The normal form of each relative name of a DER name, in order."""
    try:
        return tuple("+".join(sorted(group)) for group in _groups(name))
    except CertificateError:
        return (_unreadable(name),)


def _groups(name: bytes) -> list[list[str]]:
    start, stop = der.expect(name, 0, len(name), der.SEQUENCE, "name")
    return [
        [_attribute(name, a, b) for _, a, b in der.children(name, first, last)]
        for _, first, last in der.children(name, start, stop)
    ]


def _unreadable(name: bytes) -> str:
    return f"#{name.hex()}"


def _attribute(name: bytes, at: int, end: int) -> str:
    start, stop = der.expect(name, at, end, der.OID, "attribute type")
    tag, first, last = der.element(name, stop, end)
    value = _prepared(tag, name[first:last])
    # With its length, so that no value passes for the next attribute.
    return f"{name[start:stop].hex()}={len(value)}:{value}"


def _prepared(tag: int, value: bytes) -> str:
    encoding = _ENCODINGS.get(tag)
    if encoding is None:
        return f"#{tag:02x}{value.hex()}"
    if tag not in (0x1C, 0x1E) and value.isascii():
        text = value.decode("ascii").lower()
        return " ".join(text.split()) if text.isprintable() else _folded(text)
    try:
        return _folded(value.decode("utf-8" if encoding == "ascii" else encoding))
    except UnicodeDecodeError:
        return f"#{tag:02x}{value.hex()}"


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    shown = (" " if c.isspace() else c for c in text)
    return " ".join("".join(c for c in shown if unicodedata.category(c) not in _UNSEEN).split())


_UNSEEN = frozenset(("Cc", "Cf"))
