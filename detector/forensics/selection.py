"""Which connections of a capture somebody wants to see.

Everything that is given has to hold. Names are compared without case; `*.example.org` stands for every name below
example.org, `example.org` for itself alone. Addresses may be networks.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address

import msgspec

from detector.forensics.judged import JudgedConnection
from detector.model.observation import VerdictName

Network = IPv4Network | IPv6Network


class Selection(msgspec.Struct, frozen=True):
    """What is asked for; nothing given keeps all.

    Attributes:
        number: the connection that is called so.
        host: the name that was asked for, of the server or of a proxy's tunnel, or the server's address.
        sni: the name in the hello; "-" for none.
        clients, servers: networks that an address has to be in; one is enough.
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
    cause: str | None = None
    verdict: VerdictName | None = None
    since: float | None = None
    until: float | None = None
    failed: bool = False

    @property
    def is_everything(self) -> bool:
        """Nothing is asked for."""
        return self == Selection()

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
