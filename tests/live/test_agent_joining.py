"""An agent that nobody attends joins the fleet of the token that its service was given."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from detector.agent import subjects
from detector.agent.joining import CREDENTIAL
from detector.agent.membership import read_membership, write_membership
from tests.live.fleet_world import running, until
from tests.live.waiting import PATIENCE

pytestmark = pytest.mark.live


def test_a_token_among_the_services_credentials_is_enough(tmp_path: Path) -> None:
    async def go() -> None:
        credentials, state = tmp_path / "credentials", tmp_path / "state"
        credentials.mkdir()
        async with running(tmp_path / "fleet") as fleet:
            (credentials / CREDENTIAL).write_bytes(write_membership(fleet.token()))
            agent = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "detector", "agent", "run",
                env={
                    "PATH": os.environ["PATH"], "STATE_DIRECTORY": str(state), "HOME": str(tmp_path),
                    "CREDENTIALS_DIRECTORY": str(credentials),
                },
            )  # fmt: skip
            try:
                await until((state / "fleet.json").exists)
                keeper = await fleet.dial(fleet.member("keeper", "keeper"))
                device = read_membership((state / "fleet.json").read_bytes(), "fleet.json").name
                async with asyncio.timeout(PATIENCE):
                    while await keeper.last(subjects.STATE, device) is None:
                        await asyncio.sleep(0.1)
                await keeper.close()
            finally:
                agent.send_signal(signal.SIGTERM)
                await agent.wait()
        assert agent.returncode == 0

    asyncio.run(go())
