"""A proxy that reads the store is told by the commands and the page, and one that is gone is missed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from addons.review.server import start
from addons.scripts import bypass_script
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import Run
from tests.live.clients import said
from tests.live.programs import find
from tests.live.waiting import PATIENCE, until

pytestmark = pytest.mark.live
DECIDED = ("--reason", "pinned", "--owner", "net", "--expires", "90d")


def proxy(folder: Path, store: Path, *settings: str) -> Mitmdump:
    folder.mkdir(parents=True, exist_ok=True)
    trust = folder / "root.pem"
    if not trust.exists():
        trust.write_text(LabPki().root.pem)
    return Mitmdump(
        folder / "mitm",
        trust=trust,
        scripts=[bypass_script()],
        settings=(f"bypass_store={store}", *settings),
    )


async def until_so(holds: Callable[[], bool]) -> None:
    await asyncio.to_thread(until, holds)


def test_the_verbs_say_who_reads_the_store_and_that_a_killed_one_does_not(
    tmp_path: Path, tlsight: Run
) -> None:
    store = tmp_path / "b.sqlite3"
    where = ("--store", str(store))

    def readers() -> list[dict[str, object]]:
        out = tlsight("bypass", "proxies", *where, "--json").stdout
        return [json.loads(line) for line in out.splitlines()]

    async def run() -> None:
        added = tlsight("bypass", "add", "first.example", *DECIDED, *where)
        assert "no proxy reads this store" in added.stderr
        assert str(store) in added.stderr
        async with (
            proxy(tmp_path / "one", store, "bypass_mode=suggest") as one,
            proxy(tmp_path / "two", store) as two,
        ):
            await until_so(lambda: len(readers()) == 2)
            found = {row["pid"]: row for row in readers()}
            assert set(found) == {one.pid, two.pid}
            assert found[one.pid]["mode"] == "suggest"
            assert found[two.pid]["rules"] == 1
            added = tlsight("bypass", "add", "second.example", *DECIDED, *where)
            assert added.stderr == ""
            listed = tlsight("bypass", "list", *where, "--json")
            assert [json.loads(row)["proxies"] for row in listed.stdout.splitlines()] == [2, 2]
            assert tlsight("bypass", "proxies", *where).returncode == 0
            os.kill(one.pid, signal.SIGKILL)
            await until_so(lambda: [row["pid"] for row in readers()] == [two.pid])
        assert await asyncio.to_thread(readers) == []  # one that ends says so first
        for verb in ("list", "candidates"):
            assert "no proxy reads this store" in tlsight("bypass", verb, *where).stderr
        assert tlsight("bypass", "proxies", *where).returncode == 1

    asyncio.run(run())


def test_the_page_says_it_too(tmp_path: Path) -> None:
    store = tmp_path / "b.sqlite3"
    page, stop = start(store, "127.0.0.1:0")
    assert page.secret_file is not None
    token = page.secret_file.read_text().strip()

    async def run() -> None:
        async with httpx.AsyncClient(
            base_url=page.url, headers={"Origin": page.url.rstrip("/")}, follow_redirects=True
        ) as web:

            async def says(text: str) -> None:
                async with asyncio.timeout(PATIENCE):
                    while text not in (await web.get("/rules")).text:
                        await asyncio.sleep(0.3)

            await web.post("/login", data={"token": token})
            await says(f"No proxy reads this store ({store})")
            async with proxy(tmp_path / "one", store, "bypass_mode=suggest") as one:
                await says("1 proxy reads this store")
                await says(f"pid {one.pid} on")
                os.kill(one.pid, signal.SIGKILL)
                await says("No proxy reads this store")

    try:
        asyncio.run(run())
    finally:
        stop()


def test_mitmproxys_own_options_are_told_with_who_wins_and_win_as_told(
    tmp_path: Path, tlsight: Run
) -> None:
    store, rules = tmp_path / "b.sqlite3", tmp_path / "rules.toml"
    rules.write_text(
        '[[rule]]\nhost = "kept.test"\naction = "inspect"\nreason = "x"\n'
        '[[rule]]\nhost = "stop.test"\naction = "block"\nreason = "x"\n'
    )

    async def run() -> None:
        pki = LabPki()
        folder = tmp_path / "one"
        folder.mkdir()
        (folder / "root.pem").write_text(pki.root.pem)
        hosts = ("kept.test", "stop.test", "other.test")
        options = ("ignore_hosts=(kept|stop)[.]test", f"bypass_rules={rules}")
        async with (
            Origin({host: pki.issue(host) for host in hosts}) as origin,
            proxy(folder, store, *options) as one,
        ):
            told = [line for line in one.lines if "ignore_hosts" in line]
            assert len(told) == 1
            assert "pass and block rules of tlsight win" in told[0]

            def asked(host: str, ca: Path) -> str:
                return said(
                    find("curl"), "-sS", "-m", "30", "-x", one.url, "--cacert", str(ca),
                    "--connect-to", f"{host}:443:127.0.0.1:{origin.port}", f"https://{host}/",
                )  # fmt: skip

            theirs, real = one.folder / "mitmproxy-ca-cert.pem", folder / "root.pem"
            # An inspect rule of ours loses, a block rule wins, and the rest is inspected.
            assert await asyncio.to_thread(asked, "kept.test", real) == "ok\n"
            assert "ok" not in await asyncio.to_thread(asked, "stop.test", real)
            assert await asyncio.to_thread(asked, "other.test", theirs) == "ok\n"
            words = ("--store", str(store), "--rules", str(rules))
            explained = ""

            def is_explained() -> bool:
                nonlocal explained
                explained = tlsight("bypass", "explain", "kept.test", *words).stdout
                return "ignore_hosts" in explained

            await until_so(is_explained)
            assert f"pid {one.pid}" in explained
            assert "ignore_hosts" not in tlsight("bypass", "explain", "stop.test", *words).stdout
            assert "ignore_hosts" not in tlsight("bypass", "explain", "other.test", *words).stdout

    asyncio.run(run())
