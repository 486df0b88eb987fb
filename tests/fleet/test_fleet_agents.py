"""`tlsight fleet agents` and `silent`: who is enrolled, and who never told anything."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addons.cli import fleet_agents, fleet_findings
from addons.fleet.database import open_database
from addons.fleet.home import FleetHome
from addons.fleet.members import Member, Members
from detector import clock
from detector.cli.options import Verbs
from tests.fleet.keeping import keep
from tests.fleet.telling import heartbeat, name


@pytest.fixture
def home(tmp_path: Path) -> FleetHome:
    """Two agents are enrolled; one was heard."""
    made = FleetHome(tmp_path / "fleet", make=True)
    members = Members(made.members)
    at = clock.now() - timedelta(hours=2)
    for device in (1, 2):
        members.add(
            Member(name(device), "agent", name(f"device {device}"), f"laptop-{device}", "linux", at.isoformat(), None, None, "")
        )  # fmt: skip
    members.close()

    async def fill() -> None:
        database = await open_database(str(made.database))
        await keep(database, [heartbeat(1, clock.now(), every=86_400.0)])
        await database.close()

    asyncio.run(fill())
    return made


def run(*words: object) -> Result:
    app = Verbs()
    fleet_findings.register(app)
    fleet_agents.register(app)
    done = CliRunner().invoke(app, list(map(str, words)), standalone_mode=False)
    assert done.exception is None, done.exception
    return done


def test_who_was_enrolled_and_never_heard_is_silent(home: FleetHome) -> None:
    words = ("silent", "--database", home.database, "--store", home.folder)
    done = run(*words)
    assert (done.return_value, done.stdout.count("never heard")) == (1, 1)
    assert "laptop-2" in done.stdout
    (line,) = run(*words, "--json").stdout.splitlines()
    assert json.loads(line)["silent"]["device"] == name("device 2")


def test_where_the_fleets_folder_is_elsewhere_it_is_said_that_this_is_not_known(
    home: FleetHome, tmp_path: Path
) -> None:
    done = run("silent", "--database", home.database, "--store", tmp_path / "none")
    assert (done.return_value, done.stdout) == (0, "")
    assert "is not known" in done.stderr
    assert not (tmp_path / "none").exists()


def test_the_list_says_when_each_was_heard_last(home: FleetHome) -> None:
    lines = run("agents", "--store", home.folder).stdout.splitlines()
    assert sorted("never heard" in line for line in lines) == [False, True]
    told = [json.loads(line) for line in run("agents", "--store", home.folder, "--json").stdout.splitlines()]  # fmt: skip
    assert {one["shown"]: bool(one["last"]) for one in told} == {
        "laptop-1": True,
        "laptop-2": False,
    }
    home.database.unlink()
    done = run("agents", "--store", home.folder)
    assert done.stdout.count("not known") == 2
    assert "--database" in done.stderr


@pytest.mark.parametrize("verb", ["findings", "correlations", "networks"])
def test_none_says_of_which_database_and_that_nobody_writes_it(verb: str, home: FleetHome) -> None:
    done = run(verb, "--database", home.database)
    assert (done.return_value, done.stdout) == (0, "")
    said = " ".join(done.stderr.split())
    assert str(home.database) in said
    assert "no collector ever wrote there" in said
