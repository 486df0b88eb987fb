"""A feed in a real mitmdump: its rules pass beneath one's own, from the second on in which they are accepted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from addons.scripts import bypass_script
from detector import clock
from detector.judging.judge import judge_all
from detector.lab.answer import Answer
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.lab.web import Web
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from tests.cli.conftest import Run, running
from tests.live.waiting import PATIENCE, settled

pytestmark = pytest.mark.live
# What the feed passes; what it passes and a rule of one's own keeps inspecting; what it passes later; what nobody
# names.
HOSTS = ("feed.test", "own.keeps.test", "later.test", "other.test")


def test_a_feed_passes_beneath_ones_own_rules_once_it_is_accepted(
    tlsight: Run, tmp_path: Path
) -> None:
    world = LabPki()
    (tmp_path / "root.pem").write_text(world.root.pem)
    store = tmp_path / "b.sqlite3"
    lines = ["feed.test", "own.keeps.test"]
    roots = ("--roots", tmp_path / "root.pem")

    @asynccontextmanager
    async def network() -> AsyncGenerator[tuple[int, Mitmdump, Web]]:
        async with (
            Origin({host: world.issue(host) for host in HOSTS}) as origin,
            NameServer.here(HOSTS) as names,
            Web(world.issue("127.0.0.1"), lambda _: Answer("\n".join(lines).encode())) as web,
            Mitmdump(
                tmp_path / "mitm", trust=tmp_path / "root.pem", scripts=(bypass_script(),),
                settings=(f"bypass_store={store}", f"bypass_resolver={names.at}"),
            ) as mitm,
        ):  # fmt: skip
            yield origin.port, mitm, web

    with running(network()) as (port, mitm, web):

        def passing() -> set[str]:
            """The hosts whose own certificate comes through."""

            async def ask() -> set[str]:
                options = ProbeOptions(
                    connect_to=("127.0.0.1", port),
                    routing=Routing(parse_proxy(mitm.url)),
                    timeout=PATIENCE,
                )
                found = [await probe(parse_target(host), options) for host in HOSTS]
                judged = judge_all(found, world.knowledge())
                verdicts = dict(zip(HOSTS, (one.verdict for one in judged), strict=True))
                assert set(verdicts.values()) <= {"direct", "intercepted"}
                return {host for host, verdict in verdicts.items() if verdict == "direct"}

            return asyncio.run(ask())

        def feed(*words: object) -> str:
            done = tlsight("bypass", "feed", *words, "--store", store)
            assert done.returncode == 0, done.stderr
            return done.stdout

        url = f"https://127.0.0.1:{web.port}/list"
        about = ("--reason", "ours", "--owner", "net", "--expires", "90d", "--store", store)
        assert (
            tlsight("bypass", "add", ".keeps.test", *about, "--action", "inspect").returncode == 0
        )
        feed("add", url, "--name", "vendor", "--owner", "net", *roots)
        clock.sleep(2)  # the proxy looks at its store each second or so
        assert passing() == set()
        feed("accept", "vendor")
        assert settled(passing, {"feed.test"}) == {"feed.test"}
        lines.append("later.test")
        assert "wait" in feed("update", *roots)
        clock.sleep(2)
        assert passing() == {"feed.test"}
        feed("accept", "vendor")
        assert settled(passing, {"feed.test", "later.test"}) == {"feed.test", "later.test"}
        # A range of one's own is asked first, whatever the feed says of a name in it.
        assert (
            tlsight("bypass", "add", "127.0.0.0/8", *about, "--action", "inspect").returncode == 0
        )
        assert settled(passing, set()) == set()
        assert tlsight("bypass", "remove", "127.0.0.0/8", "--store", store).returncode == 0
        assert settled(passing, {"feed.test", "later.test"}) == {"feed.test", "later.test"}
        feed("remove", "vendor")
        assert settled(passing, set()) == set()
    assert tlsight("bypass", "audit", "verify", "--store", store).returncode == 0
