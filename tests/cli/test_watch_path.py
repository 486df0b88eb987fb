"""`tlsight watch-path` on one machine: what is kept, what is told, and the exit code for it."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from detector import clock
from detector.knowledge.path_readings import PathReadings
from detector.lab.origin import Origin
from detector.lab.pki import Authority, Credential, LabPki
from tests.cli.conftest import Run, running

SITE, OTHER = "www.wikipedia.org", "github.com"
Read = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def read(tlsight: Run, world: LabPki, tmp_path: Path) -> Read:
    """Read the paths to both sites where these answer for them, always on one port."""
    (tmp_path / "logs.json").write_text(world.ct_logs_json)
    port = 0

    def run(shown: Credential, *words: str) -> subprocess.CompletedProcess[str]:
        nonlocal port
        origin = Origin({SITE: shown, OTHER: shown})
        origin.port = port
        with running(origin) as there:
            port = there.port
            return tlsight(
                "watch-path", SITE, OTHER, "--roots", tmp_path / "root.pem", "--ct-logs",
                tmp_path / "logs.json", "--connect", f"127.0.0.1:{port}", "--no-local-roots", *words,
            )  # fmt: skip

    return run


def head(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()[0]


def test_first_then_the_same_though_renewed_then_an_interceptor_and_then_it_is_gone(
    read: Read, world: LabPki
) -> None:
    gateway = Authority("Gateway CA", organization="Gateway Ltd", profile=False)
    home = ("--network", "home")
    first = "At home: direct. It is the first reading; the next one is compared with it."
    assert head(read(world.issue(SITE, OTHER), *home)) == (3, first)
    assert head(read(world.issue(SITE, OTHER), *home)) == (
        0, "At home: direct. No difference that counts.",
    )  # fmt: skip

    done = read(gateway.issue(SITE, OTHER), *home)
    code, told = head(done)
    assert code == 1
    assert re.fullmatch(
        rf"At home: intercepted by .*Gateway.*\. Changed here: {SITE}, {OTHER}\.", told
    )
    assert f"≠ {SITE}, {OTHER}  intercepted by" in done.stdout
    assert "ago it was direct, now: intercepted by" in done.stdout

    code, told = head(read(world.issue(SITE, OTHER), *home))
    assert (code, told.startswith("At home: direct. Changed here:")) == (1, True)


def test_networks_are_compared_listed_and_forgotten(
    read: Read, tlsight: Run, world: LabPki, tmp_path: Path
) -> None:
    gateway = Authority("Gateway CA", organization="Gateway Ltd", profile=False)
    read(world.issue(SITE, OTHER), "--network", "home")
    # One machine in one place: what the network is called decides here where it is, so the other name is put there.
    with closing(PathReadings(tmp_path / "state/tlsight/history.sqlite3", clock.now)) as kept:
        (home,) = kept.networks()
        ((reading,),) = next(iter(targets(kept).values())).values()
        kept.note("0ff1ce" * 5, "office")
        kept.keep("0ff1ce" * 5, [(name, reading.reading) for name in targets(kept)])
    done = read(gateway.issue(SITE, OTHER), "--network", "home", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["schema"]) == (1, "tlsight.watch-path/1")
    assert (found["answer"], found["network"], found["network_id"]) == ("differs", "home", home.id)
    host = found["hosts"][0]
    assert [(one["network"], one["here"]) for one in host["compared"]] == [
        ("home", True),
        ("office", False),
    ]
    assert host["compared"][1]["changes"][0]["kind"] == "verdict"

    listed = json.loads(tlsight("watch-path", "--networks", "--json").stdout)
    assert {one["name"]: one["hosts"] for one in listed["networks"]} == {"home": 2, "office": 2}
    assert head(tlsight("watch-path", "--forget", "0ff1ce"))[0] == 0
    assert "office" not in tlsight("watch-path", "--networks").stdout
    assert head(tlsight("watch-path", "--forget", "all"))[0] == 0
    assert tlsight("watch-path", "--networks").stdout.startswith("No network is known yet")


def targets(kept: PathReadings) -> dict[str, dict[str, tuple]]:  # type: ignore[type-arg]
    """All that is kept, by target."""
    rows = kept._db.execute("SELECT DISTINCT target FROM path")
    return {name: kept.earlier(name) for (name,) in rows}


def test_nobody_there_is_nothing_to_compare_and_nothing_is_kept(tlsight: Run) -> None:
    silent = ("watch-path", "nowhere.invalid", "--network", "here", "--timeout", "1")
    for _ in range(2):
        code, told = head(tlsight(*silent))
        assert (code, told) == (3, "At here: nobody answered, so there is nothing to compare.")


def test_a_port_that_is_closed_is_an_answer_of_the_path(tlsight: Run) -> None:
    words = ("watch-path", SITE, "--connect", "127.0.0.1:9", "--network", "here")
    for code in (3, 0):
        assert head(tlsight(*words))[0] == code


def test_the_salt_and_the_readings_are_the_users_alone(
    read: Read, world: LabPki, tmp_path: Path
) -> None:
    read(world.issue(SITE, OTHER), "--network", "home")
    folder = tmp_path / "state/tlsight"
    for name in ("device.json", "history.sqlite3"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--forget", "moon"), "'moon' is no network; see tlsight watch-path --networks"),
        (("--every", "soon"), "'soon' is no time; 30s, 10m, 2h, 7d"),
        (("--every", "99d"), "99d is more than 7d, or nothing"),
        (("--network", " "), "a name has 1 to 60 characters"),
        (("--network", "x" * 61), "a name has 1 to 60 characters"),
    ],
)
def test_mistakes_are_one_line_and_2(tlsight: Run, words: tuple[str, ...], said: str) -> None:
    done = tlsight("watch-path", SITE, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
