"""Does a certificate hold a name (RFC 9525), and what kind of name is it (RFC 6761, RFC 6762)?"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.chain.certificate import Certificate

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# Special-use and de facto private suffixes. IANA's registry of special-use names, ICANN's
# reservation of .internal, RFC 8375 for home.arpa; .lan, .home, .corp and .mail never resolve
# publicly (ICANN board resolution on name collisions).
SPECIAL_USE = (
    "local", "localhost", "internal", "lan", "home", "corp", "mail", "intranet", "private",
    "home.arpa", "test", "example", "invalid", "onion", "alt",
)  # fmt: skip
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_BELOW_SPECIAL_USE = tuple(f".{suffix}" for suffix in SPECIAL_USE)


def holds_name(certificate: Certificate, host: str) -> bool:
    """RFC 9525 section 6: SAN only; a wildcard is one whole left-most label; IPs match exactly."""
    address = as_address(host)
    if address is not None:
        return str(address) in certificate.ip_addresses
    return any(_matches(pattern, host) for pattern in certificate.dns_names)


def claims_name(certificate: Certificate, host: str) -> bool:
    """Whether a certificate is meant for a name, also in ways that no client takes any more: by its common
    name, or by a wildcard over a whole suffix. For telling a forger's leaf from a default site's.
    """
    if holds_name(certificate, host):
        return True
    given = certificate.dns_names or [
        name.lower() for name in certificate.subject_fields.get("CN", ())
    ]
    return any(
        name in (host, "*") or (name.startswith("*.") and host.endswith(name[1:])) for name in given
    )


def _matches(pattern: str, host: str) -> bool:
    pattern = pattern.rstrip(".")
    if not pattern.startswith("*."):
        return pattern == host
    label, dot, rest = host.partition(".")
    # "*.com" would be half the internet; two labels are the least.
    return bool(label and dot) and rest == pattern[2:] and "." in rest


@lru_cache(maxsize=4096)
def as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def is_special_use(host: str) -> bool:
    """A single label, or a name under a special-use suffix: no public CA certifies these."""
    if as_address(host) is not None:
        return False
    return "." not in host or host in SPECIAL_USE or host.endswith(_BELOW_SPECIAL_USE)


def is_below(name: str, above: str) -> bool:
    """Whether a name is `above` itself or has it for its last labels; both in the same case."""
    return name == above or name.endswith(f".{above}")


def is_private_address(host: str) -> bool:
    """A literal that is not globally routable: private, loopback, link-local, CGNAT, ULA."""
    address = as_address(host)
    return address is not None and not reached_address(address).is_global


def reached_address(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address behind one of a transition (RFC 3056, RFC 4291, RFC 4380, RFC 6052, RFC 8215)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


@lru_cache(maxsize=4096)
def registrable_domain(host: str) -> str:
    """The name one label below its public suffix; the host itself for IPs and bare suffixes.

    Two hosts are unrelated when these differ. Source: Public Suffix List.
    """
    if as_address(host) is not None:
        return host
    return _suffix_list().privatesuffix(host) or host


def is_public_suffix(name: str) -> bool:
    """Whether strangers register names directly below it: "com", "co.uk", "github.io"."""
    return bool(_suffix_list().is_public(name))


@lru_cache(maxsize=1024)
def is_listed_suffix(label: str) -> bool:
    """Whether a top-level label is on the list, so that a word behind a dot may be the end of a host's name."""
    return _suffix_list().publicsuffix(label, accept_unknown=False) is not None


@lru_cache(maxsize=1)
def _suffix_list() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
