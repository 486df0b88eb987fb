"""`tlsight bypass sync` over a fleet's bus: a decision is in force at a real mitmproxy without its asking."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.live.bypass_world import BANK
from tests.live.sync_world import CENTRE, DECIDED, SyncWorld, _environment
from tests.live.waiting import PATIENCE, settled, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
PORT = 4222


@contextmanager
def fleet(world: SyncWorld, store: Path) -> Generator[Path]:
    """`tlsight fleet serve` in the centre's namespace."""
    said = world.folder / "fleet-said"
    words = (
        "fleet", "serve", "--listen", f"{CENTRE}:{PORT}", "--name", CENTRE, "--store", str(store), "--room", "1",
        "--database", str(world.folder / "findings.sqlite3"),
    )  # fmt: skip
    with said.open("wb") as file:
        process = subprocess.Popen(
            ["ip", "netns", "exec", world.namespace, sys.executable, "-m", "detector", *words],
            stdout=file, stderr=subprocess.STDOUT, env=_environment(world.folder),
        )  # fmt: skip
    try:
        until(lambda: "fleet: tls://" in said.read_text(), "the fleet", told=said.read_text)
        yield said
    finally:
        process.terminate()
        process.wait(PATIENCE)


def tlsight(world: SyncWorld, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "detector", *words],
        capture_output=True, text=True, timeout=60, env=_environment(world.folder),
    )  # fmt: skip
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"


def test_a_decision_is_in_force_at_a_real_mitmproxy_without_its_asking_and_a_cut_wire_changes_nothing(
    tmp_path: Path,
) -> None:
    with SyncWorld(tmp_path, "north") as world:
        north, store = world.sites["north"], tmp_path / "fleet"
        with fleet(world, store):
            keys = tmp_path / "north.fleet", tmp_path / "centre.fleet"
            tlsight(
                world, "fleet", "gateway", "north", "--out", str(keys[0]), "--store", str(store)
            )
            tlsight(world, "fleet", "centre", "--out", str(keys[1]), "--store", str(store))
            world.tell("add", "mail.example", *DECIDED)
            north.enrol(str(keys[0]))
            centre = (
                "sync", "run", "--shelf", str(keys[1]), "--every", "600", "--store", str(world.store),
            )  # fmt: skip
            with (
                world.running(world.namespace, *centre),
                north.proxy(),
                north.syncing("--every", "600", "--timeout", "30") as syncing,
            ):
                syncing.wait_for("is in force")
                assert north.world.visit("bank.example", at=BANK) == "inspected"
                took = []
                for verb, then in (
                    (("add", "bank.example", *DECIDED), "bank"),
                    (("remove", "bank.example", "--reason", "no longer"), "inspected"),
                ):
                    world.tell(*verb)
                    began = time.monotonic()
                    visit = partial(north.world.visit, "bank.example", at=BANK)
                    assert (
                        settled(visit, then) == then
                    )  # nobody looks by himself within ten minutes
                    took.append(time.monotonic() - began)
                print("in force after", [f"{one:.2f} s" for one in took])
                north.cut()
                assert north.world.visit("mail.example", at=BANK) != "inspected"
