"""What gateways tell: once, in order, within its measure, and as one voice each."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec

from addons.bypass.attempt import Attempt
from addons.store.traffic import Passage
from addons.sync.enrolment import enrolled
from addons.sync.reports import A_DAY, MAX_WAITING, PER_BATCH
from tests.addons.conftest import Clock
from tests.addons.learning_attacks import refuses
from tests.addons.sync_places import CentrePlace, GatewayPlace, both, pinned

HEAD = "centre/head"


# Traffic goes up.


def test_attempts_and_passages_come_up_once_whatever_is_repeated(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    north.sees(refuses("10.0.0.1", clock(), "a.example") for _ in range(5))
    passed = Passage(clock(), "bank.example", "bank.example", 10, 20, 1.5, 2)
    north.store.traffic.write([], [passed])
    north.round()
    blob = centre.shelf / "gateways/north/batch-1"
    kept = blob.read_bytes()
    centre.round()
    assert not blob.exists()
    blob.write_bytes(kept)  # a copy that came late
    centre.round()
    north.open()
    both(centre, north)
    north.store.traffic.write([], [passed])
    both(centre, north)
    assert centre.count("a.example") == 5
    use = centre.store.traffic.uses()["bank.example"]
    assert (use.connections, use.up, use.down, use.seconds) == (4, 20, 40, 3.0)
    assert {one.via for one in centre.store.traffic.attempts()} == {"north"}


def test_a_batch_that_is_damaged_on_the_shelf_is_laid_there_again(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    north.sees([refuses("10.0.0.1", clock(), "a.example")])
    north.round()
    blob = centre.shelf / "gateways/north/batch-1"
    blob.write_bytes(blob.read_bytes()[:-9])
    assert "batch 1 is refused" in centre.round().trouble[0]
    both(centre, north)
    assert centre.count("a.example") == 1


def test_batches_that_come_in_the_wrong_order_are_taken_in_the_right_one(
    centre: CentrePlace, north: GatewayPlace, clock: Clock, tmp_path: Path
) -> None:
    for name in ("a.example", "b.example"):
        north.sees([refuses("10.0.0.1", clock(), name)])
        north.round()
    first = centre.shelf / "gateways/north/batch-1"
    first.rename(tmp_path / "late")
    centre.round()
    assert (centre.count("a.example"), centre.count("b.example")) == (0, 0)
    (tmp_path / "late").rename(first)
    centre.round()
    assert (centre.count("a.example"), centre.count("b.example")) == (1, 1)


def test_a_gateway_alone_for_long_keeps_the_latest_and_tells_how_much_gave_way(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    shelf = centre.shelf.rename(centre.shelf.with_name("away"))
    for day in range(MAX_WAITING + 3):
        north.sees(
            refuses("10.0.0.1", clock() + timedelta(seconds=n), f"d{day}.example")
            for n in range(10)
        )
        assert "is no folder" in north.round().trouble[0]
    shelf.rename(centre.shelf)
    for _ in range(12):
        both(centre, north)
    known = centre.store.gateways.known()["north"]
    assert known.report is not None
    assert (known.report["lost"], known.report["waiting"]) == (30, 0)
    assert centre.count("d2.example") == 0
    assert [centre.count(f"d{n}.example") for n in range(3, MAX_WAITING + 3)] == [10] * MAX_WAITING


def test_a_store_that_began_anew_goes_on_behind_what_the_centre_knows(
    centre: CentrePlace, north: GatewayPlace, clock: Clock, tmp_path: Path
) -> None:
    for name in ("a.example", "b.example"):
        north.sees([refuses("10.0.0.1", clock(), name)])
        both(centre, north)
    fresh = GatewayPlace(tmp_path / "again", clock, north.enrolment)
    fresh.sees([refuses("10.0.0.1", clock(), "c.example")])
    both(centre, fresh)
    assert centre.count("c.example") == 1
    assert fresh.store.gateways.waiting()[0] == 0


def test_a_gateway_whose_old_traffic_is_forgotten_tells_of_what_comes_then(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    north.sees([refuses("10.0.0.1", clock(), "a.example")] * 3)
    both(centre, north)
    clock.at += timedelta(days=60)
    north.store.traffic.prune(clock())
    north.round()
    north.sees([refuses("10.0.0.1", clock(), "b.example")])
    both(centre, north)
    assert centre.count("b.example") == 1


def test_many_attempts_are_many_batches_each_within_its_bounds(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    long = "x" * 180 + ".example"
    some = refuses("10.0.0.1", clock(), "y.example")
    big = msgspec.structs.replace(some, error="e" * 2000)
    north.sees([big] * (PER_BATCH + 7))
    assert long not in north.patterns
    for _ in range(4):
        both(centre, north)
    assert centre.count("y.example") == PER_BATCH + 7


def test_what_one_gateway_says_in_a_day_has_a_measure(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    known = centre.store.gateways
    north.sees([refuses("10.0.0.1", clock(), "a.example")])
    both(centre, north)
    full = msgspec.structs.replace(
        known.known()["north"], day=clock().date().isoformat(), today=A_DAY - 1
    )
    known.know(full)
    north.sees(refuses("10.0.0.1", clock(), "b.example") for _ in range(4))
    both(centre, north)
    assert centre.count("b.example") == 1
    assert known.known()["north"].left_out == 3
    clock.at += timedelta(days=1)
    north.sees([refuses("10.0.0.1", clock(), "c.example")])
    both(centre, north)
    assert centre.count("c.example") == 1


# What all of it amounts to.


def test_one_client_at_each_of_two_gateways_makes_a_candidate(
    centre: CentrePlace, north: GatewayPlace, south: GatewayPlace, clock: Clock
) -> None:
    north.sees(pinned("app.example", "10.0.0.1", at=clock()))
    both(centre, north, south)
    assert centre.candidates == []
    south.sees(pinned("app.example", "10.0.0.2", at=clock()))
    both(centre, north, south)
    assert centre.candidates == ["app.example"]
    (found,) = centre.store.candidates()
    assert found.candidate.clients == ("10.0.0.1 at north", "10.0.0.2 at south")
    assert (found.candidate.proven, found.candidate.may_try) == (0, False)


def test_a_gateway_that_lies_makes_no_candidate_alone_and_never_a_trial(
    centre: CentrePlace, north: GatewayPlace, south: GatewayPlace, clock: Clock
) -> None:
    def users(at: Clock) -> list[Attempt]:
        found = [a for n in range(40) for a in pinned("app.example", f"10.0.{n}.1", at=at())]
        return [msgspec.structs.replace(a, user=f"u{a.client}".replace(".", "-")) for a in found]

    north.sees(a for n in range(60) for a in pinned("app.example", f"10.0.0.{n}", at=clock()))
    north.sees(users(clock))
    both(centre, north, south)
    assert centre.candidates == []
    south.sees(users(clock)[:8])
    both(centre, north, south)
    assert [one.candidate.may_try for one in centre.store.candidates()] in ([False], [])


def test_the_same_private_address_at_two_gateways_is_one_client_unless_their_sites_differ(
    centre: CentrePlace, north: GatewayPlace, south: GatewayPlace, clock: Clock, tmp_path: Path
) -> None:
    for one in (north, south):
        one.sees(pinned("app.example", "10.0.0.5", at=clock()))
    both(centre, north, south)
    assert centre.candidates == []
    east, west = (
        GatewayPlace(tmp_path / name, clock, centre.enrol(name, name)) for name in ("east", "west")
    )
    for one in (east, west):
        one.sees(pinned("game.example", "10.0.0.5", at=clock()))
        one.sees(pinned("chat.example", "2001:4860:4860::8888", at=clock()))
    both(centre, north, south, east, west)
    assert centre.candidates == ["game.example"]


def test_a_client_of_the_centres_own_proxy_counts_beside_one_of_a_gateway(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    centre.store.traffic.write(pinned("app.example", "10.0.0.1", at=clock()), [])
    north.sees(pinned("app.example", "10.0.0.1", at=clock()))
    both(centre, north)
    assert centre.candidates == []
    north.sees(pinned("app.example", "10.0.0.2", at=clock()))
    both(centre, north)
    assert centre.candidates == ["app.example"]


def test_a_candidate_is_cleared_when_a_client_of_the_same_kind_succeeds_anywhere(
    centre: CentrePlace, north: GatewayPlace, south: GatewayPlace, clock: Clock
) -> None:
    from tests.addons.learning_attacks import APP, trusts

    north.sees(pinned("app.example", "10.0.0.1", at=clock()))
    south.sees(pinned("app.example", "10.0.0.2", at=clock()))
    both(centre, north, south)
    assert centre.candidates == ["app.example"]
    south.sees([trusts("10.0.0.3", clock(), "app.example", ja4=APP)])
    both(centre, north, south)
    assert centre.candidates == []


def test_what_a_gateway_tells_of_is_not_told_on(
    centre: CentrePlace, north: GatewayPlace, clock: Clock, tmp_path: Path
) -> None:
    above = CentrePlace(tmp_path / "above", clock)
    between = GatewayPlace(centre.path.parent, clock, above.enrol("region"))
    between.store.close()
    between.path = centre.path
    between.open()
    north.sees([refuses("10.0.0.1", clock(), "a.example")])
    both(centre, north)
    both(above, between)
    assert above.count("a.example") == 0


def test_the_centres_file_of_gateways_holds_no_token(
    centre: CentrePlace, north: GatewayPlace
) -> None:
    text = centre.path.with_name("centre.sqlite3.gateways").read_text()
    assert north.enrolment.token not in text
    assert enrolled(centre.path)["north"].key == north.enrolment.secret
