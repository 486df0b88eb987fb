"""Who breaks now, with a real mitmdump, curl as clients, and a receiver over TLS that is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import Run, running
from tests.live.clients import said
from tests.live.programs import find
from tests.live.test_cutting import world
from tests.live.waiting import until as until_true
from tests.live.waiting import until_it_holds as until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
SHOP, MAIL, PINNED, STUBBORN, BROKEN = HOSTS = (
    "shop.test", "mail.test", "pinned.test", "stubborn.test", "broken.test",
)  # fmt: skip
CLIENTS = ("127.0.0.2", "127.0.0.3")
SECRET = "s3cr3t-of-the-receiver"


class Receiver(Origin):
    """Takes messages over TLS, but not the first time that it is asked."""

    def __init__(self, pki: LabPki) -> None:
        super().__init__({"127.0.0.1": pki.issue("127.0.0.1")})
        self.heads: list[str] = []
        self.messages: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length:")[2].split("\r\n")[0])
        body = await reader.readexactly(length)
        self.heads.append(head)
        first = len(self.heads) == 1
        if not first:
            self.messages.append(json.loads(body))
        status = "503 Not now" if first else "204 Thanks"
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()

    def told(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.messages if one["event"] == event]


class House:
    """Clients, servers, and the gateway's folder."""

    def __init__(self, folder: Path, port: int, broken: int, trust: Path) -> None:
        self.folder, self.trust = folder, trust
        self._ports = {BROKEN: broken}
        self._port = port

    def visit(self, proxy: Mitmdump, ca: Path, hosts: Sequence[str]) -> str:
        """Every client asks for every host, twice. What they said."""

        def ask(client: str) -> str:
            heard = ""
            for host in (*hosts, *hosts):
                port = self._ports.get(host, self._port)
                heard += said(
                    find("curl"), "-sS", "-m", "30", "--interface", client, "-x", proxy.url, "--cacert",
                    str(ca), "--connect-to", f"{host}:443:127.0.0.1:{port}", f"https://{host}/",
                )  # fmt: skip
            return heard

        with ThreadPoolExecutor(len(CLIENTS)) as pool:
            return "".join(pool.map(ask, CLIENTS))


def test_a_rule_that_is_removed_and_a_ca_that_is_swapped_are_told_and_what_was_always_broken_is_not(
    tmp_path: Path, tlsight: Run
) -> None:
    store = tmp_path / "b.sqlite3"
    where = ("--store", str(store))
    about = ("--reason", "pinned app", "--owner", "net", "--expires", "90d")

    def breaks() -> dict[str, dict[str, Any]]:
        done = tlsight("bypass", "breaking", "--json", *where)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == bool(found)
        return {one["breaking"]["host"]: one["breaking"] for one in found}

    async def run() -> None:
        pki, other = LabPki(), LabPki()
        trust = tmp_path / "root.pem"
        trust.write_text(pki.root.pem)
        for name, text in (("hook", ""), ("token", SECRET)):
            (tmp_path / name).touch(0o600)
            (tmp_path / name).write_text(text)
        async with (
            Origin({host: pki.issue(host) for host in HOSTS}) as origin,
            Origin({BROKEN: other.issue(BROKEN)}) as broken,
            NameServer.here(HOSTS) as names,
            Receiver(pki) as receiver,
        ):
            (tmp_path / "hook").write_text(f"https://127.0.0.1:{receiver.port}/hook/{SECRET}\n")
            house = House(tmp_path, origin.port, broken.port, trust)

            def proxy(confdir: str) -> Mitmdump:
                return Mitmdump(
                    tmp_path / confdir, trust=trust, scripts=(bypass_script(),),
                    settings=(
                        f"bypass_store={store}", f"bypass_resolver={names.at}",
                        f"bypass_webhook={tmp_path / 'hook'}", f"bypass_webhook_token={tmp_path / 'token'}",
                        f"bypass_webhook_roots={trust}",
                    ),
                )  # fmt: skip

            async def visit(mitm: Mitmdump, ca: Path, *hosts: str) -> str:
                return await asyncio.to_thread(house.visit, mitm, ca, hosts)

            tlsight("bypass", "add", PINNED, "--port", str(origin.port), *about, *where)
            pattern = f"{PINNED}:{origin.port}"
            async with proxy("one") as mitm:
                ours = mitm.folder / "mitmproxy-ca-cert.pem"
                assert (await visit(mitm, ours, SHOP, MAIL)).count("ok\n") == 8
                assert (await visit(mitm, trust, PINNED)).count("ok\n") == 4
                await visit(mitm, trust, STUBBORN)
                await visit(mitm, ours, BROKEN)
                tlsight("bypass", "remove", pattern, *where)

                def read_by() -> set[int]:
                    with BypassStore(store, clock.now, read_only=True) as opened:
                        return {one.rules for one in opened.proxies.all()}

                await until(lambda: read_by() == {0}, "that the proxy has read it")
                assert "ok" not in await visit(mitm, trust, PINNED, STUBBORN)
                await visit(mitm, ours, BROKEN)
                await until(lambda: any(f"breaks: {PINNED}: " in line for line in mitm.lines))
                found = await asyncio.to_thread(breaks)
                assert list(found) == [PINNED]
                one = found[PINNED]
                assert (one["changed"], one["subject"], one["kind"]) == ("rule", pattern, "refused")
                assert (one["party"], one["count"], one["passed"]) == ("proxy", 2, 4)
                await until(lambda: receiver.told("opened"))  # it was refused once, and asked again
                (message,) = receiver.told("opened")
                assert (message["hosts"], message["subject"]) == ([PINNED], pattern)
                assert PINNED in message["text"]
                assert f"Bearer {SECRET}" in receiver.heads[-1]
                tlsight("bypass", "add", PINNED, "--port", str(origin.port), *about, *where)
                await until(lambda: receiver.told("closed"))
                assert receiver.told("closed")[0]["id"] == message["id"]
                assert "let through" in receiver.told("closed")[0]["text"]
                assert not any(SECRET in line for line in mitm.lines)
                assert sum("webhook was not told" in line for line in mitm.lines) == 1
            async with proxy("two") as mitm:
                assert "ok" not in await visit(mitm, ours, SHOP, MAIL)
                await until(lambda: len(receiver.told("opened")) == 2)
                message = receiver.told("opened")[1]
                assert (message["changed"], message["party"]) == ("root", "client")
                assert set(message["hosts"]) <= {SHOP, MAIL}
                found = await asyncio.to_thread(breaks)
                assert set(found) == {SHOP, MAIL}
                assert {one["subject"] for one in found.values()} == {message["subject"]}
                with BypassStore(store, clock.now, read_only=True) as opened:
                    (root,) = opened.proxies.roots().values()
                    assert message["subject"] == root.digest
                    assert [one.id for one in opened.episodes.opened()] == [message["id"]]

    asyncio.run(run())


def test_a_connection_that_passes_is_listed_while_it_is_open(tmp_path: Path, tlsight: Run) -> None:
    where = ("--store", str(tmp_path / "b.sqlite3"))

    def passing() -> list[dict[str, Any]]:
        lines = tlsight("bypass", "open", "--json", *where).stdout.splitlines()
        return [json.loads(line)["passing"] for line in lines]

    with running(world(tmp_path, "60")) as (_, download):
        until_true(passing)
        (one,) = passing()
        assert (one["host"], one["rule"], one["client"]) == ("long.test", "long.test", "127.0.0.1")
        until_true(lambda: passing()[0]["down"] > one["down"])
        download.kill()
        until_true(lambda: not passing())
