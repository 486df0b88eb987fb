"""Why an unknown private CA may be innocent: explanations with a name, for a person, and for the verdict's table.

Rules
-----
1. An explanation clears nobody. It says what else the same chain is the mark of; whoever decides may keep a
   verdict at "suspect" for it, and never below.
2. A CA that is known by its key is what it is. One known by its name is only said to be: a forger takes the name
   that is excused. `certain` tells the two apart.
3. A CA is excused where it is at home. The PKI of a state's army has no business at a bank.
4. An owner's own CA shows by what the owner's leaves repeat: the owner's name in leaf and issuer, and its servers
   asked for revocation or for the issuer. A forger may copy the one; the other costs it nothing but is rare.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Literal

import msgspec

from detector.chain.certificate import Certificate
from detector.chain.names import as_address, is_below, registrable_domain
from detector.chain.signature import is_signed_by
from detector.evidence.examination import Examination
from detector.evidence.products import any_holds, is_states_own, matching_product
from detector.known.knowledge import Knowledge, SharedCa

Kind = Literal["shared-ca", "owners-ca", "state-ca", "vendors-ca", "self-signed"]

_REMEMBERED = 1024
_URL = re.compile(rb"(?:https?|ldap)://([A-Za-z0-9.-]{1,253})")


class Innocence(msgspec.Struct, frozen=True):
    """An innocent explanation of a private chain.

    Attributes:
        kind: what it is; "shared-ca" serves many owners, "owners-ca" the host's own.
        name: of the CA or its owner, for a person.
        certain: the CA is known by its key, not by its name.
        text: one sentence.
        next: what decides it.
        source: where that is known from; empty where the chain itself says it.
        complete: of an owner's own CA, that both signs of it are there.

    """

    kind: Kind
    name: str
    certain: bool
    text: str
    next: str = ""
    source: str = ""
    complete: bool = False


# The verdict, its words and sharing each ask.
@lru_cache(maxsize=8)
def innocent_private_ca(seen: Examination) -> Innocence | None:
    """What else could explain the private chain; None on a public path, and where nothing does.

    Raises CertificateError where a certificate cannot be read.
    """
    if seen.is_public_path:
        return None
    return _shared(seen) or _states(seen) or _vendors(seen) or _owners(seen) or _self_signed(seen)


def excuse_stands(seen: Examination) -> bool:
    """Whether some innocent explanation keeps a private chain on a public host from being an accusation by that alone:
    a self-signed page, an inner view, logs or roots that are unknown here or were dropped in order, a CA of many
    owners or of the owner's own, one that the policy named until a date.
    """
    if seen.path.kind == "self-signed" or seen.at_inner_address or seen.has_unknown_logs:
        return True
    if seen.undecided_root or seen.state_territory or seen.expected_before:
        return True
    found = innocent_private_ca(seen)
    # One sign of the owner is what any forger copies from the leaf it imitates.
    return found is not None and (found.kind != "owners-ca" or found.complete)


def _shared(seen: Examination) -> Innocence | None:
    above = seen.path.certificates[1:]
    named = [ca for c in seen.path.certificates for ca in _named(c, seen.known)]
    # Without a certificate above there is no key to compare: the names alone are left.
    for ca in seen.known.shared_cas if above else named:
        by_key = any(c.sha256 in ca.certificates or c.spki in ca.keys for c in above)
        if not by_key and ca not in named:
            continue
        by_key = by_key or (not above and any(is_signed_by(seen.leaf, key) for key in ca.keys))
        if ca.domains and not any(is_below(seen.host, domain) for domain in ca.domains):
            continue
        return Innocence("shared-ca", ca.name, by_key, _shared_text(ca, by_key), ca.next, ca.source)
    return None


def _named(certificate: Certificate, known: Knowledge) -> tuple[SharedCa, ...]:
    """The shared CAs that write this issuer. Remembered: one issuer signs thousands of leaves."""
    remembered = known.shared_by_issuer
    found = remembered.get(certificate.issuer)
    if found is None:
        if len(remembered) >= _REMEMBERED:
            remembered.clear()
        fields = certificate.issuer_fields
        found = tuple(ca for ca, rows in known.shared_ca_tests if any_holds(rows, fields))
        remembered[certificate.issuer] = found
    return found


def _shared_text(ca: SharedCa, by_key: bool) -> str:
    known = "known by its key" if by_key else "by its name alone, which anybody may write"
    return f"The chain hangs under {ca.text} ({ca.name}, {known}): it serves many owners."


def _states(seen: Examination) -> Innocence | None:
    product = matching_product(seen.path, seen.known)
    if (
        product is None
        or not product.territory
        or seen.host.rpartition(".")[2] not in product.territory
    ):
        return None
    by_key = is_states_own(product, seen.path)
    known = "known by its key" if by_key else "by its name alone, which anybody may write"
    text = f"{product.name} ({known}) serves sites of its own country."
    step = "compare the root with the one that the state publishes"
    return Innocence("state-ca", product.name, by_key, text, step, product.source)


def _vendors(seen: Examination) -> Innocence | None:
    vendors = seen.known.vendors_by_domain
    labels = seen.host.split(".")
    for place in range(len(labels)):
        for product, names in vendors.get(".".join(labels[place:]), ()):
            if any(any_holds(names, c.issuer_fields) for c in seen.path.certificates):
                text = f"{product.name}'s maker runs its own servers under its own CA."
                return Innocence("vendors-ca", product.name, False, text, "", product.source)
    return None


def _owners(seen: Examination) -> Innocence | None:
    signs = Owner(seen)
    if not signs.same_organization and not signs.pointers:
        return None
    said: list[str] = []
    if signs.same_organization:
        said.append(f"leaf and issuer name the same organisation ({signs.same_organization})")
    if signs.pointers:
        said.append(f"the leaf points to {signs.pointers[0]} for its issuer")
    name = signs.same_organization or registrable_domain(seen.host)
    text = f"It may be the owner's own CA: {' and '.join(said)}."
    step = "ask the owner for its CA's fingerprint"
    return Innocence("owners-ca", name, False, text, step, complete=len(said) > 1)


def _self_signed(seen: Examination) -> Innocence | None:
    if seen.path.kind != "self-signed":
        return None
    text = "The certificate signed itself, as those that a server makes at its installation do."
    return Innocence(
        "self-signed", seen.leaf.subject_text, False, text, "ask the owner for its fingerprint"
    )


class Owner:
    """What leaf and issuer tell of one owner."""

    def __init__(self, seen: Examination) -> None:
        self._seen = seen
        self._leaf: Certificate = seen.leaf

    @cached_property
    def same_organization(self) -> str:
        """The organisation that both name, empty where they differ or name none."""
        if self._seen.path.kind == "self-signed":
            return ""
        issuers = {_plain(value) for value in self._leaf.issuer_fields.get("O", ())}
        subjects = self._leaf.subject_fields.get("O", ())
        return next((value for value in subjects if _plain(value) and _plain(value) in issuers), "")

    @cached_property
    def pointers(self) -> tuple[str, ...]:
        """Hosts of the owner's domain that the leaf names for its issuer or its revocation lists."""
        if as_address(self._seen.host) is not None:
            return ()
        domain = registrable_domain(self._seen.host)
        found = [
            host.decode().lower()
            for name in ("AIA", "CRLDP")
            for host in _URL.findall(self._leaf.extension(name) or b"")
        ]
        return tuple(host for host in dict.fromkeys(found) if is_below(host, domain))


def _plain(value: str) -> str:
    return " ".join(value.casefold().split())
