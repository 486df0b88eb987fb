"""Which connections of a capture somebody wants to see.

Everything that is given has to hold. Names are compared without case; `*.example.org` stands for every name below
example.org, `example.org` for itself alone. Addresses may be networks.

Some of it says whose connections are meant, some how they must have ended. A diagnosis compares a failure with what
worked, so it looks at all connections of the first kind (`whose`).
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address

import msgspec

from detector.capture.connection import Connection
from detector.forensics.judged import JudgedConnection
from detector.model.observation import VerdictName

Network = IPv4Network | IPv6Network


class Endpoint(msgspec.Struct, frozen=True):
    """A server as somebody writes it: where it is, or what it is called, and the port if that matters."""

    network: Network | None = None
    name: str | None = None
    port: int | None = None

    def is_of(self, c: Connection) -> bool:
        """Whether a connection goes there; through a proxy the tunnel's end counts too."""
        asked = c.preamble.target if c.preamble is not None else None
        ports = (c.server_port, _port(asked))
        if self.port is not None and self.port not in ports:
            return False
        if self.network is not None:
            return _within(c.server, (self.network,))
        return any(_is_name(name, self.name or "") for name in (c.sni, _host(asked)) if name)


class Selection(msgspec.Struct, frozen=True):
    """What is asked for; nothing given keeps all.

    Attributes:
        number: the connection that is called so.
        host: the name that was asked for, of the server or of a proxy's tunnel, or the server's address.
        sni: the name in the hello; "-" for none.
        clients, servers: networks that an address has to be in; one is enough.
        endpoints: servers by name or address, and port; one is enough.
        cause: one of its causes.
        verdict: who answers.
        since, until: seconds since 1970; a connection that was under way in between is kept.
        failed: only those that failed.

    """

    number: int | None = None
    host: str | None = None
    sni: str | None = None
    clients: tuple[Network, ...] = ()
    servers: tuple[Network, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    cause: str | None = None
    verdict: VerdictName | None = None
    since: float | None = None
    until: float | None = None
    failed: bool = False

    @property
    def is_everything(self) -> bool:
        """Nothing is asked for."""
        return self == Selection()

    @property
    def whose(self) -> Selection:
        """The same without what asks how a connection ended."""
        return msgspec.structs.replace(self, cause=None, verdict=None, failed=False)

    def keeps(self, one: JudgedConnection) -> bool:
        """Whether a connection is wanted."""
        c = one.connection
        target = c.preamble.target if c.preamble is not None else None
        return (
            (self.number is None or c.number == self.number)
            and (not self.failed or one.failed)
            and (self.verdict is None or one.verdict == self.verdict)
            and (self.cause is None or any(cause.id == self.cause for cause in one.causes))
            and (self.since is None or c.last >= self.since)
            and (self.until is None or c.first <= self.until)
            and _within(c.client, self.clients)
            and _within(c.server, self.servers)
            and (not self.endpoints or any(there.is_of(c) for there in self.endpoints))
            and (self.sni is None or _is_name(c.sni or "-", self.sni))
            and (
                self.host is None
                or c.server == self.host
                or any(_is_name(name, self.host) for name in (c.sni, _host(target)) if name)
            )
        )


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    if not networks:
        return True
    found = ip_address(address)
    return any(found.version == network.version and found in network for network in networks)


def _is_name(name: str, wanted: str) -> bool:
    name, wanted = name.rstrip(".").lower(), wanted.rstrip(".").lower()
    return name.endswith(wanted[1:]) if wanted.startswith("*.") else name == wanted


def _host(target: str | None) -> str | None:
    return target.rpartition(":")[0].strip("[]") if target else None


def _port(target: str | None) -> int | None:
    number = target.rpartition(":")[2] if target else ""
    return int(number) if number.isascii() and number.isdigit() and len(number) < 6 else None
