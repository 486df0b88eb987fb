"""An interceptor that no client knows of is graded as one that is asked: names resolve to the servers, and packets do not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from detector.model.grades import GOOD
from tests.live.grade_world import NAME, SETTINGS, TESTS
from tests.live.namespaces import SERVER, Gateway, GatewayMitmdump

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

PORT = 8443
NAMES = [f"{label}.{NAME}" for label in (GOOD, *(one.id for one in TESTS.visits))]


@contextmanager
def served(gateway: Gateway, folder: Path) -> Iterator[None]:
    """The servers at an address that the client's packets would go to."""
    command = [
        *gateway.at_gateway, sys.executable, "-m", "detector", "lab", "serve", "--grade", NAME, "--dir", str(folder),
        "--public-ip", SERVER, "--port", str(PORT), "--i-know-what-i-do", "--json",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:
        try:
            assert lab.stdout is not None
            assert json.loads(lab.stdout.readline())["name"] == NAME
            yield
        finally:
            lab.terminate()


def test_a_transparent_mitmproxy_is_graded_without_a_word_of_a_proxy(tmp_path: Path) -> None:
    same = SETTINGS[0]
    told = asyncio.run(_told(tmp_path))
    assert same.name == "mitmproxy"
    assert (told["letter"], told["route"]) == (same.letter, "straight")
    outcomes = {one["test"]: (one["outcome"], one["seen"]) for one in told["answers"]}
    expected = {**dict.fromkeys(same.refuses, "passed"), **dict.fromkeys(same.accepts, "failed")}
    wrong = {test: outcomes[test] for test, one in expected.items() if outcomes[test][0] != one}
    assert wrong == {}


async def _told(folder: Path) -> dict[str, object]:
    with (
        Gateway(dict.fromkeys(NAMES, SERVER), PORT, mark="t") as gateway,
        served(gateway, folder / "lab"),
    ):
        async with GatewayMitmdump(
            gateway, folder / "mitm", mode="transparent", trust=folder / "lab" / "root.pem"
        ):
            # Nothing but the names leads there.
            servers = json.loads((folder / "lab" / "grade.json").read_text())
            (folder / "grade.json").write_text(json.dumps({**servers, "address": ""}))
            command = [
                *gateway.at_client, sys.executable, "-m", "detector", "grade",
                "--servers", str(folder / "grade.json"), "--json",
            ]  # fmt: skip
            done = await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, timeout=200, check=False
            )
    assert done.returncode == 1, done.stderr[-1000:]
    found: dict[str, object] = json.loads(done.stdout)
    return found
