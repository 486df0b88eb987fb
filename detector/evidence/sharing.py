"""Which keys serve which unrelated hosts, over one run or several.

Rules
-----
1. A leaf key on a path that is not public always enters: honest owners who share nothing else share no key.
2. An issuer enters unless a valid SCT speaks for what it issued: a public site that forgets its
   intermediate shares a CA with thousands of others.
3. Sharing accuses only where one of the sharers is known to be public and the leaf names it
   (`Examination.standing`): an owner's two domains, two agencies of one state and two customers of one
   origin CA look like an interceptor's work otherwise.
4. A name that its own address makes internal is accused only by a known-public host that stands at an
   inner address as well: then names are led astray. A company's own CA may serve its intranet and its
   interceptor.
5. Hosts of one owner are no company for each other: one registrable domain, or the same label under
   different suffixes (example.com, example.de).

Bounded: at most MAX_KEYS keys with a few hosts each; beyond that, new keys are not learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256

import msgspec

from detector.chain.names import as_address, holds_name, is_private_address, registrable_domain
from detector.errors import CertificateError
from detector.evidence.examination import Examination
from detector.evidence.innocence import innocent_private_ca
from detector.evidence.minting import Minting
from detector.model.observation import Observation, Strength

MAX_KEYS = 200_000
HOSTS_A_KEY = 4


class SharedKey(msgspec.Struct, frozen=True):
    """A key as the index knows it: "leaf" or "issuer", and its identity.

    `certain` is False where the issuer is known by its name alone.
    """

    role: str
    identity: str
    certain: bool = True


class Use(msgspec.Struct, frozen=True):
    """One host seen with a key.

    Attributes:
        ip: None where the address says nothing about the host.
        public: the host is known to be public, and the leaf names it.
        inner: the name was led to an address that is not globally routable.
        named: the leaf names the host.

    """

    host: str
    domain: str
    ip: str | None
    public: bool = False
    inner: bool = False
    named: bool = True


class Company(msgspec.Struct, frozen=True):
    """Unrelated hosts with one key, and what that weighs."""

    key: SharedKey
    hosts: tuple[str, ...]
    strength: Strength


# Rules ask again and again while one observation is judged.
@lru_cache(maxsize=8)
def keys_of(seen: Examination) -> tuple[SharedKey, ...]:
    """The keys of an observation whose sharing would mean something.

    A leaf whose fields cannot be read has none: what it is cannot be told.
    """
    try:
        if not seen.may_be_shared:
            return ()
        found = [SharedKey("leaf", seen.leaf.spki_sha256)]
        if seen.path.kind == "self-signed" or not seen.issuer_may_be_shared:
            return tuple(found)
        return (*found, *_issuers_of(seen))
    except CertificateError:
        return ()


def _issuers_of(seen: Examination) -> Iterator[SharedKey]:
    """The issuer's key; else candidates for it, and its name. Of two leaves with a candidate in common one
    key signed both.
    """
    if seen.issuer_spki_sha256:
        yield SharedKey("issuer", seen.issuer_spki_sha256)
        return
    for key in seen.unsent.candidates if seen.unsent else ():
        yield SharedKey("issuer", key)
    key_id = seen.leaf.authority_key_id
    identity = sha256(seen.leaf.issuer + b"|" + (key_id or b"")).hexdigest()
    yield SharedKey("issuer", identity, certain=key_id is not None)


@lru_cache(maxsize=8)
def use_of(seen: Examination) -> Use:
    target = seen.observation.target
    # A resolver may lead all canaries to one address; a default site there does not name them.
    try:
        named = seen.claims_name
    except CertificateError:
        named = False  # whom it names cannot be read
    public = named and bool(seen.standing) and not _may_be_logged(seen)
    ip = None if target.pinned_address or public else target.ip
    domain = registrable_domain(seen.host)
    return Use(seen.host, domain, ip, public, seen.at_inner_address, named)


def _may_be_logged(seen: Examination) -> bool:
    """SCTs of logs unknown here leave open whether a public CA, unknown here too, issued the leaf. Of sites
    that everybody knows, who would change to one before the tables do?
    """
    return seen.standing != "canary" and seen.has_unknown_logs


class Sharing:
    """The index. `note` remembers, `company` and `others` answer.

    Attributes:
        clean, dirty: canaries that were asked the same way and showed public chains, or a private CA's.
        astray: those whose names were led to inner addresses, with the addresses.
        full: no further keys are learned.

    """

    def __init__(self) -> None:
        self._uses: dict[SharedKey, list[Use]] = {}
        self.clean: tuple[str, ...] = ()
        self.dirty: tuple[str, ...] = ()
        self.astray: tuple[tuple[str, str], ...] = ()
        self.full = False
        self.minting = Minting()

    def note(self, seen: Examination) -> None:
        keys = keys_of(seen)
        if not keys:
            return
        use = use_of(seen)
        if seen.minted is not None:
            self.minting.note(seen, use)
        for key in keys:
            self.add(key, use)

    def hear(self, observation: Observation, seen: Examination | None) -> None:
        """Note whether a canary is clean, and where its name leads. A page that does not name it says neither."""
        target = observation.target
        if target.ip is not None and is_private_address(target.ip) and not target.pinned_address:
            self.astray += ((target.host, target.ip),)
        if seen is None:
            return
        if seen.is_public_path and seen.holds_name:
            self.clean += (seen.host,)
        elif seen.claims_name and seen.privately_issued and not seen.sct_verified:
            self.dirty += (seen.host,)

    def add(self, key: SharedKey, use: Use) -> None:
        uses = self._uses.get(key)
        if uses is None:
            if len(self._uses) >= MAX_KEYS:
                self.full = True
                return
            self._uses[key] = [use]
            return
        same = next((i for i, one in enumerate(uses) if one.domain == use.domain), None)
        if same is not None:
            if _weight(use) > _weight(uses[same]):
                uses[same] = use
        elif len(uses) < HOSTS_A_KEY:
            uses.append(use)
        elif use.public:
            # Room is made for what decides.
            lightest = min(range(len(uses)), key=lambda i: _weight(uses[i]))
            if _weight(uses[lightest]) < _weight(use):
                uses[lightest] = use

    def others(self, key: SharedKey, use: Use) -> tuple[Use, ...]:
        """Uses of `key` by hosts that are not related to `use`.

        Hosts at one resolved address are not counted: shared hosting hands its default
        certificate to everybody. But where one of them is known to be public, and the leaf names
        it, the address says nothing (see `use_of`).
        """
        return tuple(
            other
            for other in self._uses.get(key, ())
            if not _related(other, use) and not (use.ip and other.ip == use.ip)
        )

    def company(self, seen: Examination, role: str) -> Company | None:
        """Who shares the observation's key of that role, None for nobody."""
        keys = keys_of(seen)
        if not keys:
            return None
        use = use_of(seen)
        for key in keys:
            others = self.others(key, use) if key.role == role else ()
            if role == "leaf" and not seen.issuer_may_be_shared:
                others = tuple(one for one in others if not holds_name(seen.leaf, one.host))
            if seen.is_internal:  # rule 4
                others = tuple(one for one in others if one.public and one.inner)
            if others:
                # One key for a host that it names and for one that it does not: who holds it for
                # the one holds it for the other.
                named = use.named or (role == "leaf" and bool(seen.standing))
                decisive = named and self._decides(seen, use, others)
                hosts = tuple(one.host for one in sorted(others, key=lambda one: not one.public))
                return Company(key, hosts, "strong" if decisive else "weak")
        return None

    def _decides(self, seen: Examination, use: Use, others: tuple[Use, ...]) -> bool:
        """A canary among the sharers decides; another public host where no CA of many owners, or of the
        owner's own, explains that they share it.
        """
        canaries = seen.known.canaries
        if any(one.public and one.host in canaries for one in (use, *others)):
            return True
        if not use.public and not any(one.public for one in others):
            return False
        found = innocent_private_ca(seen)
        return found is None or (found.kind == "owners-ca" and not found.complete)

    def one_for_all(self, seen: Examination) -> tuple[str, ...]:
        """Hosts that were shown the observation's leaf key though the leaf names none of them.

        Who is asked for by an address alone is named by hardly any leaf, so that says nothing.
        """
        keys = keys_of(seen)
        if not keys:
            return ()
        use = use_of(seen)
        if use.named or as_address(use.host) is not None:
            return ()
        leaf = (key for key in keys if key.role == "leaf")
        found = [one for key in leaf for one in self._uses.get(key, ())]
        return tuple(
            o.host
            for o in found
            if not o.named and o.domain != use.domain and as_address(o.host) is None
        )


def _weight(use: Use) -> int:
    return 2 * use.public + use.inner


def _related(one: Use, other: Use) -> bool:
    if one.domain == other.domain:
        return True
    return one.domain.partition(".")[0] == other.domain.partition(".")[0]
