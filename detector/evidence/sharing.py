"""Which keys serve which unrelated hosts, over one run or several.

Only what may speak against a host is kept (Examination.may_be_shared): keys of public paths never
enter. Bounded: at most MAX_KEYS keys with a few hosts each; beyond that, new keys are not learned.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from detector.chain.names import registrable_domain
from detector.errors import CertificateError
from detector.evidence.examination import Examination
from detector.evidence.minting import Minting

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
    """One host seen with a key. `ip` is None where the address says nothing about the host."""

    host: str
    domain: str
    ip: str | None


def keys_of(seen: Examination) -> tuple[SharedKey, ...]:
    """The keys of an observation whose sharing would mean something.

    A leaf whose fields cannot be read has none: what it is cannot be told.
    """
    try:
        if not seen.may_be_shared:
            return ()
    except CertificateError:
        return ()
    found = [SharedKey("leaf", seen.leaf.spki_sha256)]
    if seen.path.kind == "self-signed":
        return tuple(found)
    if seen.issuer_spki_sha256:
        found.append(SharedKey("issuer", seen.issuer_spki_sha256))
    else:
        key_id = seen.leaf.authority_key_id
        identity = sha256(seen.leaf.issuer + b"|" + (key_id or b"")).hexdigest()
        found.append(SharedKey("issuer", identity, certain=key_id is not None))
    return tuple(found)


def use_of(seen: Examination) -> Use:
    target = seen.observation.target
    # A resolver may lead all canaries to one address; a default site there does not name them.
    try:
        known_public = seen.known_as_public and seen.holds_name
    except CertificateError:
        known_public = False  # whom it names cannot be read
    ip = None if target.pinned_address or known_public else target.ip
    return Use(seen.host, registrable_domain(seen.host), ip)


class Sharing:
    """The index. `note` remembers, `others` answers."""

    def __init__(self) -> None:
        self._uses: dict[SharedKey, list[Use]] = {}
        self.full = False
        self.minting = Minting()

    def note(self, seen: Examination) -> None:
        if seen.minted is not None:
            self.minting.note(seen, use_of(seen))
        keys = keys_of(seen)
        if keys:
            use = use_of(seen)
            for key in keys:
                self.add(key, use)

    def add(self, key: SharedKey, use: Use) -> None:
        uses = self._uses.get(key)
        if uses is None:
            if len(self._uses) >= MAX_KEYS:
                self.full = True
                return
            self._uses[key] = [use]
        elif len(uses) < HOSTS_A_KEY and all(u.domain != use.domain for u in uses):
            uses.append(use)

    def others(self, key: SharedKey, use: Use) -> tuple[str, ...]:
        """Hosts unrelated to `use` that were seen with `key`.

        Hosts at one resolved address are not counted: shared hosting hands its default
        certificate to everybody. But where one of them is known to be public, and the leaf names
        it, the address says nothing (see `use_of`).
        """
        return tuple(
            other.host
            for other in self._uses.get(key, ())
            if other.domain != use.domain and not (use.ip and other.ip == use.ip)
        )
