"""The deb on a Debian without Python: installed, upgraded, removed and purged; the rpm beside it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from detector.version import __version__
from tests.live.agent_world import Surroundings
from tests.live.installed import Machine, built
from tests.live.programs import find

pytestmark = [pytest.mark.live, pytest.mark.online, pytest.mark.timeout(600)]
_STATE = "var/lib/private/tlsight-agent"
# What lintian says of every program that brings its own interpreter.
_KNOWN = {
    "bogus-mail-host", "bogus-mail-host-in-debian-changelog", "embedded-library",
    "library-not-linked-against-libc", "shared-library-lacks-prerequisites", "hardening-no-pie",
    "executable-not-elf-or-script", "spelling-error-in-binary", "unstripped-binary-or-object",
}  # fmt: skip


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By "deb" and "rpm"; by "older" a deb of a version before."""
    into = tmp_path_factory.mktemp("packages")
    found = {path.suffix[1:]: path for path in built("packages", into)}
    before = tmp_path_factory.mktemp("before")
    older = built("packages", before, "--version", "0.0.9rc1", "--only", "deb")
    return {**found, "older": older[0]}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine") / "debian")
    yield made
    shutil.rmtree(made.folder)


def as_systemd_makes_it(machine: Machine) -> None:
    """The state's folder of a unit with DynamicUser=: private, with a link in its place."""
    state = machine.folder / _STATE
    state.mkdir(parents=True, mode=0o700)
    (machine.folder / "var/lib/tlsight-agent").symlink_to("private/tlsight-agent")


def agent_once(machine: Machine, code: int) -> None:
    machine.run("tlsight", "agent", "once", code=code, STATE_DIRECTORY="/var/lib/tlsight-agent")


def told(machine: Machine) -> list[str]:
    with closing(sqlite3.connect(machine.folder / _STATE / "agent.sqlite3")) as store, store:
        rows = store.execute("SELECT body FROM event ORDER BY number").fetchall()
    events = [json.loads(body) for (body,) in rows]
    return [event["kind"] for event in events if "finding" in event]


def device(machine: Machine) -> str:
    with closing(sqlite3.connect(machine.folder / _STATE / "agent.sqlite3")) as store, store:
        (found,) = store.execute("SELECT value FROM fact WHERE name = 'device'").fetchone()
    return str(found)


def test_a_deb_lives_from_its_first_version_to_its_purge_and_leaves_nothing(
    machine: Machine, packages: dict[str, Path], tmp_path: Path
) -> None:
    before = machine.files()
    assert not (machine.folder / "usr/bin/python3").exists()
    for name in ("older", "deb"):
        machine.bring(packages[name], f"root/{packages[name].name}")

    machine.run("dpkg", "-i", f"/root/{packages['older'].name}")
    assert machine.run("tlsight", "--version") == f"tlsight {__version__}\n"
    assert machine.run("dpkg-query", "-W", "-f", "${Version}", "tlsight") == "0.0.9~rc1"
    wanted = machine.folder / "etc/systemd/system/multi-user.target.wants/tlsight-agent.service"
    assert wanted.is_symlink()

    # Another service of tlsight's, and an administrator's own file.
    (machine.folder / "var/lib/tlsight").mkdir()
    (machine.folder / "var/lib/tlsight/rules.sqlite3").write_bytes(b"the proxy's")
    (machine.folder / "etc/tlsight/proxy.env").write_text("the proxy's")
    as_systemd_makes_it(machine)

    (tmp_path / "agent").mkdir()
    with Surroundings(tmp_path) as around:
        world = around.agent(tmp_path / "agent")
        machine.bring(world.folder / "root.pem", "etc/tlsight/root.pem")
        machine.bring(world.settings(), "etc/tlsight/agent.toml")
        agent_once(machine, 1)
        assert told(machine) == ["opened"]
        same = device(machine)

        said = machine.run("dpkg", "-i", f"/root/{packages['deb'].name}")
        assert "over (0.0.9~rc1)" in said
        assert "roots" in (machine.folder / "etc/tlsight/agent.toml").read_text()
        world.intercept(on=False)
        agent_once(machine, 0)
        agent_once(machine, 0)
        assert told(machine) == ["opened", "closed"]
        assert device(machine) == same

    machine.run("dpkg", "-r", "tlsight")
    assert not (machine.folder / "usr/bin/tlsight").exists()
    assert (machine.folder / "etc/tlsight/agent.toml").exists()
    assert (machine.folder / _STATE / "agent.sqlite3").exists()

    machine.run("dpkg", "-P", "tlsight")
    left = machine.files() - before
    theirs = {"etc/tlsight", "etc/tlsight/proxy.env", "etc/tlsight/root.pem", "var/lib/tlsight"}
    theirs |= {"var/lib/tlsight/rules.sqlite3"}
    assert {path for path in left if not path.startswith("root/")} == theirs


def test_an_administrator_who_disabled_the_agent_keeps_it_so(
    machine: Machine, packages: dict[str, Path]
) -> None:
    wanted = machine.folder / "etc/systemd/system/multi-user.target.wants/tlsight-agent.service"
    machine.bring(packages["older"], "root/older.deb")
    machine.bring(packages["deb"], "root/this.deb")
    machine.run("dpkg", "-i", "/root/older.deb")
    assert wanted.is_symlink()
    wanted.unlink()  # as systemctl disable does
    machine.run("dpkg", "-i", "/root/this.deb")
    assert not wanted.is_symlink()
    machine.run("dpkg", "-P", "tlsight")


def test_the_deb_is_what_lintian_asks_of_a_program_with_its_own_interpreter(
    packages: dict[str, Path],
) -> None:
    done = subprocess.run(
        [find("lintian"), "--allow-root", "--no-tag-display-limit", packages["deb"]],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    said = [line for line in done.stdout.splitlines() if line.startswith(("E:", "W:"))]
    assert [line for line in said if line.split()[2] not in _KNOWN] == []


def test_the_same_sources_give_the_same_bytes(packages: dict[str, Path], tmp_path: Path) -> None:
    into = tmp_path / "again"
    into.mkdir()
    (again,) = built("packages", into, "--only", "deb")
    assert again.name == packages["deb"].name
    assert again.read_bytes() == packages["deb"].read_bytes()


def test_an_rpm_is_installed_in_a_root_of_its_own_and_goes_again(
    machine: Machine, packages: dict[str, Path]
) -> None:
    rpm = (find("rpm"), "--root", str(machine.folder))
    listed = subprocess.run(
        [find("rpm"), "-qpl", packages["rpm"]], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for path in (
        "/usr/bin/tlsight",
        "/usr/lib/systemd/system/tlsight-agent.service",
        "/etc/tlsight/agent.toml",
    ):
        assert path in listed
    # dpkg has the C library, so rpm does not know of it.
    subprocess.run([*rpm, "-i", "--nodeps", packages["rpm"]], check=True, timeout=120)
    assert machine.run("tlsight", "--version") == f"tlsight {__version__}\n"
    configured = subprocess.run(
        [*rpm, "-q", "--configfiles", "tlsight"], capture_output=True, text=True, check=True
    )
    assert configured.stdout.split() == ["/etc/tlsight/agent.toml"]
    subprocess.run([*rpm, "-e", "tlsight"], check=True, timeout=120)
    assert not (machine.folder / "usr/libexec/tlsight").exists()
