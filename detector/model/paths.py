"""How a host is reached from a place, small enough to be kept for months and compared."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from detector.model.observation import RouteKind, VerdictName

Family = Literal["IPv4", "IPv6", ""]


class BrowserGot(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the server chose from a browser's hello; empty where it chose nothing, or hid it."""

    version: str = ""
    group: str = ""
    alpn: str = ""


class PathReading(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The path to one host, once. No key and no address of the host: both rotate, and say nothing of the path.

    Attributes:
        verdict: the judge's.
        failure: the cause where there was no handshake.
        who: the product, engine or CA that intercepts; empty where nobody does.
        engine: the program that minted the leaf, where its shape tells.
        sanctioned: the policy lets it decrypt this host.
        issuer: the name that signed the leaf, safe for a terminal.
        issuer_key: that issuer's key (SPKI SHA-256, hex), where the path is no public one.
        route: how we went there.
        proxy: host:port, never with credentials.
        family: of the address that was dialled for the host; empty where a proxy resolved the name.
        inner: the resolver led a public name to an address that is not globally routable.
        version, alpn: what our own hello was answered with.
        server_hello: types of the ServerHello's extensions as they came, without GREASE: what JA3S is made of.
        browser: None where that was not answered in time.
        hello: what was changed in our own hello on the way, by an echo server; None where none was asked.

    """

    verdict: VerdictName
    failure: str = ""
    who: str = ""
    engine: str = ""
    sanctioned: bool = False
    issuer: str = ""
    issuer_key: str = ""
    route: RouteKind = "direct"
    proxy: str = ""
    family: Family = ""
    inner: bool = False
    version: str = ""
    alpn: str = ""
    server_hello: tuple[int, ...] = ()
    browser: BrowserGot | None = None
    hello: tuple[str, ...] | None = None

    @property
    def answered(self) -> bool:
        """There was a handshake to judge."""
        return self.verdict != "inconclusive"


class Remembered(msgspec.Struct, frozen=True):
    """A reading that was made before, as often as it was.

    Attributes:
        first, last: aware UTC times of the first and the latest such reading.
        times: how many there were.

    """

    reading: PathReading
    first: datetime
    last: datetime
    times: int = 1


class Network(msgspec.Struct, frozen=True):
    """A network that readings were made on.

    Attributes:
        id: a salted digest that tells no place; see detector.agent.senses.network.
        name: what the user calls it; empty where it has no name. Networks of one name are one place.
        seen: when the last reading was made there.

    """

    id: str
    name: str
    seen: datetime

    @property
    def title(self) -> str:
        """Its name; of one without, the start of its id."""
        return self.name or f"network {self.id[:6]}"
