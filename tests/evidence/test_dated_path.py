"""Paths in time: which root counts for a leaf, and what follows where nobody can tell."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from detector.chain.anchors import ProgramRoots, TrustAnchors
from detector.chain.certificate import Certificate
from detector.chain.root_table import RootEnd, RootTable
from detector.evidence.dated_path import DatedPath, dated_path
from detector.evidence.examination import Examination
from detector.evidence.sharing import keys_of
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, Credential, LabPki
from tests.conftest import Observe

AT = datetime(2026, 11, 20, tzinfo=UTC)
HOST = "www.alpha.org"


def digest(root: Authority) -> str:
    return Certificate(root.der).sha256


class World:
    """A root of the public programs, one that ended, and a table that says so."""

    def __init__(self, known: Knowledge) -> None:
        self.current = Authority("Current Root", days=20000)
        self.ended = Authority("Ended Root", days=20000)
        self.end = RootEnd("distrusted", "https://example.com", (digest(self.ended),), "Ended & Co",
                           until=date(2024, 6, 30))  # fmt: skip
        names = {digest(self.current): "Current", digest(self.ended): "Ended"}
        self.table = RootTable(names, [self.end], date(2026, 10, 18))
        self.public = TrustAnchors((self.current.der,), "certifi")
        self.known = replace(
            known,
            public=self.public,
            programs=ProgramRoots(lambda: self.table, None, self.public),
            listed=lambda: self.table,
        )

    def path(self, known: Knowledge, *chain: bytes) -> DatedPath:
        return dated_path([Certificate(der) for der in chain], HOST, known, AT)


@pytest.fixture
def world(known: Knowledge) -> World:
    return World(known)


def leaf(root: Authority, day: str) -> Credential:
    return root.issue(HOST, start=datetime.fromisoformat(f"{day}T00:00:00+00:00"), days=900)


def test_a_root_of_today_is_public(world: World) -> None:
    found = world.path(world.known, leaf(world.current, "2026-01-01").der)
    assert (found.path.kind, found.standing) == ("public", "public")


def test_a_root_that_ended_still_excuses_what_was_issued_before(world: World) -> None:
    found = world.path(world.known, leaf(world.ended, "2024-06-01").der, world.ended.der)
    assert (found.path.kind, found.standing, found.end) == ("public", "once-public", world.end)


def test_what_it_issued_later_has_a_private_path(world: World) -> None:
    found = world.path(world.known, leaf(world.ended, "2024-07-02").der, world.ended.der)
    assert (found.path.kind, found.standing) == ("private", "ended")


def test_another_way_to_a_root_of_today_counts_where_the_first_leads_to_an_ended_one(
    world: World,
) -> None:
    below = Authority("Issuing CA", parent=world.ended, days=9000)
    crossed = Authority("Issuing CA", parent=world.current, key=below.key, days=9000)
    shown = leaf(below, "2026-01-01")
    known = replace(world.known, public=TrustAnchors((world.ended.der, world.current.der), "both"))
    chains = [(shown.der, below.der, crossed.der), (shown.der, crossed.der, below.der)]
    for chain in chains:
        found = world.path(known, *chain)
        assert (found.path.kind, found.standing) == ("public", "public")
        assert found.path.certificates[-1].der == world.current.der
    alone = world.path(known, shown.der, below.der)
    assert (alone.path.kind, alone.standing) == ("private", "ended")


def test_another_certificate_of_an_ended_roots_key_ended_as_well(world: World) -> None:
    again = Authority("Ended Root", key=world.ended.key, days=12000)
    known = replace(world.known, public=TrustAnchors((world.ended.der,), "certifi"))
    found = world.path(known, leaf(world.ended, "2024-07-02").der, again.der)
    assert (found.path.kind, found.standing) == ("private", "ended")


def test_a_root_beside_the_public_ones_is_added_and_its_path_local(
    world: World, corporate: Authority
) -> None:
    added = TrustAnchors((corporate.der,), "certifi")
    found = world.path(replace(world.known, added=added), corporate.issue(HOST).der)
    assert (found.path.kind, found.standing) == ("local", "added")


def test_a_root_that_an_unchanged_package_brought_is_undecided(
    world: World, corporate: Authority
) -> None:
    added = TrustAnchors((corporate.der,), "certifi")
    known = replace(world.known, added=added, vouched=lambda: frozenset({digest(corporate)}))
    found = world.path(known, corporate.issue(HOST).der)
    assert (found.path.kind, found.standing) == ("local", "unknown")


def test_in_a_lab_the_users_roots_are_public_and_nothing_else_is_asked(
    pki: LabPki, world: World
) -> None:
    lab = pki.knowledge()
    shown = pki.issue(HOST)
    found = world.path(lab, *shown.chain)
    assert (found.path.kind, found.standing) == ("public", None)


@pytest.mark.parametrize("day", ["2024-07-02", "2026-05-05"])
def test_keys_of_a_root_that_ended_are_not_shared(world: World, observe: Observe, day: str) -> None:
    """A public CA serves many: two of its sites are no interceptor."""
    hosts = ("github.com", "www.google.com")
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    seen = [
        observe(host, (world.ended.issue(host, start=start, days=900).der, world.ended.der), at=AT)
        for host in hosts
    ]
    assert [keys_of(Examination(one, world.known)) for one in seen] == [(), ()]
    ids = {e.id for j in judge_all(seen, world.known) for e in j.evidence}
    assert "path-private" in ids
    assert "issuer-shared" not in ids


def test_an_undecided_root_makes_nobody_an_interceptor(
    world: World, corporate: Authority, observe: Observe
) -> None:
    known = replace(
        world.known,
        local=TrustAnchors((corporate.der,), "machine"),
        vouched=lambda: frozenset({digest(corporate)}),
    )
    seen = [observe(h, (corporate.issue(h).der, corporate.der)) for h in sorted(known.canaries)]
    judged = judge_all(seen, known)
    assert {j.verdict for j in judged} == {"suspect"}
    assert all("root-undecided" in {e.id for e in j.evidence} for j in judged)
    bare = judge_all(seen, replace(known, vouched=None))
    assert {j.verdict for j in bare} == {"intercepted"}
