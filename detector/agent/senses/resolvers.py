"""Who resolves names here: the nameservers that resolv.conf names, or those behind a local one.

systemd-resolved, NetworkManager's dnsmasq and Debian's resolvconf put an address of this machine into /etc/resolv.conf,
the same wherever one is; they write down whom they ask themselves (resolved.conf(5), NetworkManager.conf(5)).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path

from detector.bounded import read_regular

FILES = (
    "etc/resolv.conf",
    "run/systemd/resolve/resolv.conf",
    "run/NetworkManager/no-stub-resolv.conf",
    "run/dnsmasq/resolv.conf",
)
_MAX = 64 << 10
_MOST = 16


def read_resolvers(root: Path = Path("/")) -> tuple[str, ...]:
    """Of this machine, or of the files below another root."""
    return resolvers(map(_read, (root / name for name in FILES)))


def resolvers(texts: Iterable[str]) -> tuple[str, ...]:
    """Addresses in order of their size, of the first text that names one of another machine; else of the first one."""
    found = [nameservers(text) for text in texts]
    for servers in found:
        if any(not ipaddress.ip_address(one).is_loopback for one in servers):
            return servers
    return found[0] if found else ()


def nameservers(text: str) -> tuple[str, ...]:
    """Those of one resolv.conf(5), each once, sorted: `rotate` changes nothing. A zone (%eth0) is left out."""
    found: set[str] = set()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver" or len(found) >= _MOST:
            continue
        try:
            found.add(str(ipaddress.ip_address(words[1].partition("%")[0])))
        except ValueError:
            continue
    return tuple(sorted(found))


def _read(path: Path) -> str:
    try:
        return read_regular(path, _MAX).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
