"""Hostile clients of a real mitmdump: what they bring about alone, and that it lets nothing through.

The proxy's resolver says that every name is at 127.0.0.1; the attacker's server is elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from addons.bypass.attempt import Attempt, classify
from addons.bypass.learning import Learned, replay
from addons.bypass.weighing import LearningOptions
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.loopback import Loopback
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from tests.live.clients import said
from tests.live.programs import find

pytestmark = pytest.mark.live
VICTIM, SHOP, MTLS = "bank.test", "shop.test", "mtls.test"
EVIL = "127.0.0.2"


class Deaf(Loopback):
    """Answers every hello with the alert that says that nothing is in common."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(bytes.fromhex("15030300020228"))
        await writer.drain()
        await reader.read()
        writer.close()


class Proxy:
    """A mitmdump in mode auto, and curl through it."""

    def __init__(self, mitm: Mitmdump, store: Path) -> None:
        self.mitm, self._store = mitm, store
        self._ca = str(mitm.folder / "mitmproxy-ca-cert.pem")

    async def curl(
        self, host: str, port: int, *more: str, to: str = "127.0.0.1", user: str | None = None,
        trusting: bool = True, socks: bool = False,
    ) -> str:  # fmt: skip
        scheme = "socks5h" if socks else "http"
        who = f"{user}:secret@" if user else ""
        return await asyncio.to_thread(
            said, find("curl"), "-sS", "-m", "30", "-x",
            f"{scheme}://{who}127.0.0.1:{self.mitm.port}", *(("--cacert", self._ca) if trusting else ()),
            "--connect-to", f"{host}:{port}:{to}:{port}", *more, f"https://{host}:{port}/",
        )  # fmt: skip

    def attempts(self) -> list[Attempt]:
        with BypassStore(self._store, clock.now) as store:
            return list(store.traffic.attempts())

    def passing(self) -> list[str]:
        with BypassStore(self._store, clock.now) as store:
            return [one.rule.pattern for one in store.rules()]


@asynccontextmanager
async def proxied(folder: Path, pki: LabPki, *settings: str) -> AsyncGenerator[Proxy]:
    """Ann, Ben and Eve may log in."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "root.pem").write_text(pki.root.pem)
    users = folder / "htpasswd"
    users.write_text("".join(f"{user}:{_sha1('secret')}\n" for user in ("ann", "ben", "eve")))
    store = folder / "b.sqlite3"
    async with (
        NameServer.here((VICTIM, SHOP, MTLS)) as names,
        Mitmdump(
            folder / "mitm", trust=folder / "root.pem", scripts=(bypass_script(),),
            settings=(f"bypass_store={store}", "bypass_mode=auto", f"bypass_resolver={names.at}",
                      *settings),
        ) as mitm,
    ):  # fmt: skip
        yield Proxy(mitm, store)
        await mitm.caught_up()


def _sha1(password: str) -> str:
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()


def learned(proxy: Proxy) -> Learned:
    return replay(proxy.attempts(), LearningOptions(), None)


@pytest.mark.parametrize("socks", [False, True])
def test_two_users_that_refuse_a_bound_name_bring_about_a_trial(
    socks: bool,
    tmp_path: Path,
) -> None:
    async def run() -> Proxy:
        pki = LabPki()
        mode = "socks5" if socks else "regular"
        auth = f"proxyauth=@{tmp_path}/htpasswd"
        async with (
            Origin({n: pki.issue(n) for n in (VICTIM, SHOP)}) as origin,
            proxied(tmp_path, pki, auth, f"mode={mode}") as proxy,
        ):
            for user in ("ann", "ben"):
                await proxy.curl(SHOP, origin.port, user=user, socks=socks)
                for _ in range(3):
                    await proxy.curl(VICTIM, origin.port, user=user, trusting=False, socks=socks)
            return proxy

    proxy = asyncio.run(run())
    seen = [one for one in proxy.attempts() if one.side == "client"]
    assert {one.user for one in seen} == {"ann", "ben"}
    assert {one.bound for one in seen} == {True}
    assert {one.address for one in seen} == {"127.0.0.1"}
    (found,) = learned(proxy).candidates
    assert (found.host, found.clients, found.may_try) == (VICTIM, ("user:ann", "user:ben"), True)
    assert [one.partition(":")[0] for one in proxy.passing()] == [VICTIM]


def test_a_stranger_s_server_puts_no_victim_on_the_list_and_keeps_none_off(tmp_path: Path) -> None:
    """It shares no version (alert 40), and then shows a certificate of its own, under the victim's name."""

    async def run() -> Proxy:
        pki, own = LabPki(), Authority("Attacker", profile=False)
        async with (
            Origin({n: pki.issue(n) for n in (VICTIM, SHOP)}) as origin,
            Deaf(None, EVIL) as deaf,
            Origin({VICTIM: own.issue(VICTIM)}, EVIL) as forged,
            proxied(tmp_path, pki, f"proxyauth=@{tmp_path}/htpasswd") as proxy,
        ):
            for user in ("eve", "ann"):
                for _ in range(3):
                    await proxy.curl(VICTIM, deaf.port, to=EVIL, user=user)
            await proxy.curl(VICTIM, forged.port, to=EVIL, user="eve")
            await asyncio.sleep(1.5)
            assert proxy.passing() == []
            assert learned(proxy).candidates == ()
            for user in ("ann", "ben"):
                await proxy.curl(SHOP, origin.port, user=user)
                for _ in range(3):
                    await proxy.curl(VICTIM, origin.port, user=user, trusting=False)
            return proxy

    proxy = asyncio.run(run())
    servers = [one for one in proxy.attempts() if one.side == "server"]
    assert {classify(one) for one in servers} == {
        "upstream-version", "upstream-certificate-invalid",
    }  # fmt: skip
    assert {(one.address, one.bound) for one in servers} == {(EVIL, False)}
    (found,) = learned(proxy).candidates
    assert (found.host, found.kind) == (VICTIM, "certificate-pinned")
    assert learned(proxy).totals["unbound"] >= 7


def test_a_site_that_asks_for_a_client_certificate_lets_itself_through_on_nobody_s_visit(
    tmp_path: Path,
) -> None:
    def wants(context: ssl.SSLContext) -> None:
        context.verify_mode = ssl.CERT_REQUIRED

    async def run() -> Proxy:
        pki = LabPki()
        async with (
            Origin({MTLS: pki.issue(MTLS)}, prepare=wants) as origin,
            proxied(tmp_path, pki, f"proxyauth=@{tmp_path}/htpasswd") as proxy,
        ):
            for _ in range(4):
                await proxy.curl(MTLS, origin.port, user="eve")
            await asyncio.sleep(1.5)
            assert learned(proxy).candidates == ()
            for user in ("ann", "ben"):
                for _ in range(2):
                    await proxy.curl(MTLS, origin.port, user=user)
            return proxy

    proxy = asyncio.run(run())
    (found,) = learned(proxy).candidates
    assert (found.kind, found.proven, found.may_try) == ("upstream-mtls", 3, False)
    assert proxy.passing() == []


def test_addresses_and_a_password_that_all_share_prove_nobody(tmp_path: Path) -> None:
    """One device with as many addresses as it likes, and the user that everybody is, or may call himself."""

    async def run(folder: Path, user: str | None, *settings: str) -> Proxy:
        pki = LabPki()
        async with (
            Origin({n: pki.issue(n) for n in (VICTIM, SHOP)}) as origin,
            proxied(folder, pki, *settings) as proxy,
        ):
            for n in (11, 12, 13):
                who = user and user.format(n)
                source = ("--interface", f"127.0.0.{n}")
                await proxy.curl(SHOP, origin.port, *source, user=who)
                for _ in range(2):
                    await proxy.curl(VICTIM, origin.port, *source, user=who, trusting=False)
            return proxy

    for name, user, settings in (
        ("none", None, ()),
        ("any", "made-up-{}", ("proxyauth=any",)),
        ("shared", "us", ("proxyauth=us:secret",)),
    ):
        proxy = asyncio.run(run(tmp_path / name, user, *settings))
        (found,) = learned(proxy).candidates
        assert any("auto will try nothing out" in line for line in proxy.mitm.lines)
        assert (found.proven, found.may_try) == (0, False), name
        assert len(found.clients) == 3
        assert proxy.passing() == []
    declared = "bypass_devices=127.0.0.0/28"
    devices = asyncio.run(run(tmp_path / "devices", None, declared))
    assert not any("auto will try nothing out" in line for line in devices.mitm.lines)
    assert [one.partition(":")[0] for one in devices.passing()] == [VICTIM]
