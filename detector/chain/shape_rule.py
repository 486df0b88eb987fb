"""What a leaf must look like to be a program's: the rows of data/engines.toml, and features as they are kept.

Theory of operation
-------------------
A `ShapeRule` asks for features by name; what it leaves out is not asked. It asks a `LeafShape`, which derives
each feature when it is asked for, so the cheap ones come first and signatures last. `Features` is the same as
plain data: what remains of an honest certificate in data/honest_shapes.ndjson, where rows are measured
(`tlsight engine learn`). It has no key, no serial number and no host.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from detector.chain.shape import LeafShape

HOST = "{host}"


class Features(msgspec.Struct, frozen=True, omit_defaults=True):
    """A leaf's shape without what names it. The host is written "{host}", wherever it stood.

    Attributes:
        serial_md5: which of `SERIAL_TEXTS`' digests the serial is, None where it is none of them.

    """

    extensions: tuple[str, ...]
    key: str
    serial_bits: int
    validity_seconds: int
    issuer: dict[str, list[str]] = {}
    subject: dict[str, list[str]] = {}
    rsa_exponent: int | None = None
    authority_named: bool = False
    leaf_key_is_issuer_key: bool = False
    root_sent: int = 0
    self_issued: bool = False
    dates_of_issuer: bool = False
    serial_clock: str | None = None
    serial_md5: str | None = None
    subject_extends_issuer: bool = False
    subject_mirrors_issuer: bool = False
    only_host_named: bool = False
    host_and_wildcard_named: bool = False
    host_and_www_named: bool = False
    not_before: str = ""
    key_usage: str = ""
    crl_text: str = ""
    policies: str = ""
    comment: str = ""
    host: str = HOST

    @property
    def validity_days(self) -> int:
        return self.validity_seconds // 86_400


# What programs are known to make serials of, by MD5.
SERIAL_TEXTS = (HOST, HOST + "B")
_PLAIN = tuple(
    name
    for name in Features.__struct_fields__
    if name not in ("issuer", "subject", "serial_md5", "host")
)


def features_of(shape: LeafShape) -> Features:
    """What is kept of a leaf. Raises CertificateError where it cannot be read."""
    return Features(
        **{name: getattr(shape, name) for name in _PLAIN},
        issuer=_generic(shape.issuer, shape.host),
        subject=_generic(shape.subject, shape.host),
        serial_md5=next((text for text in SERIAL_TEXTS if _is_md5(shape, text)), None),
    )


class ShapeRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a leaf must look like; members left out are not asked.

    Attributes:
        extensions: alternatives of the exact list in order, a star behind critical ones.
        extensions_like: a regular expression for that list, joined by spaces, as a whole.
        serial_bits, validity_days, root_sent: inclusive bounds.
        validity_seconds: the exact length of the validity.
        serial_md5: the serial is the MD5 of this text, in which "{host}" is the name that was asked for.
        not_before: how the beginning, "1970-01-01T00:00:00", begins.
        policies: hex that occurs in the DER of the policies.
        issuer, subject: regular expressions that one value of the attribute matches wholly; "{host}" in them is
            the name that was asked for.
        weak: an operator's own CA can make leaves like this, so the shape decides nothing.

    """

    extensions: tuple[tuple[str, ...], ...] = ()
    extensions_like: str | None = None
    key: str | None = None
    rsa_exponent: int | None = None
    authority_named: bool | None = None
    serial_bits: tuple[int, int] | None = None
    validity_days: tuple[int, int] | None = None
    validity_seconds: int | None = None
    leaf_key_is_issuer_key: bool | None = None
    root_sent: tuple[int, int] | None = None
    self_issued: bool | None = None
    dates_of_issuer: bool | None = None
    serial_clock: str | None = None
    serial_md5: str | None = None
    subject_extends_issuer: bool | None = None
    subject_mirrors_issuer: bool | None = None
    only_host_named: bool | None = None
    host_and_wildcard_named: bool | None = None
    host_and_www_named: bool | None = None
    not_before: str | None = None
    key_usage: str | None = None
    crl: str | None = None
    policies: str | None = None
    comment: str | None = None
    issuer: dict[str, str] | None = None
    subject: dict[str, str] | None = None
    weak: bool = False

    def matches(self, shape: LeafShape | Features) -> bool:
        """All conditions that are asked hold; cheap ones first, signatures last."""
        return (
            (not self.extensions or shape.extensions in self.extensions)
            and _wholly(self.extensions_like, shape)
            and _between(self.serial_bits, shape, "serial_bits")
            and _between(self.validity_days, shape, "validity_days")
            and _between(self.root_sent, shape, "root_sent")
            and all(_asked(getattr(self, name), shape, name) for name in _CHEAP)
            and (self.not_before is None or shape.not_before.startswith(self.not_before))
            and (self.policies is None or self.policies in shape.policies)
            and _found(self.crl, shape, "crl_text")
            and _found(self.comment, shape, "comment")
            and _fields(self.issuer, shape, "issuer")
            and _fields(self.subject, shape, "subject")
            and (self.serial_md5 is None or _is_md5(shape, self.serial_md5))
            and all(_asked(getattr(self, name), shape, name) for name in _DEAR)
        )


# Features that a rule gives the very value of.
_CHEAP = (
    "self_issued", "validity_seconds", "key", "rsa_exponent", "authority_named", "key_usage", "serial_clock",
    "only_host_named", "host_and_wildcard_named", "host_and_www_named",
)  # fmt: skip
_DEAR = (
    "dates_of_issuer", "subject_extends_issuer", "subject_mirrors_issuer", "leaf_key_is_issuer_key",
)  # fmt: skip


def _is_md5(shape: LeafShape | Features, text: str) -> bool:
    if isinstance(shape, Features):
        return shape.serial_md5 == text
    made = hashlib.md5(text.replace(HOST, shape.host).encode(), usedforsecurity=False).digest()
    # Some libraries write a serial whose first bit is set as a negative number.
    return shape.serial in (int.from_bytes(made, "big"), int.from_bytes(made, "big", signed=True))


def _between(bounds: tuple[int, int] | None, shape: LeafShape | Features, feature: str) -> bool:
    return bounds is None or bounds[0] <= getattr(shape, feature) <= bounds[1]


def _asked(wanted: object, shape: LeafShape | Features, feature: str) -> bool:
    return wanted is None or getattr(shape, feature) == wanted


def _wholly(pattern: str | None, shape: LeafShape | Features) -> bool:
    return pattern is None or re.fullmatch(pattern, " ".join(shape.extensions)) is not None


def _found(pattern: str | None, shape: LeafShape | Features, feature: str) -> bool:
    return pattern is None or re.search(pattern, getattr(shape, feature)) is not None


def _fields(wanted: dict[str, str] | None, shape: LeafShape | Features, feature: str) -> bool:
    if wanted is None:
        return True
    fields: dict[str, list[str]] = getattr(shape, feature)
    host = re.escape(shape.host)
    return all(
        any(re.fullmatch(pattern.replace(HOST, host), value) for value in fields.get(name, ()))
        for name, pattern in wanted.items()
    )


def _generic(fields: dict[str, list[str]], host: str) -> dict[str, list[str]]:
    return {
        name: [HOST if value == host else value for value in values]
        for name, values in fields.items()
    }
