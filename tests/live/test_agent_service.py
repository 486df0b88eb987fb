"""The agent's units: checked by systemd's own tools, and run as systemd would run them, so far as that can be had without it."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.live.programs import find
from tests.live.unit_world import COMMAND, UID, UnitWorld
from tests.live.waiting import PATIENCE

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore::ResourceWarning")]
SYSTEM, USER = (
    "etc/systemd/system/tlsight-agent.service",
    "etc/systemd/user/tlsight-agent-user.service",
)
STATE = "/var/lib/tlsight-agent"
# Exposure by systemd-analyze, in tenths.
MOST = 13


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("units")
    command = [COMMAND, "agent", "service", "systemd", "--write", folder, "--command", COMMAND]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_systemd_finds_no_fault_in_the_units_and_little_that_the_machines_may_do(
    units: Path,
) -> None:
    for unit, whose in ((SYSTEM, ()), (USER, ("--user",))):
        checked = subprocess.run(
            [find("systemd-analyze"), *whose, "verify", "--man=no", units / unit],
            capture_output=True, text=True,
        )  # fmt: skip
        # Of the machine's own units it says what it likes.
        assert "tlsight" not in checked.stderr, checked.stderr
    said = subprocess.run(
        [find("systemd-analyze"), "security", "--offline=yes", "--no-pager", f"--threshold={MOST}", units / SYSTEM],
        capture_output=True, text=True,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout[-400:]
    assert re.search(rf"tlsight-agent.service: {MOST / 10:.1f} ", said.stdout)


def test_what_the_senses_need_is_allowed(units: Path) -> None:
    for unit in (SYSTEM, USER):
        lines = (units / unit).read_text().splitlines()
        (families,) = [line for line in lines if line.startswith("RestrictAddressFamilies=")]
        assert "AF_NETLINK" in families.split()


@pytest.fixture(scope="module")
def world() -> Generator[UnitWorld]:
    with UnitWorld() as found:
        yield found


def test_the_agent_lives_as_the_unit_starts_it_and_knows_its_network(
    units: Path, world: UnitWorld
) -> None:
    """As a user without rights or home, over a file system that is read-only but for its own folder."""
    settings = f'[agent]\\ncanaries = 0\\nhosts = ["127.0.0.1:9"]\\nevery = "1d"\\ntrust = false\\n[[sink]]\\nkind = "file"\\npath = "{STATE}/told"\\n'
    made = world.shell(
        f"install -d -m 0700 -o {UID} -g {UID} {STATE} && printf '{settings}' > {STATE}/agent.toml"
        f" && chmod 644 {STATE}/agent.toml"
    )
    assert made.returncode == 0, made.stderr
    environment = {
        "STATE_DIRECTORY": STATE,
        "TLSIGHT_AGENT_CONFIG": f"{STATE}/agent.toml",
        "HOME": "/",
    }
    command = world.unit(units / SYSTEM, {}, environment)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as agent:
        try:
            started = _told(world, agent, "started")
            assert started["device"]["system"] == "linux"
        finally:
            agent.terminate()
        said = agent.communicate(timeout=PATIENCE)[0]
    assert agent.returncode == 0, said
    assert "Traceback" not in said
    kept = world.shell(f"stat -c '%u %a %n' {STATE}/*").stdout
    for line in kept.splitlines():
        owner, mode, name = line.split()
        if not name.endswith("agent.toml"):
            assert (owner, mode[-2:]) == (str(UID), "00"), line
    script = (
        "import asyncio; from detector.agent.senses.network import here;"
        " from detector.net.netlink import Listener; Listener().heard();"
        " print(asyncio.run(here(b's', {})) is not None)"
    )
    inside = [
        *command[: command.index("-i") + 1],
        "PATH=/usr/bin",
        str(COMMAND.with_name("python")),
        "-c",
        script,
    ]
    seen = subprocess.run(inside, capture_output=True, text=True, timeout=PATIENCE)
    has_a_way = bool(subprocess.run(["ip", "route", "show", "default"], capture_output=True).stdout)
    assert seen.stdout.strip() == str(has_a_way), seen.stderr


def _told(world: UnitWorld, agent: subprocess.Popen[str], code: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        for line in world.shell(f"cat {STATE}/told 2>/dev/null").stdout.splitlines():
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if found.get("notice", {}).get("code") == code:
                    return dict(found)
        assert agent.poll() is None, agent.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.3)
