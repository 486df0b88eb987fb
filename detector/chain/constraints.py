"""Name constraints: which names a CA may certify (RFC 5280 section 4.2.1.10).

Rules
-----
1. What is constrained are the names that a certificate bears: its subject and its alternative names;
   of an intermediate too, but not of one that its own CA issued to itself.
2. Names of a kind that has no constraint are free. A name of a kind that is constrained and that is
   not understood here is refused.
3. "example.com" admits itself and what is below, ".example.com" what is below alone, as everybody
   reads it though the RFC has the dot in mail and URI constraints only. A wildcard is refused where
   one of its names is excluded.
4. A constraint that cannot be read is none that anybody may pass: CertificateError.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from detector.chain import der
from detector.chain.certificate import Certificate
from detector.chain.name_matching import relative_names
from detector.chain.names import as_address
from detector.errors import CertificateError

MAX_SUBTREES = 1024
MAX_COMPARED = 1 << 14

_MAIL, _DNS, _DIRECTORY, _URI, _ADDRESS = 0x81, 0x82, 0xA4, 0x86, 0x87
_EMPTY_NAME = b"\x30\x00"

Name = tuple[int, bytes]


def admits(issuer: Certificate, below: Sequence[Certificate], host: str) -> bool:
    """Whether the name constraints of `issuer` admit all certificates below it, leaf first.

    `host` is the name that is asked for; it is compared where the leaf bears no name of a server.

    Raises CertificateError for constraints or names that cannot be read, and for more of them than
    are ever compared.
    """
    value = issuer.extension("NC")
    return value is None or _admits(value, tuple(below), host)


@lru_cache(maxsize=64)  # a path is searched, and then asked why it is as it is
def _admits(value: bytes, below: tuple[Certificate, ...], host: str) -> bool:
    permitted, excluded = _read(value)
    names = [*_names_of_leaf(below[0], host)]
    for certificate in below[1:]:
        if not certificate.is_self_issued:
            names += _names(certificate)
    if (len(permitted.others) + len(excluded.others)) * len(names) > MAX_COMPARED:
        raise CertificateError("too many names and constraints to compare")
    for name in names:
        if excluded.cover(name, whole=False):
            return False
        if name[0] in permitted.kinds and not permitted.cover(name, whole=True):
            return False
    return True


class _Subtrees:
    """Subtrees of one side. Those of DNS names are looked up, for there may be many of both."""

    def __init__(self, bases: Sequence[Name]) -> None:
        self.kinds = frozenset(kind for kind, _ in bases)
        self.others = [base for base in bases if base[0] != _DNS]
        texts = [_plain(base.decode("ascii")) for kind, base in bases if kind == _DNS]
        self._tops = frozenset(text for text in texts if not text.startswith("."))
        self._below = frozenset(text[1:] for text in texts if text.startswith("."))
        self._parents = frozenset(text.partition(".")[2] for text in self._tops)

    def cover(self, name: Name, *, whole: bool) -> bool:
        """Whether `name` is in one of them; of a wildcard the whole of it, or any."""
        if name[0] not in self.kinds:
            return False
        if name[0] == _DNS:
            return self._covers_dns(_dns_text(name[1]), whole=whole)
        return any(_covers(base, name) for base in self.others)

    def _covers_dns(self, text: str, *, whole: bool) -> bool:
        if "" in self._tops or text in self._tops:
            return True
        if not whole and text.startswith("*.") and text[2:] in self._parents:
            return True
        rest = text
        while rest:
            rest = rest.partition(".")[2]
            if rest in self._tops or rest in self._below:
                return rest != ""
        return False


def _read(value: bytes) -> tuple[_Subtrees, _Subtrees]:
    """The permitted and the excluded subtrees."""
    found: dict[int, list[Name]] = {0xA0: [], 0xA1: []}
    start, stop = der.expect(value, 0, len(value), der.SEQUENCE, "name constraints")
    for tag, first, last in der.children(value, start, stop, 2):
        if tag not in found:
            raise CertificateError(f"name constraints: tag {tag:#04x}", offset=first)
        found[tag] += [
            _base(value, a, b) for _, a, b in der.children(value, first, last, MAX_SUBTREES)
        ]
    if not any(found.values()):
        raise CertificateError("name constraints that constrain nothing")
    return _Subtrees(found[0xA0]), _Subtrees(found[0xA1])


def _base(value: bytes, at: int, end: int) -> Name:
    tag, start, stop = der.element(value, at, end)
    base = value[start:stop]
    if any(value[a:b] != b"\x00" or kind != 0x80 for kind, a, b in der.children(value, stop, end)):
        raise CertificateError("name constraint with a minimum or a maximum", offset=stop)
    if tag == _ADDRESS:
        half = len(base) // 2
        mask = int.from_bytes(base[half:])
        holes = mask | mask - 1 if mask else -1
        if len(base) not in (8, 32) or (mask and holes != (1 << half * 8) - 1):
            raise CertificateError("address constraint that is no network", offset=start)
    if tag in (_MAIL, _DNS, _URI) and (not base.isascii() or (tag == _DNS and b"*" in base)):
        raise CertificateError("name constraint that is no name", offset=start)
    return tag, base


def _names_of_leaf(leaf: Certificate, host: str) -> list[Name]:
    names = _names(leaf)
    if any(kind in (_DNS, _ADDRESS) for kind, _ in names):
        return names
    try:
        return [*names, (_ADDRESS, ipaddress.ip_address(host).packed)]
    except ValueError:
        return [*names, (_DNS, host.encode())]


def _names(certificate: Certificate) -> list[Name]:
    names = [*certificate.general_names]
    if certificate.subject != _EMPTY_NAME:
        names.append((_DIRECTORY, certificate.subject))
    if not certificate.general_names:  # old certificates have their mail address there
        mail = certificate.subject_fields.get("email", ())
        names += [(_MAIL, address.encode()) for address in mail]
    return names


def _dns_text(value: bytes) -> str:
    text = _plain(_ascii(value))
    if not all(text.split(".")):
        raise CertificateError("name without a label, below a name constraint")
    return text


def _plain(name: str) -> str:
    return name.lower().rstrip(".")


def _ascii(value: bytes) -> str:
    if not value.isascii():
        raise CertificateError("name that is none, below a name constraint")
    return value.decode("ascii")


def _covers(base: Name, name: Name) -> bool:
    if base[0] != name[0]:
        return False
    kind, value = name
    if kind == _DIRECTORY:
        return _leads(base[1], value)
    if kind == _ADDRESS:
        return _in_network(value, base[1])
    subtree = base[1].decode("ascii", "replace")
    if kind == _MAIL:
        return _mail_below(_ascii(value), subtree)
    if kind == _URI:
        return _in_domain(_host_of(_ascii(value)), subtree)
    raise CertificateError(f"name constraint of kind {kind & 0x1F}, which is not understood")


def _leads(base: bytes, name: bytes) -> bool:
    first, whole = relative_names(base), relative_names(name)
    if any(one.startswith("#") for one in (*first, *whole)):
        raise CertificateError("directory name that cannot be read, below a name constraint")
    return whole[: len(first)] == first


def _in_network(address: bytes, base: bytes) -> bool:
    if len(address) not in (4, 16):
        raise CertificateError("address that is none, below a name constraint")
    half = len(base) // 2
    return len(address) == half and all(
        a & m == n & m for a, n, m in zip(address, base[:half], base[half:], strict=True)
    )


def _mail_below(address: str, subtree: str) -> bool:
    mailbox, _, domain = address.rpartition("@")
    wanted, at, place = subtree.rpartition("@")
    if at:
        return (mailbox, domain.lower()) == (wanted, place.lower())
    return _in_domain(domain, subtree)


def _in_domain(host: str, subtree: str) -> bool:
    """As mail and URI constraints have it: one host, or what is below a domain with a dot in front."""
    host, subtree = host.lower(), subtree.lower()
    return host.endswith(subtree) if subtree.startswith(".") else host == subtree or not subtree


def _host_of(uri: str) -> str:
    try:
        host = urlsplit(uri).hostname
    except ValueError:
        host = None
    if not host or as_address(host) is not None:
        raise CertificateError("URI without a host name, below a name constraint")
    return host
