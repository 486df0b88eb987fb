"""Addresses as gateways write them: one, a network, a first and a last one, an IPv4 mask."""

from __future__ import annotations

from ipaddress import ip_address, ip_network, summarize_address_range

# The networks that one range of addresses may fall into.
MOST = 64


def networks(text: str) -> list[str]:
    """ "10.0.0.0/8", "10.0.0.0/255.0.0.0", "10.0.0.1-10.0.0.9", "::1". Raises ValueError."""
    first, dash, last = text.partition("-")
    if not dash:
        return [str(ip_network(text.strip(), strict=False))]
    # "10.0.0.0-10.0.9.0/24" is Squid's: networks from the one to the other.
    last, _, length = last.strip().partition("/")
    start, end = ip_address(first.strip()), ip_address(last)
    if length:
        net = ip_network(f"{last}/{length}", strict=False)
        end = net.broadcast_address
    if start.version != end.version:
        raise ValueError(f"{text!r} is no range of addresses")
    found = []
    for one in summarize_address_range(start, end):
        found.append(str(one))
        if len(found) > MOST:
            raise ValueError(f"{text!r} is more than {MOST} networks: write them as networks")
    return found


def ports(text: str) -> list[int]:
    """ "443" or "8000-8005". Raises ValueError."""
    first, dash, last = text.strip().partition("-")
    if not (first.isdecimal() and (not dash or last.isdecimal())) or len(text) > 11:
        raise ValueError(f"{text!r} is no port")
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= 65535:
        raise ValueError(f"{text!r} is no port")
    if high - low >= MOST:
        raise ValueError(f"{text!r} is more than {MOST} ports")
    return list(range(low, high + 1))
