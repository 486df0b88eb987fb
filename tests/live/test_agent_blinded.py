"""An agent whose network blinds it: a portal that intercepts, a proxy that drops every handshake. Both a real mitmproxy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from detector.agent.mood import Mood
from detector.agent.state import AgentState
from detector.lab.mitmdump import Mitmdump
from detector.lab.pki import LabPki
from tests.live.agent_world import AgentWorld

pytestmark = pytest.mark.live

_PORTAL = """
from pathlib import Path
from mitmproxy.http import Response
DROP = Path({drop!r})
class Portal:
    def request(self, flow):
        flow.response = Response.make(302, b"", {{"Location": "http://login.portal.example/"}})
    def server_connect(self, data):
        data.server.address = ("127.0.0.1", 9)
    def tls_clienthello(self, data):
        data.ignore_connection = DROP.exists()
addons = [Portal()]
"""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mitmdump, Path]]:
    """A portal by plain HTTP that answers for every TLS name; while a file lies there it drops handshakes."""
    folder = tmp_path_factory.mktemp("portal")
    drop = folder / "drop"
    (folder / "portal.py").write_text(_PORTAL.format(drop=str(drop)))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = AsyncExitStack()
    root = folder / "root.pem"
    root.write_text(LabPki().root.pem)
    mitmdump = Mitmdump(
        folder / "mitm",
        trust=root,
        scripts=(folder / "portal.py",),
        settings=("connection_strategy=lazy", "upstream_cert=false"),
    )
    started = stack.enter_async_context(mitmdump)
    yield asyncio.run_coroutine_threadsafe(started, loop).result(60), drop
    asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def agent(folder: Path, proxy: Mitmdump, extra: str) -> AgentWorld:
    world = AgentWorld(folder, proxy, folder / "off")
    path = folder / "agent.toml"
    path.write_text(
        f'[agent]\nevery = "10s"\ntrust = false\ntimeout = 30.0\nproxy = "{proxy.url}"\n{extra}\n'
        'budget = {memory = "400 MB"}\n'
    )
    path.chmod(0o600)
    return world


def test_an_interceptor_that_plays_a_portal_is_found_in_the_first_run(
    proxy: tuple[Mitmdump, Path], tmp_path: Path
) -> None:
    world = agent(tmp_path, proxy[0], "canaries = 2")
    done = world.once()
    assert done.returncode == 1, done.stderr
    assert "a captive portal stands in the way" in done.stderr
    assert world.notices() == ["captive-portal"]
    assert world.told() == ["opened"]
    beat = world.events()[-1]["heartbeat"]
    assert beat["mood"] == "captive"
    assert len(beat["here"]) == 1
    said = world.run("status").stdout
    assert "way out    captive since 20" in said
    assert "findings   1 here, but this says nothing now" in said


def test_a_portal_that_answers_no_handshake_accuses_nobody_and_is_not_clean(
    proxy: tuple[Mitmdump, Path], tmp_path: Path
) -> None:
    world = agent(tmp_path, proxy[0], "canaries = 2")
    proxy[1].touch()
    done = world.once()
    proxy[1].unlink()
    assert done.returncode == 3
    assert world.told() == []
    lines = world.run("events", "-n", "1").stdout
    assert lines.endswith("alive, 0 findings here, but behind a captive portal: not checked\n")


def test_a_proxy_that_drops_every_handshake_is_told_once_and_so_is_its_end(
    proxy: tuple[Mitmdump, Path], tmp_path: Path
) -> None:
    # With roots of its own it asks for no portal, as where connectivity checks are answered as they should be.
    (tmp_path / "root.pem").write_text(LabPki().root.pem)
    (tmp_path / "root.pem").chmod(0o644)
    world = agent(tmp_path, proxy[0], 'hosts = ["shop.test"]\nroots = "root.pem"\ncanaries = 0')
    proxy[1].touch()
    for _ in range(2):
        assert world.once().returncode == 3
    assert world.notices() == []
    state = AgentState.open(world.state)
    mood = state.record("mood", Mood)
    assert mood is not None
    assert (mood.word, mood.silent) == ("unknown", 2)
    assert mood.silent_since is not None
    before = msgspec.structs.replace(mood, silent_since=mood.silent_since - timedelta(minutes=1))
    state.keep_facts(mood=msgspec.json.encode(before).decode())
    state.close()
    for _ in range(2):
        assert world.once().returncode == 3
    assert world.notices() == ["nothing-answers"]
    assert world.events()[-1]["heartbeat"]["mood"] == "blocked"
    proxy[1].unlink()
    world.once()
    assert world.notices() == ["nothing-answers", "answers-again"]
