"""An observation with everything that rules derive from it, each thing derived once, when asked."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from msgspec import structs

from detector.chain import names
from detector.chain.certificate import Certificate, read_certificate
from detector.chain.path import MAX_CHAIN, Path
from detector.chain.profile import lacking
from detector.chain.sct import SctResult
from detector.chain.shape import LeafShape
from detector.errors import CertificateError
from detector.evidence.dated_path import DatedPath, RootStanding, dated_path
from detector.evidence.minting import Moment, moment_of
from detector.evidence.products import is_states_own, matching_product
from detector.evidence.recovered import UnsentSigner, unsent_signer
from detector.evidence.scts import scts_of
from detector.known.hosts import any_matches
from detector.known.issuers import KnownIssuers
from detector.known.knowledge import Baseline, Knowledge
from detector.model.observation import Observation

MAX_FETCHED = 8
Standing = Literal["canary", "logged", "proven", ""]
_HTTPS = 443


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
    def fetched(self) -> tuple[Certificate, ...]:
        """Issuers that were not sent and had to be fetched, unreadable ones left out."""
        found = []
        for data in self.observation.fetched[:MAX_FETCHED]:
            try:
                found.append(read_certificate(data))
            except CertificateError:
                continue
        return tuple(found)

    @cached_property
    def sent_path(self) -> DatedPath:
        """The path as far as what was sent leads."""
        return dated_path(self.sent, self.host, self.known, self.observation.at)

    @cached_property
    def dated_path(self) -> DatedPath:
        """The path that counts: with what was fetched, and a local one where the user's own CA is at home."""
        found = self._completed_path
        if not self.below_own_root or not self.is_internal:
            return found
        return structs.replace(found, path=structs.replace(found.path, kind="local"))

    @cached_property
    def _completed_path(self) -> DatedPath:
        """As sent_path, completed by what was fetched where that leads to an anchor. Else it counts for nothing."""
        if self.sent_path.path.kind != "incomplete" or not self.fetched:
            return self.sent_path
        whole = (*self.sent, *self.fetched)
        found = dated_path(whole, self.host, self.known, self.observation.at)
        return found if found.path.kind in ("public", "local") else self.sent_path

    @cached_property
    def forgotten(self) -> tuple[Certificate, ...]:
        """CAs between leaf and anchor that were fetched because the server did not send them."""
        if self._completed_path is self.sent_path:
            return ()
        return tuple(c for c in self.path.certificates[1:-1] if c not in self.sent)

    @cached_property
    def path(self) -> Path:
        return self.dated_path.path

    @property
    def root_standing(self) -> RootStanding | None:
        """What the root that the path ends in was worth when the leaf was issued."""
        return self.dated_path.standing

    @cached_property
    def below_own_root(self) -> bool:
        """The path ends in a root that the user gave and no public program has, and nothing says that it is a lab's:
        no CT logs were given with it, and the leaf has no SCTs. Nobody demands of such leaves what is demanded
        of public ones: that they are logged, or how long they may last.
        """
        own, path = self.known.own, self._completed_path.path
        if own is None or path.kind != "public" or self.leaf.extension("SCT") is not None:
            return False
        return own.is_anchor(path.certificates[-1], leaf=len(path.certificates) == 1)

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
        """Worth of each SCT, in the leaf or sent beside it. A malformed list counts as none."""
        issuer = self.issuer or self._unsent_issuer
        return scts_of(self.observation, self.leaf, issuer, self.known.logs)

    @cached_property
    def sct_verified(self) -> bool:
        return any(result.status == "valid" for result in self.scts)

    @cached_property
    def has_unknown_logs(self) -> bool:
        """Some SCT is of a log that is not known here: whether the leaf is logged cannot be told."""
        return any(result.status == "unknown-log" for result in self.scts)

    @cached_property
    def minted(self) -> Moment | None:
        """The moment of the connection at which the leaf was minted, None where nothing says so."""
        return moment_of(self)

    @cached_property
    def shape(self) -> LeafShape:
        return LeafShape(self.leaf, self.sent, self.host)

    @cached_property
    def issuer(self) -> Certificate | None:
        """Who signed the leaf; the leaf itself when it is self-signed."""
        return self.leaf if self.path.kind == "self-signed" else self.path.issuer

    @cached_property
    def unsent(self) -> UnsentSigner | None:
        """What is known of the signer that the path lacks, None where it lacks none."""
        return unsent_signer(self.path, self.known)

    @property
    def _unsent_issuer(self) -> UnsentSigner | None:
        """The leaf's own issuer, where its key is known though it was not sent."""
        unsent = self.unsent if self.issuer is None else None
        return unsent if unsent is not None and unsent.candidates else None

    @cached_property
    def forgot_intermediate(self) -> bool:
        """What is missing on the path is a public intermediate: by its key, or by the SCTs under it."""
        return self.unsent is not None and (
            self.unsent.intermediate is not None
            or (self._unsent_issuer is not None and self.sct_verified)
        )

    @cached_property
    def issuer_spki_sha256(self) -> str | None:
        """The issuing key, also where the issuer was not sent but its key is known, or is the leaf's."""
        if self.issuer is not None:
            return self.issuer.spki_sha256
        if self.unsent is not None and self.unsent.key is not None:
            return self.unsent.key
        if self.shape.leaf_key_is_issuer_key:
            return self.leaf.spki_sha256
        return None

    @cached_property
    def issuing_keys(self) -> frozenset[str]:
        """Keys (SPKI SHA-256, hex) of everybody above the leaf, as far as they are known."""
        above = {certificate.spki_sha256 for certificate in self.path.certificates[1:]}
        if self.issuer_spki_sha256 is not None:
            above.add(self.issuer_spki_sha256)
        return frozenset(above.union(self.unsent.candidates if self.unsent else ()))

    @cached_property
    def lawful_path(self) -> tuple[Certificate, ...]:
        """The leaf and those above it on whose keys somebody's trust may rest at that time."""
        return self.path.lawful(self.host, self.observation.at)

    @cached_property
    def once_lawful_path(self) -> tuple[Certificate, ...]:
        """The same, whatever is out of date by now: an expired CA excuses, but grants nothing."""
        return self.path.lawful(self.host)

    @cached_property
    def lawful_issuing_keys(self) -> frozenset[str]:
        """Of the issuing keys those that pins, policies and sanctions may rest on."""
        return self._issuing_keys_on(self.lawful_path)

    def _issuing_keys_on(self, path: tuple[Certificate, ...]) -> frozenset[str]:
        above = {certificate.spki_sha256 for certificate in path[1:]}
        if self.path.issuer is None and self.issuer_spki_sha256 is not None:
            above.add(self.issuer_spki_sha256)  # the leaf's own key: nobody stands in between
        return frozenset(above.union(self.lawful_unsent_keys))

    @cached_property
    def lawful_unsent_keys(self) -> frozenset[str]:
        """Candidates for the signer that was not sent, where nobody below it may not issue."""
        if self.unsent is None or len(self.lawful_path) < len(self.path.certificates):
            return frozenset()
        return frozenset(self.unsent.candidates)

    @cached_property
    def holds_name(self) -> bool:
        return names.holds_name(self.leaf, self.host)

    @cached_property
    def claims_name(self) -> bool:
        """The leaf is meant for the host, whether or not a client would take it."""
        return self.holds_name or names.claims_name(self.leaf, self.host)

    @cached_property
    def is_internal(self) -> bool:
        """A name or address for which a private CA is what one expects."""
        # A public site does not become internal because somebody's DNS points it at 10.0.0.1.
        return self.declared_internal or (self.at_inner_address and not self.standing)

    @cached_property
    def declared_internal(self) -> bool:
        """Internal by its name or the policy, wherever a resolver leads."""
        if any_matches(self.known.policy.internal, self.host):
            return True
        if self.known.lab and not self.below_own_root:
            return False
        return names.is_special_use(self.host) or names.is_private_address(self.host)

    @cached_property
    def at_inner_address(self) -> bool:
        """The name was resolved, and not to an address of the public internet."""
        target = self.observation.target
        if self.known.lab and not self.below_own_root:
            return False
        if target.pinned_address or target.ip is None:
            return False
        return names.is_private_address(target.ip)

    @cached_property
    def standing(self) -> Standing:
        """How the host is known to be public, "" where it is not.

        A pin, a wildcard and an address make nobody public; logs know names, not ports.
        """
        if names.as_address(self.host) is not None:
            return ""
        if self.host in self.known.canaries:
            return "canary"
        if self.baseline is not None and self.baseline.logged:
            return "proven"
        known = self.known_issuers
        if known is not None and known and known.exact and self.observation.target.port == _HTTPS:
            return "logged"
        return ""

    @cached_property
    def privately_issued(self) -> bool:
        """No public CA issued the leaf, as far as that can be told: the path ends in a private root, or
        breaks off under a leaf that none could have issued.
        """
        if self.path.kind == "incomplete":
            return not self.looks_public and not self.forgot_intermediate
        return self.path.kind != "public"

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
        """The policy's note on why a private CA is expected here, None when it does not say so.

        A CA that is out of date by now is still the one that was expected: see
        `is_expected_private`.
        """
        return self._expected_by(self.once_lawful_path)

    @cached_property
    def is_expected_private(self) -> bool:
        """A private CA is expected here, and what leads to it is in date."""
        return self._expected_by(self.lawful_path) is not None

    @cached_property
    def expected_before(self) -> bool:
        """The policy names the CA for the host in an entry that has ended, or what leads to it is out of date."""
        keys = self._issuing_keys_on(self.once_lawful_path)
        return any(
            entry.spki in keys and any_matches(entry.names, self.host)
            for entry in self.known.policy.private
        )

    def _expected_by(self, path: tuple[Certificate, ...]) -> str | None:
        if not self.known.policy.private:
            return None
        day = self.observation.at.date()
        keys = self._issuing_keys_on(path)
        for entry in self.known.policy.private:
            if entry.expires is not None and day > entry.expires:
                continue
            if entry.spki in keys and any_matches(entry.names, self.host):
                return entry.note or "listed in the policy"
        return None

    @cached_property
    def state_territory(self) -> bool:
        """The issuer is a state's CA, by key, and the host lies under that state's top-level domains."""
        found = matching_product(self.path, self.known)
        if found is None or self.host.rpartition(".")[2] not in found.territory:
            return False
        return is_states_own(found, self.path)

    @cached_property
    def lacking(self) -> tuple[str, ...]:
        """What every public leaf carries and this one does not, in words."""
        return lacking(self.leaf)

    @property
    def looks_public(self) -> bool:
        """The leaf carries what every public leaf carries, whoever signed it."""
        return not self.lacking

    @property
    def leaf_alone_looks_public(self) -> bool:
        """The leaf's own issuer is missing, and it is one that a public CA could have issued."""
        path = self.path
        return path.kind == "incomplete" and len(path.certificates) == 1 and self.looks_public

    @cached_property
    def may_be_shared(self) -> bool:
        """Whether sharing a key with an unrelated host would speak against this observation."""
        if self.is_public_path or self.undecided_root:
            return False
        if self.declared_internal or self.expected_private:
            return False
        return not self.forgot_intermediate and not self.state_territory

    @cached_property
    def issuer_may_be_shared(self) -> bool:
        """A public site that forgets its intermediate shares a CA with thousands of others. Its looks alone
        excuse none, for a forger can copy them; SCTs leave it open that are not refuted under every key that
        may have signed.
        """
        if self.sct_verified:
            return False
        if self.path.kind != "incomplete" or not self.looks_public:
            return True
        if self.leaf.extension("SCT") is None:
            return True
        return bool(self.scts) and all(result.status == "invalid" for result in self.scts)
