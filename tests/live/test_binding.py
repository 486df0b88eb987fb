"""Names that clients claim, through a real mitmdump: what is not at its own address does not pass.

The bank is at BANK, as the proxy's resolver says; the attacker has a server at EVIL with the same port, and for the
bank's name a certificate of its own.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from addons.proxy.resolver import FAILED_LIFE, WAIT
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from addons.store.unbound import UnboundCount
from detector import clock
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from tests.live.gateways import AnyName
from tests.live.waiting import PATIENCE, until_it_holds

pytestmark = pytest.mark.live
BANK, EVIL = "127.0.0.10", "127.0.0.66"
RULES = '[[rule]]\nhost = "bank.test"\nreason = "test"\n'


class World:
    """Two servers, a resolver, and a proxy for which the bank is approved."""

    def __init__(self, mitm: Mitmdump, names: NameServer, store: Path, port: int) -> None:
        self.mitm, self.names, self.store, self.port = mitm, names, store, port
        self.scheme = "http"
        self.leaves: dict[bytes, str] = {}

    async def who(self, asked: str, name: str = "bank.test") -> str:
        """Whose certificate a client gets that asks for a host and says a name."""
        options = ProbeOptions(
            connect_to=(asked, self.port),
            routing=Routing(parse_proxy(f"{self.scheme}://127.0.0.1:{self.mitm.port}")),
            timeout=PATIENCE,
        )
        found = await probe(parse_target(name), options)
        return self.leaves.get(found.chain[0], "proxy") if found.chain else "nobody"

    async def says(self, text: str) -> None:
        """Wait until it does."""
        lines = self.mitm.lines
        await until_it_holds(lambda: any(text in line for line in lines), text, lambda: lines)


@asynccontextmanager
async def world(
    folder: Path,
    *settings: str,
    rules: str = RULES,
    records: Mapping[str, Sequence[str]] | None = None,
    mode: str = "regular",
    life: int = 60,
) -> AsyncGenerator[World]:
    pki = LabPki()
    names_of = records or {"bank.test": [BANK], "evil.test": [EVIL]}
    genuine, forged = pki.issue("bank.test", "evil.test"), LabPki().issue("bank.test", "evil.test")
    (folder / "root.pem").write_text(pki.root.pem)
    (folder / "rules.toml").write_text(rules)
    bank = Origin({"bank.test": genuine}, BANK)
    async with bank, NameServer(names_of, life=life) as names, AnyName() as parent:
        evil = Origin({"bank.test": forged}, EVIL)
        evil.port = bank.port
        mode = mode.replace("PARENT", str(parent.port)).replace("PORT", str(bank.port))
        async with (
            evil,
            Mitmdump(
                folder / "mitm", trust=folder / "root.pem", scripts=(bypass_script(),),
                settings=(
                    f"bypass_rules={folder / 'rules.toml'}", f"bypass_store={folder / 'b.sqlite3'}",
                    f"bypass_resolver={names.at}", f"mode={mode}", *settings,
                ),
            ) as mitm,
        ):  # fmt: skip
            made = World(mitm, names, folder / "b.sqlite3", bank.port)
            made.leaves = {genuine.der: "bank", forged.der: "evil"}
            made.scheme = "socks5" if mode == "socks5" else "http"
            yield made


def run(folder: Path, play: Callable[[World], Awaitable[None]], *settings: str, **how) -> None:
    async def inside() -> None:
        async with world(folder, *settings, **how) as made:
            await play(made)

    asyncio.run(inside())


@pytest.mark.parametrize("mode", ["regular", "socks5"])
@pytest.mark.parametrize("strategy", ["eager", "lazy"])
def test_a_client_that_names_the_bank_at_the_attackers_address_reaches_the_bank(
    mode: str, strategy: str, tmp_path: Path
) -> None:
    async def play(made: World) -> None:
        assert await made.who(BANK) == "bank"
        assert await made.who(EVIL) == "bank"
        await made.says(f"bank.test passes through to {EVIL}:{made.port}, moved to {BANK}")
        assert await made.who(EVIL, "evil.test") == "proxy"

    run(tmp_path, play, f"connection_strategy={strategy}", mode=mode)


def test_where_the_server_is_fixed_a_claimed_name_is_inspected_and_counted(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        options = ProbeOptions(connect_to=("127.0.0.1", made.mitm.port))
        found = await probe(parse_target("bank.test"), options)
        assert made.leaves.get(found.chain[0], "proxy") == "proxy"
        why = f"asked for bank.test at {EVIL}, which is not its address"
        await made.says(why)

        def counts() -> list[UnboundCount]:
            with BypassStore(made.store, clock.now) as store:
                return list(store.unbound.counts())

        await until_it_holds(counts, "its count in the store")
        (one,) = counts()
        assert (one.name, one.where, one.count, one.why) == (
            "bank.test", f"{EVIL}:{made.port}", 1, why,
        )  # fmt: skip

    run(tmp_path, play, "ssl_insecure=true", mode=f"reverse:https://{EVIL}:PORT")


def test_a_proxy_upstream_is_asked_for_the_name(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        await made.who(EVIL)
        await made.says(f"bank.test passes through to {EVIL}:{made.port}, moved to bank.test")

    run(tmp_path, play, mode="upstream:http://127.0.0.1:PARENT")


def test_without_an_answer_of_the_resolver_the_name_is_inspected_and_not_asked_for_at_once_again(
    tmp_path: Path,
) -> None:
    async def play(made: World) -> None:
        began = clock.stopwatch()
        assert await made.who(BANK) == "proxy"
        assert clock.stopwatch() - began < 10 * WAIT
        await made.says("bank.test does not resolve in time")
        asked = list(made.names.asked)
        began = clock.stopwatch()
        assert await made.who(BANK) == "proxy"  # and is not asked for again at once
        if clock.stopwatch() - began < FAILED_LIFE / 2:
            assert made.names.asked == asked

    run(tmp_path, play, records={"bank.test": ["silence"]})


def test_an_answer_stands_for_its_life_and_then_the_name_is_asked_for_again(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        asked = made.names.asked
        assert [await made.who(BANK, "evil.test") for _ in range(3)] == ["bank"] * 3
        assert asked.count("evil.test A") == 1  # for an hour
        made.names.life = 2
        assert await made.who(BANK) == "bank"
        made.names.records["bank.test"] = ["CNAME cdn.test"]
        made.names.records["cdn.test"] = ["2001:db8::1", BANK]
        await asyncio.sleep(2.2)
        before = asked.count("bank.test A")
        assert await made.who(EVIL) == "bank"
        assert asked.count("bank.test A") == before + 1
        made.names.records["bank.test"] = ["failure"]
        await asyncio.sleep(2.2)
        assert await made.who(BANK) == "bank"  # the last answer stands for a while

    rules = f'{RULES}[[rule]]\nhost = "evil.test"\nreason = "test"\n'
    records = {"bank.test": [BANK], "evil.test": [BANK]}
    run(tmp_path, play, rules=rules, records=records, life=3600)


def test_a_server_that_has_to_prove_its_name_and_cannot_is_inspected(tmp_path: Path) -> None:
    rules = f'{RULES}bind = "certificate"\n'

    async def play(made: World) -> None:
        assert await made.who(BANK) == "bank"
        made.names.records["bank.test"] = [EVIL]  # somebody has the name's zone
        await asyncio.sleep(2.2)
        assert await made.who(EVIL) == "proxy"
        await made.says(f"bank.test at {EVIL} does not prove its name")

    run(tmp_path, play, rules=rules, life=2)


def test_a_rule_that_binds_nothing_passes_what_is_claimed(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        assert await made.who(EVIL) == "evil"

    run(tmp_path, play, rules=f'{RULES}bind = "none"\n')


@pytest.mark.parametrize("rules", [RULES, ""])
def test_a_hello_that_begins_with_a_single_byte_goes_nowhere_unread(
    rules: str, tmp_path: Path
) -> None:
    async def play(made: World) -> None:
        for first in (1, 2):
            assert await dripped(made, EVIL, first) == ("bank" if rules else "proxy")

    run(tmp_path, play, rules=rules)


async def dripped(made: World, address: str, first: int) -> str:
    """Whose certificate a client gets that sends the first bytes of its hello by themselves."""
    lax = ssl.create_default_context()
    lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = lax.wrap_bio(coming, going, server_hostname="bank.test")
    reader, writer = await asyncio.open_connection("127.0.0.1", made.mitm.port)
    writer.write(f"CONNECT {address}:{made.port} HTTP/1.1\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    try:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                data = going.read()
                writer.write(data[:first])
                await asyncio.sleep(0.2)
                writer.write(data[first:])
                coming.write(await asyncio.wait_for(reader.read(1 << 16), PATIENCE))
            else:
                return made.leaves.get(tls.getpeercert(binary_form=True) or b"", "proxy")
    finally:
        writer.close()
