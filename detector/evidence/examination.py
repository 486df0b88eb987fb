"""An observation with everything that rules derive from it, each thing derived once, when asked."""

from __future__ import annotations

from functools import cached_property

from detector.chain import names
from detector.chain.certificate import Certificate, read_certificate
from detector.chain.path import MAX_CHAIN, Path
from detector.chain.profile import lacking
from detector.chain.sct import SctResult, check_scts
from detector.chain.shape import LeafShape
from detector.errors import CertificateError
from detector.evidence.dated_path import DatedPath, RootStanding, dated_path
from detector.evidence.products import matching_product
from detector.known.hosts import any_matches
from detector.known.issuers import KnownIssuers
from detector.known.knowledge import Baseline, Knowledge
from detector.model.observation import Observation


class Examination:
    """One observation under examination.

    Args:
        observation: must hold at least one certificate.
        known: what to compare with.
        baseline: the same host asked another way, when there is such an observation.

    Raises CertificateError when the leaf's skeleton cannot be read.

    """

    def __init__(
        self, observation: Observation, known: Knowledge, baseline: Baseline | None = None
    ) -> None:
        self.observation = observation
        self.known = known
        self.baseline = baseline
        self.host = observation.target.host
        self.leaf = read_certificate(observation.chain[0])
        self.unreadable = 0

    @cached_property
    def sent(self) -> tuple[Certificate, ...]:
        """Certificates as sent, unreadable ones left out, at most MAX_CHAIN."""
        found = [self.leaf]
        for data in self.observation.chain[1:MAX_CHAIN]:
            try:
                found.append(read_certificate(data))
            except CertificateError:
                self.unreadable += 1
        return tuple(found)

    @cached_property
    def dated_path(self) -> DatedPath:
        return dated_path(self.sent, self.host, self.known, self.observation.at)

    @cached_property
    def path(self) -> Path:
        return self.dated_path.path

    @property
    def root_standing(self) -> RootStanding | None:
        """What the root that the path ends in was worth when the leaf was issued."""
        return self.dated_path.standing

    @property
    def undecided_root(self) -> bool:
        """The root was public once, or may be by now: keys under it are shared by many, and nothing that
        rests on its being private is proof.
        """
        return self.root_standing in ("ended", "unknown")

    @cached_property
    def is_public_path(self) -> bool:
        return self.path.kind == "public"

    @cached_property
    def scts(self) -> tuple[SctResult, ...]:
        """Worth of each embedded SCT. A malformed list counts as none."""
        try:
            return check_scts(self.leaf, self.issuer, self.known.logs)
        except CertificateError:
            return ()

    @cached_property
    def sct_verified(self) -> bool:
        return any(result.status == "valid" for result in self.scts)

    @cached_property
    def shape(self) -> LeafShape:
        return LeafShape(self.leaf, self.sent, self.host)

    @cached_property
    def issuer(self) -> Certificate | None:
        """Who signed the leaf; the leaf itself when it is self-signed."""
        return self.leaf if self.path.kind == "self-signed" else self.path.issuer

    @cached_property
    def issuer_spki_sha256(self) -> str | None:
        """The issuing key, also where the issuer was not sent but signs with the leaf's key."""
        if self.issuer is not None:
            return self.issuer.spki_sha256
        return self.leaf.spki_sha256 if self.shape.leaf_key_is_issuer_key else None

    @cached_property
    def issuing_keys(self) -> frozenset[str]:
        """Keys (SPKI SHA-256, hex) of everybody above the leaf, as far as they are known."""
        above = {certificate.spki_sha256 for certificate in self.path.certificates[1:]}
        if self.issuer_spki_sha256 is not None:
            above.add(self.issuer_spki_sha256)
        return frozenset(above)

    @cached_property
    def lawful_path(self) -> tuple[Certificate, ...]:
        """The leaf and those above it on whose keys somebody's trust may rest."""
        return self.path.lawful(self.host)

    @cached_property
    def lawful_issuing_keys(self) -> frozenset[str]:
        """Of the issuing keys those that pins, policies and sanctions may rest on."""
        above = {certificate.spki_sha256 for certificate in self.lawful_path[1:]}
        if self.path.issuer is None and self.issuer_spki_sha256 is not None:
            above.add(self.issuer_spki_sha256)  # the leaf's own key: nobody stands in between
        return frozenset(above)

    @cached_property
    def holds_name(self) -> bool:
        return names.holds_name(self.leaf, self.host)

    @cached_property
    def is_internal(self) -> bool:
        """A name or address for which a private CA is what one expects."""
        if any_matches(self.known.policy.internal, self.host):
            return True
        if self.known.lab:
            return False
        if names.is_special_use(self.host) or names.is_private_address(self.host):
            return True
        target = self.observation.target
        resolved = target.ip if not target.pinned_address else None
        # A public site does not become internal because somebody's DNS points it at 10.0.0.1.
        return (
            resolved is not None and names.is_private_address(resolved) and not self.known_as_public
        )

    @cached_property
    def known_as_public(self) -> bool:
        """Where the name leads cannot excuse a private chain: the host is a canary, was proven
        behind a public chain before, or public logs know issuers for that very name.
        """
        if self.host in self.known.canaries:
            return True
        if self.baseline is not None and self.baseline.public:
            return True
        known = self.known_issuers
        return known is not None and bool(known) and known.exact

    @cached_property
    def known_issuers(self) -> KnownIssuers | None:
        """What public logs know about the host's issuers, None when nobody asked."""
        return self.known.issuers_for(self.host) if self.known.issuers else None

    @cached_property
    def age_of_known_issuers(self) -> str:
        """For texts: since when that is known, and whether it should have been asked again."""
        known = self.known_issuers
        if known is None or known.fetched is None:
            return ""
        stale = known.until is not None and self.observation.at > known.until
        return f" (as of {known.fetched.date().isoformat()}{', stale' if stale else ''})"

    @cached_property
    def expected_private(self) -> str | None:
        """The policy's note on why a private CA is expected here, None when it does not say so."""
        day = self.observation.at.date()
        for entry in self.known.policy.private:
            if entry.expires is not None and day > entry.expires:
                continue
            if entry.spki in self.lawful_issuing_keys and any_matches(entry.names, self.host):
                return entry.note or "listed in the policy"
        return None

    @cached_property
    def state_territory(self) -> bool:
        """The issuer is a state's root and the host lies under that state's top-level domains."""
        found = matching_product(self.path, self.known)
        return found is not None and self.host.rpartition(".")[2] in found.territory

    @cached_property
    def looks_public(self) -> bool:
        """The leaf carries what every public leaf carries, whoever signed it."""
        return not lacking(self.leaf)

    @property
    def leaf_alone_looks_public(self) -> bool:
        """The leaf's own issuer is missing, and it is one that a public CA could have issued."""
        path = self.path
        return path.kind == "incomplete" and len(path.certificates) == 1 and self.looks_public

    @cached_property
    def may_be_shared(self) -> bool:
        """Whether sharing a key with an unrelated host would speak against this observation."""
        if self.is_public_path or self.sct_verified or self.is_internal or self.expected_private:
            return False
        if self.undecided_root:
            return False
        # A public site that forgets its intermediate shares a CA with thousands of others.
        if self.path.kind == "incomplete" and self.looks_public:
            return False
        return not self.state_territory
