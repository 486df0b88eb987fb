"""What the judges know, as values. Loading them from files is the job of `detector.knowledge`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Literal, overload

import msgspec

from detector.chain.anchors import ProgramRoots, TrustAnchors
from detector.chain.root_table import RootTable
from detector.chain.sct import CTLog
from detector.chain.shape_rule import ShapeRule
from detector.known.hosts import HostPattern
from detector.known.intermediates import PublicIntermediates
from detector.known.issuers import IssuerSource, KnownIssuers, merged
from detector.model.causes import CauseTable
from detector.model.observation import BrowserAnswer
from detector.model.targets import socket_text


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product known by what it writes into the issuer's name.

    Attributes:
        match: alternatives; each maps attributes to regular expressions that match whole values.
        spare: alternatives of names that are the vendor's own PKI, which signs devices and servers.
        own: the vendor's domains: below them its CA is at home.
        weak: the source is weak or the name common, so it never decides.
        territory: top-level domains where a state's own root is no interception.
        certificates: that state's CAs (SHA-256, hex); its name alone excuses nothing.

    """

    name: str
    category: str
    match: tuple[dict[str, str], ...]
    source: str
    spare: tuple[dict[str, str], ...] = ()
    own: tuple[str, ...] = ()
    weak: bool = False
    territory: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()


class SharedCa(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A private CA that serves many owners, so that unrelated hosts under it say nothing.

    Attributes:
        match: alternatives as a product's.
        text: what it is for, after "under".
        certificates: its CAs (SHA-256, hex), where they are public.
        keys: its keys (DER SubjectPublicKeyInfo; base64 in files), for leaves that are sent alone.
        domains: where alone it is at home; anywhere when left out.
        next: what decides it, for a person.

    """

    name: str
    match: tuple[dict[str, str], ...]
    text: str
    source: str
    certificates: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()
    domains: tuple[str, ...] = ()
    next: str = ""


class Engine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program known by the shape of the leaves it mints."""

    id: str
    name: str
    category: str
    source: str
    shapes: tuple[ShapeRule, ...]


class LateRows[T](Sequence[T]):
    """The rows of a table, read when one is first asked for.

    Args:
        read: gives them.

    """

    def __init__(self, read: Callable[[], tuple[T, ...]]) -> None:
        self._read = read

    @cached_property
    def _rows(self) -> tuple[T, ...]:
        return self._read()

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...
    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        return self._rows[place]

    def __len__(self) -> int:
        return len(self._rows)


class PublishedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key whose private half is public, or a certificate blocked for that reason.

    Any of `spki_sha256`, and `sha256` or `sha1` of the certificate, is given, as hex. `published`
    is the day from which anybody could sign with it; None means always. `spki` is the key itself
    (DER), where the source gives it: then signatures of a signer that was not sent are told, too.
    """

    name: str
    source: str
    spki_sha256: str | None = None
    sha256: str | None = None
    sha1: str | None = None
    use: Literal["issuer", "server"] = "issuer"
    published: date | None = None
    spki: bytes | None = None


class PublishedKeys:
    """Published keys, found by any of their digests."""

    def __init__(self, keys: Sequence[PublishedKey]) -> None:
        self.keys = tuple(keys)
        self._index: dict[str, PublishedKey] = {}
        for key in keys:
            for digest in (key.spki_sha256, key.sha256, key.sha1):
                if digest:
                    self._index[digest] = key

    def find(self, *digests: str) -> PublishedKey | None:
        for digest in digests:
            found = self._index.get(digest)
            if found:
                return found
        return None


class PinOrigin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a host looked when its pin was learned, for telling a renewal from a forgery.

    Attributes:
        leaf, issuer: keys (SPKI SHA-256, hex).
        issuer_name: for a person.
        not_after: when the leaf of that time expires.
        anchor: the trust anchor's certificate (SHA-256, hex).

    """

    at: datetime
    leaf: str
    issuer: str | None = None
    issuer_name: str = ""
    not_after: datetime | None = None
    anchor: str | None = None


class Pin(msgspec.Struct, frozen=True):
    """What must be on a host's path.

    Attributes:
        spki: keys (SPKI SHA-256, hex) of which one must be there: a leaf's, or a CA's.
        backup: keys not yet in use, which will do as well.
        issuers: keys of which one must be above the leaf.
        owners: CA owners, as CCADB names them, of which one must own a key above the leaf.
        port: the only port that it is for; None is all that have no pin of their own.

    With keys and issuers, both must hold.

    """

    host: HostPattern
    spki: tuple[str, ...] = ()
    expires: date | None = None
    note: str = ""
    backup: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    learned: PinOrigin | None = None
    port: int | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.spki, *self.backup)

    @property
    def place(self) -> str:
        """What it is for, as people write it."""
        return self.host.text if self.port is None else socket_text(self.host.text, self.port)


def pins_for(pins: Iterable[Pin], host: str, port: int) -> tuple[Pin, ...]:
    """The pins for one server: those of its port come before those for the same hosts on all ports."""
    found = [pin for pin in pins if pin.host.matches(host) and pin.port in (None, port)]
    own = {pin.host for pin in found if pin.port is not None}
    return tuple(pin for pin in found if pin.port is not None or pin.host not in own)


def current_pins(pins: Iterable[Pin], day: date) -> tuple[Pin, ...]:
    """Those that have not ended before that day."""
    return tuple(pin for pin in pins if pin.expires is None or day <= pin.expires)


class PrivateIssuer(msgspec.Struct, frozen=True):
    """A private CA that is expected for some names."""

    spki: str
    names: tuple[HostPattern, ...]
    note: str = ""
    expires: date | None = None


class Sanctioned(msgspec.Struct, frozen=True):
    """An interceptor that is allowed: its CA keys, what it may decrypt and what never.

    Attributes:
        spki: its CA's key (SPKI SHA-256, hex); `also` are further ones, of other appliances or of
            the next CA.
        ca_name: the CA's common name, so that another key under it is noticed.
        owner: who answers for it.

    """

    name: str
    spki: str
    decrypt: tuple[HostPattern, ...]
    never: tuple[HostPattern, ...] = ()
    expires: date | None = None
    also: tuple[str, ...] = ()
    ca_name: str = ""
    owner: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.spki, *self.also)


class Policy(msgspec.Struct, frozen=True):
    """An organisation's own rules."""

    internal: tuple[HostPattern, ...] = ()
    private: tuple[PrivateIssuer, ...] = ()
    sanctioned: tuple[Sanctioned, ...] = ()


class Baseline(msgspec.Struct, frozen=True):
    """What the same host showed when asked another way, or earlier.

    Attributes:
        source: "direct" (the same run, without the proxy) or "recorded" (an earlier proven run).
        public: its path ended in a public root.
        issued, expires: the validity of its leaf, None where that was not kept.
        logged: a valid SCT under that root proved it, so that the host is known to be public.
        browser: how it took a browser's hello by that way.

    """

    source: Literal["direct", "recorded"]
    public: bool
    leaf_spki_sha256: str
    issuer_spki_sha256: str | None
    version: str | None
    alpn: str | None
    at: datetime
    logged: bool = False
    issued: datetime | None = None
    expires: datetime | None = None
    browser: BrowserAnswer | None = None


@dataclass(frozen=True)
class Knowledge:
    """Everything the rules compare with. All members but the causes may be empty.

    Attributes:
        causes: what is known of each cause of a failed handshake.
        programs: roots that a public program has or had, and that `public` may lack.
        listed: gives the table that says how long each was public; None where the user says what is.
        added: roots that stood beside the public ones without being in that table.
        vouched: gives roots (SHA-256, hex) that unchanged packages brought after it was made.
        canaries: sites that everybody knows to be public, wherever a resolver says they are.
        issuers: asked in turn about a host's publicly logged issuers.
        interception: keys that Chrome knows to be used for interception (SPKI SHA-256, hex).
        intermediates: CAs below public roots.
        signers: keys (SPKI) that were computed from signatures of signers that were not sent.
        owners: gives CA owners by key; asked only where a pin names an owner.
        lab: roots were given by the user, so special-use names and private addresses count as
            public ones.
        own: of those the ones that no public program has, where no CT logs were given with them: may be of a CA of
            the user's own.
        anchors: digest of the roots and CT logs that the user gave, "" where none were: what rests on them is
            remembered for runs with the same ones alone.
        words: options of a command that name all this again, for advice that repeats the question.

    """

    public: TrustAnchors
    causes: CauseTable
    local: TrustAnchors | None = None
    programs: ProgramRoots | None = None
    listed: Callable[[], RootTable] | None = None
    added: TrustAnchors | None = None
    vouched: Callable[[], frozenset[str]] | None = None
    canaries: frozenset[str] = frozenset()
    logs: Mapping[bytes, CTLog] = field(default_factory=dict)
    products: Sequence[Product] = ()
    engines: Sequence[Engine] = ()
    shared_cas: Sequence[SharedCa] = ()
    published: PublishedKeys = field(default_factory=lambda: PublishedKeys(()))
    pins: tuple[Pin, ...] = ()
    policy: Policy = field(default_factory=Policy)
    issuers: tuple[IssuerSource, ...] = ()
    interception: frozenset[str] = frozenset()
    intermediates: PublicIntermediates = field(default_factory=PublicIntermediates)
    signers: tuple[bytes, ...] = ()
    owners: Callable[[], Mapping[str, str]] = dict
    lab: bool = False
    own: TrustAnchors | None = None
    anchors: str = ""
    words: tuple[str, ...] = ()

    def read_tables(self) -> None:
        """Read what is read when it is first asked, so that nothing has to be opened in the middle of a run."""
        self.logs.get(b"")
        self.intermediates.with_key("")
        for table in (self.products, self.engines, self.shared_cas):
            len(table)
        if self.listed is not None:
            self.listed()

    def pins_for(self, host: str, port: int) -> tuple[Pin, ...]:
        return pins_for(self.pins, host, port) if self.pins else ()

    def issuers_for(self, host: str) -> KnownIssuers | None:
        """Everything known about the host's issuers, None when nothing is."""
        found = [source.find(host) for source in self.issuers]
        return merged([entry for entry in found if entry is not None])

    @cached_property
    def products_by_issuer(self) -> dict[bytes, Product | None]:
        """What product_match has found out about issuers' names (DER)."""
        return {}

    @cached_property
    def signers_by_name(self) -> dict[tuple[bytes, bytes | None], bytes]:
        """What was found out of signers that were not sent: their keys (SPKI), by name (DER) and key identifier."""
        return {}

    @cached_property
    def product_tests(self) -> tuple[tuple[Product, Alternatives, Alternatives], ...]:
        """Each product with what its name and its vendor's own PKI's look like, compiled."""
        return tuple((p, alternatives(p.match), alternatives(p.spare)) for p in self.products)

    @cached_property
    def vendors_by_domain(self) -> dict[str, tuple[tuple[Product, Alternatives], ...]]:
        """By a vendor's own domain: the product, and what its names and those of its own PKI look like."""
        found: dict[str, tuple[tuple[Product, Alternatives], ...]] = {}
        for product, named, spare in self.product_tests:
            for domain in product.own:
                found[domain] = (*found.get(domain, ()), (product, named + spare))
        return found

    @cached_property
    def shared_by_issuer(self) -> dict[bytes, tuple[SharedCa, ...]]:
        """What was found out about issuers' names (DER)."""
        return {}

    @cached_property
    def shared_ca_tests(self) -> tuple[tuple[SharedCa, Alternatives], ...]:
        return tuple((ca, alternatives(ca.match)) for ca in self.shared_cas)


Alternatives = tuple[tuple[tuple[str, re.Pattern[str]], ...], ...]


def alternatives(rows: Iterable[dict[str, str]]) -> Alternatives:
    """Expressions for an issuer's attributes, compiled; no end of a line hides what stands behind it."""
    return tuple(
        tuple((name, re.compile(text, re.DOTALL)) for name, text in row.items()) for row in rows
    )
