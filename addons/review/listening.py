"""Where a server of ours listens: an address and a port, with a door in front (admission.py)."""

from __future__ import annotations

import ipaddress
import socket

from addons.review.admission import Door
from detector.errors import ConfigError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def listening_at(listen: str) -> tuple[Address, int]:
    """ADDRESS:PORT apart. Raises ConfigError."""
    host, _, port = listen.rpartition(":")
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
        if not 0 <= int(port) <= 65535:
            raise ValueError("no port")
    except ValueError:
        raise ConfigError("--listen", f"{listen!r} is no ADDRESS:PORT") from None
    return address, int(port)


def bound_door(address: Address, port: int) -> Door:
    """A socket that listens there. Raises ConfigError."""
    bound = Door(socket.AF_INET6 if address.version == 6 else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((str(address), port))
        bound.listen(128)  # who is told the address may ask at once
    except OSError as error:
        bound.close()
        remedy = "another program listens there; give another port"
        raise ConfigError(
            "--listen", f"{address}:{port}: {error.strerror}", remedy=remedy
        ) from None
    return bound
