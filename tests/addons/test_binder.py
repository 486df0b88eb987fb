"""What the binder asks, how often, and what it makes of answers that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from addons.bypass.binding import Bound, Claim
from addons.bypass.rule import Rule
from addons.proxy.binder import Binder
from addons.proxy.resolver import Resolver, read_servers
from detector.lab.name_server import NameServer
from detector.net.own_name import NameProof

BANK, EVIL = "192.0.2.10", "192.0.2.66"
PLAIN, PROVEN = Rule(host="bank.test"), Rule(host="bank.test", bind="certificate")


class Servers:
    """What each address proves by now, and how often it was asked."""

    def __init__(self) -> None:
        self.state: dict[str, NameProof] = {BANK: NameProof("proven", "key")}
        self.asked: list[str] = []

    async def prove(self, name: str, address: str, port: int) -> NameProof:
        self.asked.append(f"{name} {address}:{port}")
        await asyncio.sleep(0)
        return self.state.get(address, NameProof("refuted", why="not valid for it"))


def play(story: Callable[[Binder, Servers, NameServer], Awaitable[None]], *addresses: str) -> None:
    async def inside() -> None:
        async with NameServer({"bank.test": addresses or (BANK,)}) as names:
            servers = Servers()
            await story(Binder(Resolver(read_servers(names.at)), servers.prove), servers, names)

    asyncio.run(inside())


def test_a_name_that_was_asked_for_waits_for_nothing() -> None:
    async def story(binder: Binder, servers: Servers, names: NameServer) -> None:
        claim = Claim("bank.test", "bank.test", None)
        assert await binder.bind(claim, PLAIN, 443, "c") == Bound("bound")
        assert await binder.bind(Claim(None, None, EVIL), Rule(), 443, "c") == Bound("bound")
        assert (names.asked, servers.asked) == ([], [])

    play(story)


def test_what_must_be_proven_goes_to_the_address_that_proved_it_and_is_asked_once() -> None:
    async def story(binder: Binder, servers: Servers, names: NameServer) -> None:
        for claim in (
            Claim("bank.test", "bank.test", None),
            Claim(None, "bank.test", None),
            Claim("bank.test", None, EVIL),
        ):
            assert await binder.bind(claim, PROVEN, 443, "c") == Bound("moved", BANK)
        assert await binder.bind(Claim("bank.test", None, BANK), PROVEN, 443, "c") == Bound("bound")
        assert servers.asked == [f"bank.test {BANK}:443"]
        await binder.bind(Claim("bank.test", None, BANK), PROVEN, 8443, "c")
        assert servers.asked[1:] == [f"bank.test {BANK}:8443"]

    play(story)


def test_an_address_that_the_client_alone_named_is_never_asked_for_a_proof() -> None:
    async def story(binder: Binder, servers: Servers, names: NameServer) -> None:
        claim = Claim("bank.test", None, EVIL, movable=False)
        servers.state[EVIL] = NameProof("proven", "relayed to the bank")
        assert (await binder.bind(claim, PROVEN, 443, "c")).state == "unbound"
        assert servers.asked == []

    play(story)


def test_a_server_that_refutes_its_name_is_inspected_and_one_that_cannot_be_reached_too() -> None:
    async def story(binder: Binder, servers: Servers, names: NameServer) -> None:
        claim = Claim("bank.test", None, EVIL)
        found = await binder.bind(claim, PROVEN, 443, "c")
        assert (found.state, "does not prove its name: not valid" in found.why) == ("unknown", True)
        assert (await binder.bind(claim, PLAIN, 443, "c")).state == "bound"

    play(story, EVIL)


def test_many_wait_for_one_proof() -> None:
    async def story(binder: Binder, servers: Servers, names: NameServer) -> None:
        claim = Claim("bank.test", "bank.test", None)
        found = await asyncio.gather(*(binder.bind(claim, PROVEN, 443, "c") for _ in range(40)))
        assert set(found) == {Bound("moved", BANK)}
        assert (len(servers.asked), len(names.asked)) == (1, 2)

    play(story)


def test_what_was_learned_is_bound_where_its_name_is_and_nobody_knows_what_does_not_resolve() -> (
    None
):
    async def story(binder: Binder, servers: Servers, names: NameServer) -> None:
        assert await binder.is_bound("bank.test", "bank.test", None) is True
        assert await binder.is_bound("bank.test", None, BANK) is True
        assert await binder.is_bound("bank.test", None, EVIL) is False
        assert await binder.is_bound("bank.test", "other.test", BANK) is False
        names.records["slow.test"] = ["failure"]
        assert await binder.is_bound("slow.test", None, BANK) is None

    play(story)
