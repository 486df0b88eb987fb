"""Where an address may lead that somebody else wrote: a peer's certificate, or a redirect.

Rules
-----
1. http:// and https:// on ports 80, 443 and 8080, nothing else.
2. The name is resolved first, each of its addresses is judged, and the connection goes to one that passed:
   a name that is resolved again may lead elsewhere by then.
3. An address that only this machine or its network reaches is refused, unless the peer itself is at an address
   of that kind: whoever answers from the internet has no business behind our firewall, an intranet's server
   has its CA there. Where clouds keep a machine's credentials nobody is sent at all.
4. On loopback, where the peer is there too, every port may be named: it reaches them itself.
5. Through a proxy, which resolves the name, only what is written can be judged: a literal address, in any
   spelling, and the names of this machine.

IPv6 addresses that carry an IPv4 address (mapped, NAT64, 6to4, Teredo, compatible) are judged as the latter.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.chain.names import as_address, reached_address
from detector.errors import RefusedError
from detector.net.stream import resolve

if TYPE_CHECKING:
    from detector.net.bare_httpx import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = (80, 443, 8080)
_MAX_ADDRESSES = 4
# Where clouds answer a machine about itself: AWS, its containers, GCP, Azure, Alibaba, Oracle.
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23",
            "fd20:ce::254", "168.63.129.16", "100.100.100.200", "192.0.0.192",
        ),
    )
)  # fmt: skip
_KINDS = tuple(
    (ipaddress.ip_network(network), kind)
    for network, kind in (
        ("127.0.0.0/8", "loopback"), ("::1/128", "loopback"),
        ("169.254.0.0/16", "link-local"), ("fe80::/10", "link-local"),
        ("10.0.0.0/8", "private"), ("172.16.0.0/12", "private"), ("192.168.0.0/16", "private"),
        ("fc00::/7", "private"), ("fec0::/10", "private"),
        ("100.64.0.0/10", "shared"),
        ("0.0.0.0/8", "nobody's"), ("::/128", "nobody's"), ("255.255.255.255/32", "nobody's"),
        ("224.0.0.0/4", "multicast"), ("ff00::/8", "multicast"),
    )
)  # fmt: skip
_COMPATIBLE = ipaddress.ip_network("::/96")  # RFC 4291 section 2.5.5.1
_NEVER = ("metadata", "multicast", "nobody's")


@dataclass(frozen=True, slots=True)
class Pointer:
    """Who names an address.

    Attributes:
        peer: the address at which it answers, None where that is not known.

    """

    peer: str | None = None


def kind_of(address: Address) -> str | None:
    """What an address is that not everybody reaches: loopback, private, ...; None for a public one."""
    if address in _METADATA:
        return "metadata"
    behind = reached_address(address)
    if behind != address:
        return kind_of(behind)
    for network, kind in _KINDS:
        if address in network:
            return kind
    if address in _COMPATIBLE:
        return kind_of(ipaddress.IPv4Address(int(address)))
    return None if address.is_global else "reserved"


async def addresses_for(url: httpx.URL, pointer: Pointer, *, proxied: bool) -> list[str]:
    """Addresses to dial for `url`, at most four; none where a proxy resolves the name.

    Raises RefusedError where the rules forbid it, DialError where the name does not resolve.
    """
    shown = str(url.copy_with(query=None, username=None, password=None))
    port = url.port or (443 if url.scheme == "https" else 80)
    there = _kind_of_peer(pointer)
    if url.scheme not in ("http", "https"):
        raise RefusedError(shown, "is neither http:// nor https://")
    if proxied:
        found = _written(url.host)
    else:
        found = [address for _, address, _ in await resolve(url.host, port)]
    kinds = {address: _kind_of(address) for address in found}
    allowed = [a for a, kind in kinds.items() if kind is None or _agree(kind, there)]
    if found and not allowed:
        address, kind = next(iter(kinds.items()))
        raise RefusedError(shown, _why(url.host, address, str(kind)))
    if port not in PORTS and not (found and all(kinds[a] == "loopback" for a in allowed)):
        raise RefusedError(shown, f"port {port} is none of {', '.join(map(str, PORTS))}")
    return [] if proxied else allowed[:_MAX_ADDRESSES]


def _agree(kind: str, there: str | None) -> bool:
    return kind == there and kind not in _NEVER


def _kind_of_peer(pointer: Pointer) -> str | None:
    address = as_address(pointer.peer or "")
    return kind_of(address) if address is not None else None


def _kind_of(text: str) -> str | None:
    address = as_address(text)
    return kind_of(address) if address is not None else "reserved"


def _written(host: str) -> list[str]:
    """The address that a URL spells out; nothing for a name that means another machine."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".localdomain")):
        return ["127.0.0.1"]
    if as_address(name) is not None:
        return [name]
    try:
        return [socket.inet_ntoa(socket.inet_aton(name))]  # 127.1, 0x7f000001, 2130706433
    except (OSError, UnicodeError):
        return []


def _why(host: str, address: str, kind: str) -> str:
    where = address if host == address else f"{host} is {address}, and that"
    if kind in _NEVER:
        what = {"metadata": "a cloud's metadata service", "multicast": "a group of machines"}
        return f"{where} is {what.get(kind, 'no machine of its own')}"
    return f"{where} is a {kind} address, where the peer is not"
