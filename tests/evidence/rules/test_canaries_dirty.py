from dataclasses import replace

from detector.evidence.examination import Examination
from detector.evidence.rules import canaries_dirty
from detector.evidence.sharing import Sharing
from detector.known.hosts import HostPattern
from detector.known.issuers import IssuerTable, KnownIssuers
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation
from tests.conftest import NOW, Observe


def hear(sharing: Sharing, canary: Observation, known: Knowledge) -> None:
    sharing.hear(canary, Examination(canary, known))


def test_a_dirty_canary_decides_only_where_the_host_is_known_to_be_public(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    """A forger with a CA for each host shares nothing."""
    other = Authority("Another CA", profile=False)
    sharing = Sharing()
    canary = observe("github.com", (other.issue("github.com").der, other.der))
    hear(sharing, canary, known)
    seen = observe("a.com", (corporate.issue("a.com").der, corporate.der))
    row = KnownIssuers(HostPattern("a.com"), frozenset(("0" * 64,)), "CT", fetched=NOW)
    logged = replace(known, issuers=(IssuerTable((row,)),))

    def strength(knowledge: Knowledge) -> str:
        found = canaries_dirty.find(Examination(seen, knowledge), sharing)
        return found.strength if found is not None else "silent"

    assert (strength(known), strength(logged)) == ("weak", "strong")
    public = Examination(observe("b.org", pki.issue("b.org")), known)
    assert canaries_dirty.find(public, sharing) is None


def test_a_portals_page_does_not_make_a_canary_dirty(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    sharing = Sharing()
    page = corporate.issue("portal.hotel.com")
    hear(sharing, observe("github.com", (page.der, corporate.der)), known)
    assert (sharing.clean, sharing.dirty) == ((), ())
