"""What is known of hellos: browsers' by interval, other programs', and who is not judged. Values only."""

from __future__ import annotations

from typing import Literal

import msgspec

Transport = Literal["tcp", "quic"]
Kind = Literal["product", "library", "browser"]


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a family of browsers names itself in a User-Agent.

    Attributes:
        agent: expression with one group, the major version.
        products: names of products that its User-Agent has, and no others.
        platform: expression that one of the User-Agent's comments must fit.

    """

    name: str
    agent: str
    products: tuple[str, ...]
    platform: str = ""


class BrowserRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the releases of one interval of one family greet over one transport. Code points are IANA's.

    What a list allows is what any release of the interval may send, settings that a user or an enterprise
    can change included: less is always possible, more is not. An empty list allows everything, but for
    suites and extensions.

    Attributes:
        since, until: first and last major version: `until` is the highest that was measured or published.
        distinct: no library sends such a hello by itself: with another browser's name it tells that browser.
        grease: it sends GREASE (RFC 8701).
        suites: suites that it may offer.
        ordered: those of TLS 1.2 in this order; ChaCha20 may stand anywhere, as it does without AES hardware.
        extensions: types that it may send.
        required: types that no setting takes away.
        usual, usual_suites: what only a setting takes away: without it nothing is said.
        groups: groups that it may offer.
        schemes: signature schemes that it may offer.

    """

    family: str
    since: int
    until: int
    transport: Transport
    suites: tuple[int, ...]
    extensions: tuple[int, ...]
    source: str
    distinct: bool = False
    grease: bool | None = None
    ordered: bool = False
    required: tuple[int, ...] = ()
    usual: tuple[int, ...] = ()
    usual_suites: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    schemes: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Family and interval."""
        interval = f"{self.since}-{self.until}" if self.since != self.until else str(self.since)
        return f"{self.family} {interval}"


class NotJudged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who uses browsers' words in the User-Agent without being that browser.

    Attributes:
        agent: expression that finds it in a User-Agent.

    """

    name: str
    agent: str


class KnownHello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hello of a program that intercepts.

    Compared are the suites in their order and the types of extensions, without those that come and go with
    the name, the client and the session; and the groups where they are given. Where only a JA4 was
    published, its version and its two hashes are.

    Attributes:
        name: the program, or the library and who uses it.
        kind: whether it tells a program, or only a library that other programs have too.

    """

    name: str
    kind: Kind
    source: str
    suites: tuple[int, ...] = ()
    extensions: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    ja4: str = ""


class ProductHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request header, by the start of its name, that an intercepting product adds."""

    product: str
    prefix: str
    source: str
