"""From leaves that one program minted to the row that knows the program, and how many honest leaves that row hits.

Rules
-----
1. What all leaves have in common is asked for only where it is a habit: what an operator chooses (names, keys of
   usual kinds, the CA) and what follows the browsers (lifetimes) is not.
2. Random serials differ in their length by chance: bounds are wide enough for a thousand leaves.
3. A row that asks for no habit beyond doubt, or that hits a single honest shape, is weak: it may be shown, and
   must decide nothing. A person may know better, and say why in the row.

Two leaves are the least: with one, everything about it looks like a habit. They should be of two owners, since
programs copy what the origin says of itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from detector.chain.shape_rule import HOST, Features, ShapeRule
from detector.errors import CertificateError

LEAST = 2
_LONGEST = 400  # the longest that browsers ever allowed since programs follow them, in days
_CHOSEN_KEYS = frozenset(
    ("rsa2048", "rsa3072", "rsa4096", "ec-secp256r1", "ec-secp384r1", "ec-secp521r1", "ed25519")
)
_HABITS = (
    "leaf_key_is_issuer_key", "dates_of_issuer", "subject_extends_issuer", "subject_mirrors_issuer",
    "authority_named", "host_and_wildcard_named", "host_and_www_named", "only_host_named",
)  # fmt: skip
_SAME = ("serial_clock", "serial_md5", "key_usage", "policies")
# Only these are habits beyond doubt. The rest an operator can ask its CA for, or the origin says and is copied.
_CHARACTERISTIC = frozenset(
    (
        "leaf_key_is_issuer_key", "dates_of_issuer", "subject_extends_issuer", "serial_clock", "serial_md5",
        "rsa_exponent", "key", "not_before",
    )
)  # fmt: skip


class HonestShape(msgspec.Struct, frozen=True):
    """An honest leaf's shape. `origin` says what made it."""

    origin: str
    shape: Features


class Learned(msgspec.Struct, frozen=True):
    """A proposed row.

    Attributes:
        rule: what the leaves have in common; weak where rule 3 says so.
        hits: honest shapes that it matches.
        measured: how many honest shapes it was asked of.
        characteristic: whether it asks for a habit at all.

    """

    rule: ShapeRule
    hits: tuple[HonestShape, ...]
    measured: int
    characteristic: bool


def learn(minted: Sequence[Features], honest: Iterable[HonestShape]) -> Learned:
    """The row for a program's leaves. Raises CertificateError for fewer than two, or for self-signed ones."""
    if len(minted) < LEAST:
        raise CertificateError(
            "one leaf alone has no habits", remedy="give two leaves or more, of hosts of two owners"
        )
    if any(shape.self_issued for shape in minted):
        raise CertificateError("a self-signed certificate was minted by nobody")
    asked = _common(minted)
    rule = ShapeRule(**asked)
    measured = tuple(honest)
    hits = tuple(known for known in measured if rule.matches(known.shape))
    characteristic = not _CHARACTERISTIC.isdisjoint(asked)
    weak = bool(hits) or not characteristic
    return Learned(msgspec.structs.replace(rule, weak=weak), hits, len(measured), characteristic)


def _common(minted: Sequence[Features]) -> dict[str, Any]:
    """What all of them have, as members of a rule."""
    first = minted[0]
    asked: dict[str, Any] = {"extensions": tuple(dict.fromkeys(s.extensions for s in minted))}
    asked |= {name: True for name in _HABITS if all(getattr(s, name) for s in minted)}
    asked |= {name: getattr(first, name) for name in _SAME if _shared(minted, name)}
    if _shared(minted, "comment"):
        asked["comment"] = re.escape(first.comment)
    if _shared(minted, "rsa_exponent") and first.rsa_exponent != 65537:
        asked["rsa_exponent"] = first.rsa_exponent
    if _shared(minted, "key") and first.key not in _CHOSEN_KEYS:
        asked["key"] = first.key
    if _shared(minted, "not_before") and first.not_before < "2000":
        asked["not_before"] = first.not_before
    if min(s.root_sent for s in minted) >= 2:
        asked["root_sent"] = (2, 9)
    if not asked.keys() & {"serial_clock", "serial_md5"}:
        asked["serial_bits"] = _serial_bits(minted)
    asked |= _validity(minted)
    subject = _subject(minted)
    return {**asked, "subject": subject} if subject else asked


def _shared(minted: Sequence[Features], name: str) -> bool:
    """Whether all have the same value of this feature, and it is one."""
    values = {getattr(s, name) for s in minted}
    return len(values) == 1 and bool(next(iter(values)))


def _serial_bits(minted: Sequence[Features]) -> tuple[int, int]:
    longest = max(s.serial_bits for s in minted)
    whole = -(-longest // 8) * 8
    return (whole * 3 // 4, whole) if longest > 32 else (1, 32)


def _validity(minted: Sequence[Features]) -> dict[str, Any]:
    if not _shared(minted, "validity_seconds"):
        return {}  # copied from the origin
    seconds = minted[0].validity_seconds
    days, rest = divmod(seconds, 86_400)
    if rest:
        return {"validity_seconds": seconds}
    return {"validity_days": (3, _LONGEST) if days <= _LONGEST else (days - 1, days + 1)}


def _subject(minted: Sequence[Features]) -> dict[str, str]:
    """What every subject says beside its CN, and no issuer said before it."""
    found: dict[str, str] = {}
    for name, values in minted[0].subject.items():
        same = all(s.subject.get(name) == values for s in minted)
        if name == "CN" or not same or any(s.issuer.get(name) == values for s in minted):
            continue
        found[name] = HOST if values[0] == HOST else re.escape(values[0])
    return found
