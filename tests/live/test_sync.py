"""One list for two real mitmproxies in namespaces of their own, and what becomes of it when the wire is cut."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from addons.store.auditing import audited
from addons.sync.enrolment import write_enrolment
from detector import clock as wall_clock
from tests.addons.conftest import Clock
from tests.addons.learning_attacks import refuses
from tests.addons.sync_places import CentrePlace, GatewayPlace, close_all
from tests.live.bypass_world import APP, BANK, CLIENT, MAIL, PINNED, SECOND_CLIENT, SHOP
from tests.live.sync_world import DECIDED, Running, Site, SyncWorld
from tests.live.waiting import PATIENCE, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]


def test_two_gateways_have_one_list_and_go_on_alone_when_the_wire_is_cut(tmp_path: Path) -> None:
    with SyncWorld(tmp_path, "north", "south") as world:
        north, south = world.sites["north"], world.sites["south"]
        world.tell("add", "bank.example", *DECIDED)
        for site in (north, south):
            site.enrol()
        with world.serving(), south.proxy(), south.syncing():
            with north.proxy(), north.syncing() as syncing:
                # Rules go down.
                for site in (north, south):
                    passes(site, "bank.example", BANK, "bank")
                    assert site.world.visit("pinned.example", at=PINNED) == "inspected"
                # One client at each of two sites makes a candidate; the same address at both does not.
                for site, address in ((north, CLIENT), (south, SECOND_CLIENT)):
                    refused(site, "pinned.example", PINNED, address)
                    refused(site, "app.example", APP, CLIENT)
                until(lambda: candidates(world) == ["pinned.example"], "the candidate")
                until(lambda: attempts(world, "app.example") == 4, "the attempts of both")
                assert candidates(world) == ["pinned.example"]
                # The wire to north is cut, and it says so once.
                before = len(alone(syncing))  # a busy centre may have hung up
                north.cut()
                until(lambda: len(alone(syncing)) > before, "that it is alone")
                # Decisions on both sides.
                world.tell("approve", "pinned.example", *DECIDED)
                world.tell("remove", "bank.example", "--reason", "no longer")
                world.tell("add", "mail.example", *DECIDED)
                north.tell("add", "shop.example", *DECIDED)
                north.tell("add", "mail.example", *DECIDED, "--action", "inspect")
                passes(south, "pinned.example", PINNED, "pinned")
                passes(south, "bank.example", BANK, "inspected")
                assert north.world.visit("pinned.example", at=PINNED) == "inspected"
                assert north.world.visit("bank.example", at=BANK) == "bank"
                refused(north, "mail.example", MAIL, CLIENT, times=7)
                # What was on its way fails otherwise than what comes after it.
                told = alone(syncing)[before:]
                assert len(told) == len(set(told)) <= 2
                syncing.kill()
            # North's proxy starts anew while it is alone, and nothing runs beside it: the last good list is in force.
            with north.proxy():
                passes(north, "bank.example", BANK, "bank")
                assert attempts(world, "mail.example") == 0
                north.mend()
                with north.syncing() as syncing:
                    syncing.wait_for("is in force")
                    passes(north, "bank.example", BANK, "inspected")
                    passes(north, "pinned.example", PINNED, "pinned")
                    # What north decided for itself stays; where both speak of one name, the one that inspects counts.
                    passes(north, "shop.example", SHOP, "shop")
                    assert north.world.visit("mail.example", at=MAIL) == "inspected"
                    until(lambda: attempts(world, "mail.example") >= 7, "what was seen while alone")
                    until(lambda: waiting(world, "north") == 0, "none waits")
                    # Every attempt came once, after a kill and a cut.
                    with north.opened() as opened:
                        own = len(list(opened.traffic.attempts("mail.example")))
                    with world.opened() as opened:
                        assert len(list(opened.traffic.attempts("mail.example"))) == own
                    told = world.tell("sync", "status")
                    assert "2 rules of its own" in told
                    assert "something of its own counts there for: mail.example" in told
                    assert "proxy: mitmproxy" in told
        for place in (world, north, south):
            with place.opened() as opened:
                assert audited(opened, wall_clock.now()).faults == ()


def alone(syncing: Running) -> list[str]:
    """The lines by which it said that it goes on without the centre."""
    return [line for line in syncing.said.splitlines() if "last good list stays in force" in line]


def passes(site: Site, name: str, at: str, answer: str) -> None:
    until(lambda: site.world.visit(name, at=at) == answer, f"{name} at {site.name}: {answer}")


def refused(site: Site, name: str, at: str, client: str, *, times: int = 2) -> None:
    """By a client that trusts the proxy elsewhere."""
    gateway = "10.77.1.1" if client == CLIENT else "10.78.1.1"
    site.world.accept("victim.example", "10.77.2.60", client, gateway)
    for _ in range(times):
        site.world.refuse(name, at, client, gateway)


def attempts(world: SyncWorld, host: str) -> int:
    """Refusals of a host that the centre has."""
    with world.opened() as opened:
        return sum(one.outcome != "accepted" for one in opened.traffic.attempts(host))


def waiting(world: SyncWorld, name: str) -> int:
    """Batches that a gateway told of last."""
    with world.opened() as opened:
        report = opened.gateways.known()[name].report
    assert report is not None
    return int(report["waiting"])


def candidates(world: SyncWorld) -> list[str]:
    with world.opened() as opened:
        return [one.candidate.host for one in opened.candidates("pending")]


def test_killed_at_any_moment_nothing_is_lost_and_nothing_counts_twice(tmp_path: Path) -> None:
    clock = Clock()
    clock.at = wall_clock.now()
    centre = CentrePlace(tmp_path / "centre", clock)
    north = GatewayPlace(tmp_path / "north", clock, centre.enrol("north"))
    write_enrolment(tmp_path / "north.json", north.enrolment)
    programs = {
        "centre": ("--shelf", str(centre.shelf), "--store", str(centre.path)),
        "north": ("--enrolment", str(tmp_path / "north.json"), "--store", str(north.path)),
    }
    running = {name: _start(words) for name, words in programs.items()}
    chance = random.Random(20261130)
    try:
        for turn in range(14):
            centre.passes(f"h{turn}.example")
            north.sees(refuses("10.0.0.1", clock.at, f"a{turn % 3}.example") for _ in range(50))
            name = chance.choice(sorted(programs))
            time.sleep(chance.uniform(0.3, 1.6))
            running[name].kill()
            running[name].wait(PATIENCE)
            running[name] = _start(programs[name])
        until(lambda: len(north.patterns) == 14, "all rules")
        until(lambda: sum(centre.count(f"a{n}.example") for n in range(3)) >= 700, "all attempts")
        until(lambda: north.store.gateways.waiting()[0] == 0, "no batch waits")
        assert [centre.count(f"a{n}.example") for n in range(3)] == [250, 250, 200]
    finally:
        for one in running.values():
            one.kill()
            one.wait(PATIENCE)
    for store in (centre.store, north.store):
        assert audited(store, clock.at).faults == ()
    close_all()


def test_a_full_shelf_costs_nothing_that_was_there(tmp_path: Path) -> None:
    clock = Clock()
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(shelf)], check=True)
    try:
        centre = CentrePlace(tmp_path / "centre", clock, shelf)
        north = GatewayPlace(tmp_path / "north", clock, centre.enrol("north"))
        centre.passes("bank.example")
        centre.round()
        north.round()
        ballast = shelf / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        centre.passes("app.example")
        north.sees(refuses("10.0.0.1", clock.at, "a.example") for _ in range(40))
        for done in (centre.round(), north.round()):
            assert any("No space left on device" in line for line in done.trouble), done
        assert north.patterns == {"bank.example"}
        ballast.unlink()
        for _ in range(3):
            centre.round()
            assert north.round().trouble == ()
        assert north.patterns == {"bank.example", "app.example"}
        assert centre.count("a.example") == 40
        assert not list(shelf.rglob("*.part"))
    finally:
        close_all()
        subprocess.run(["umount", str(shelf)], check=True)


def _start(words: tuple[str, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "detector", "bypass", "sync", "run", "--every", "0.1", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
