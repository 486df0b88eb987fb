"""`tlsight fleet findings` and its sisters, as somebody types them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from addons.cli.fleet_findings import register
from addons.fleet.correlated import correlate_now
from addons.fleet.database import open_database
from detector.cli.options import Verbs
from detector.errors import ConfigError, StoreError
from tests.fleet.keeping import keep
from tests.fleet.telling import DAY, HOUR, START, finding, heartbeat, name, network

OFFICE = network("office")
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A fleet of three that prove what they tell and one that does not; gives exit code and stdout."""
    where = str(tmp_path / "fleet.sqlite3")
    told = [finding(n, where=OFFICE, issuer="CN=\x1b[31mred") for n in range(3)]
    told += [finding(3, where=OFFICE, proved=False)]

    async def fill() -> None:
        database = await open_database(where)
        await keep(database, [heartbeat(n, where=OFFICE) for n in range(3)] + told)
        await correlate_now(database, START + HOUR)
        await database.close()

    asyncio.run(fill())
    app = Verbs()
    register(app)

    def go(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*words, "--database", where], standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        return int(done.return_value), done.stdout

    return go


def test_open_findings_are_a_line_each_and_nothing_obeys_a_strangers_text(run: Run) -> None:
    code, out = run("findings")
    assert code == 1
    assert out.count("OPEN  interception  www.google.com:443") == 3
    assert "\x1b" not in out


def test_json_has_its_schema_and_says_the_same(run: Run) -> None:
    code, out = run("findings", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert {line["schema"] for line in lines} == {"tlsight.fleet/1"}
    assert {line["finding"]["name"] for line in lines} == {
        "laptop-0",
        "laptop-1",
        "laptop-2",
        "laptop-3",
    }
    _, out = run("findings", "--by", "network", "--json")
    assert json.loads(out)["group"]["agents"] == 3


def test_correlations_silent_agents_and_networks_are_told(run: Run) -> None:
    code, out = run("correlations")
    assert (code, "issuer-on-network" in out) == (1, True)
    code, out = run("silent")  # the fleet spoke long ago
    assert (code, out.count("last heard 2026-11-02T09:00:00Z")) == (1, 4)
    assert run("networks", "--label", OFFICE.id, "Head office")[0] == 0
    code, out = run("networks")
    assert (code, "Head office" in out) == (0, True)
    with pytest.raises(ConfigError, match="no network"):
        run("networks", "--label", "nothing", "x")


def test_an_events_observation_is_judged_again_by_anybody(
    run: Run, tmp_path: Path, known: object
) -> None:
    from detector.judging.judge import judge_all
    from detector.runs.saved import load_observations

    _, out = run("findings", "--json")
    ids = {json.loads(line)["finding"]["name"]: json.loads(line)["finding"]["event"] for line in out.splitlines()}  # fmt: skip
    code, out = run("event", ids["laptop-0"][:12], "--observation")
    assert code == 0
    saved = tmp_path / "seen.ndjson"
    saved.write_text(out)
    (judged,) = judge_all(load_observations(saved, None, START + DAY), known)  # type: ignore[arg-type]
    assert judged.observation.target.host == "www.google.com"
    code, out = run("event", ids["laptop-3"])
    assert json.loads(out)["device"]["id"] == name("device 3")
    with pytest.raises(ConfigError, match="no observation"):
        run("event", ids["laptop-3"], "--observation")
    for wrong in ("abc", "zzzzzzzz", "0" * 32):
        with pytest.raises(ConfigError):
            run("event", wrong)


def test_no_database_is_one_clear_line(tmp_path: Path) -> None:
    app = Verbs()
    register(app)
    words = ["findings", "--database", str(tmp_path / "none.sqlite3")]
    done = CliRunner().invoke(app, words, standalone_mode=False)
    assert isinstance(done.exception, StoreError)
