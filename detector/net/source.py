"""By which address of this machine a peer would see us."""

from __future__ import annotations

import socket


def source_towards(host: str, port: int) -> str | None:
    """The address that the system would take, None where there is no way; nothing is sent.

    A connected UDP socket has chosen its route, and no packet leaves before there is something to say.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return None
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as one:
                one.connect(address)
                return str(one.getsockname()[0]).partition("%")[0]
        except OSError:
            continue
    return None


def rouse(address: str, device: int) -> None:
    """Make the kernel ask for the hardware address of a neighbour: an empty datagram to its discard port (RFC 863).

    `device` is the interface's index, which a link-local address needs.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    to = (address, 9, 0, device) if family == socket.AF_INET6 else (address, 9)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            one.setblocking(False)
            one.sendto(b"", to)
    except OSError:
        return
