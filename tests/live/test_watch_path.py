"""One machine at home and in the office, each a network of its own: what `tlsight watch-path` says has changed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from detector.lab.pki import Credential, LabPki
from tests.live.echo_world import NAME, EchoProcess
from tests.live.namespaces import SERVER, Gateway, GatewayMitmdump, TwoNamesServer
from tests.live.programs import Squid, corporate_ca, readable_by_all
from tests.live.waiting import PATIENCE

pytestmark = pytest.mark.live
SHOP, BANK = "shop.site.test", "bank.site.test"


class World(NamedTuple):
    """Both networks, with the same two sites; what is read in both lies in one state folder, as a laptop's does."""

    folder: Path
    pki: LabPki
    home: Gateway
    office: Gateway

    def command(self, at: Gateway, *words: str) -> list[str]:
        given = ("--roots", f"{self.folder}/root.pem", "--ct-logs", f"{self.folder}/logs.json")
        own = () if {"--networks", "--forget"} & set(words) else (SHOP, BANK, "--no-local-roots")
        return [*at.at_client, sys.executable, "-m", "detector", "watch-path", *own, *given, *words]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        return kept | {"XDG_STATE_HOME": str(self.folder / "state"), "COLUMNS": "200"}

    def read(self, at: Gateway, *words: str) -> tuple[int, str]:
        """Exit code and text of a reading."""
        done = subprocess.run(
            self.command(at, *words), capture_output=True, text=True, timeout=60, check=False,
            env=self.environment,
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, done.stdout

    def site(self, at: Gateway, shown: Credential, name: str) -> TwoNamesServer:
        return TwoNamesServer(at, self.folder / name, self.pki, shown)


@asynccontextmanager
async def both_networks(tmp_path: Path) -> AsyncGenerator[World]:
    names = {SHOP: SERVER, BANK: SERVER}
    with Gateway(names, mark="h") as home, Gateway(names, 443, mark="o") as office:
        here = laptop(tmp_path, home, office)
        with here.site(office, here.pki.issue(SHOP, BANK), "at-office"):
            async with GatewayMitmdump(
                office, tmp_path / "mitm", mode="transparent", trust=tmp_path / "root.pem",
                settings=("http2=false",),
            ):  # fmt: skip
                yield here


def test_between_home_and_an_office_with_a_real_proxy_the_difference_is_told_and_a_renewal_is_not(
    tmp_path: Path,
) -> None:
    in_world(tmp_path, a_week)


def a_week(world: World) -> None:
    first = world.pki.issue(SHOP, BANK)
    with world.site(world.home, first, "at-home"):
        code, told = world.read(world.home, "--network", "home")
        assert (code, told.splitlines()[0].split(".")[0]) == (3, "At home: direct")
    renewed = world.pki.issue(SHOP, BANK)
    assert renewed.chain[0] != first.chain[0]
    with world.site(world.home, renewed, "renewed"):
        code, told = world.read(world.home)
        assert (code, told.splitlines()[0]) == (0, "At home: direct. No difference that counts.")

        code, told = world.read(world.office, "--network", "office")
        assert code == 1, told
        assert told.startswith("At office: intercepted by mitmproxy; at home: direct.")
        assert "it was direct, here: intercepted by mitmproxy; HTTP/2 gone" in told

        code, told = world.read(world.office, "--here")
        assert (code, "No difference that counts" in told) == (0, True), told
        code, told = world.read(world.home, "--json")
        found = json.loads(told)
        assert (code, found["answer"], found["network"]) == (1, "differs", "home")
        shop = found["hosts"][0]
        assert [one["network"] for one in shop["compared"]] == ["home", "office"]
        assert kinds(shop["compared"][0]) == set()
        assert kinds(shop["compared"][1]) == {"verdict"}

    code, told = world.read(world.home, "--networks")
    assert [line.split()[0] for line in told.splitlines()] == ["network", "home", "office"]
    assert world.read(world.home, "--forget", "office")[0] == 0
    kept = (world.folder / "state/tlsight/history.sqlite3").read_bytes()
    assert b"10.77.0.2" not in kept, "no gateway's address is kept"


def laptop(folder: Path, home: Gateway, office: Gateway) -> World:
    readable_by_all(folder)
    pki = LabPki()
    (folder / "root.pem").write_text(pki.root.pem)
    (folder / "logs.json").write_text(pki.ct_logs_json)
    return World(folder, pki, home, office)


def in_world(folder: Path, story: Callable[[World], None]) -> None:
    async def lived() -> None:
        async with both_networks(folder) as world:
            await asyncio.to_thread(story, world)

    asyncio.run(lived())


def kinds(compared: dict[str, Any]) -> set[str]:
    """What counts."""
    return {one["kind"] for one in compared["changes"] if one["counts"]}


def test_while_it_watches_it_reads_again_when_the_network_changes(tmp_path: Path) -> None:
    with Gateway({SHOP: SERVER, BANK: SERVER}) as home:
        watched(laptop(tmp_path, home, home))


def another_router(at: Gateway) -> None:
    """In the place of the one that is there; the client has spoken to it."""
    for command in (
        [*at.at_gateway, "ip", "link", "set", "in", "address", "3c:97:0e:11:22:33"],
        [*at.at_client, "ip", "neighbour", "flush", "all"],
        [*at.at_client, "curl", "-sko", os.devnull, f"https://{SHOP}/"],
    ):
        subprocess.run(command, check=True, timeout=PATIENCE, capture_output=True)


def watched(world: World) -> None:
    with world.site(world.home, world.pki.issue(SHOP, BANK), "at-home"):
        command = world.command(world.home, "--network", "home", "--every", "1h", "--json")
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=world.environment) as running:
            try:
                assert running.stdout is not None
                first = json.loads(running.stdout.readline())
                assert (first["answer"], first["network"]) == ("first", "home")
                another_router(world.home)
                again = json.loads(running.stdout.readline())
                assert (again["answer"], again["network"]) == (
                    "same",
                    f"network {again['network_id'][:6]}",
                )
                assert [one["network"] for one in again["hosts"][0]["compared"]] == ["home"]
            finally:
                running.send_signal(signal.SIGINT)
                assert running.wait(PATIENCE) == 130


def test_how_our_hello_arrives_is_part_of_the_path_and_a_real_squid_rewrites_it(
    tmp_path: Path,
) -> None:
    readable_by_all(tmp_path)
    ca = corporate_ca()
    with (
        EchoProcess(tmp_path / "echo") as echo,
        Squid(tmp_path / "squid", ca, echo.root, {NAME: "127.0.0.1"}) as squid,
    ):

        def read(*words: str) -> tuple[int, dict[str, Any]]:
            words = (
                "watch-path",
                "--echo",
                echo.url,
                "--network",
                "here",
                "--roots",
                str(echo.root),
                *words,
            )
            kept = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
            done = subprocess.run(
                [sys.executable, "-m", "detector", *words, "--json"], capture_output=True, text=True, timeout=60,
                check=False, env=kept | {"XDG_STATE_HOME": str(tmp_path / "state")},
            )  # fmt: skip
            assert done.stderr == ""
            return done.returncode, json.loads(done.stdout)

        code, found = read()
        assert (code, found["hosts"][0]["reading"]["hello"]) == (3, [])
        assert read()[0] == 0
        code, found = read("--proxy", f"http://127.0.0.1:{squid.port}")
        (compared,) = found["hosts"][0]["compared"]
        assert (code, kinds(compared) >= {"hello", "route"}) == (1, True)
        said = next(one["text"] for one in compared["changes"] if one["kind"] == "hello")
        assert said.startswith("our hello arrives rewritten")
