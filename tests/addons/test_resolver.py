"""The resolver against a real DNS server on loopback, and against the system's."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

import pytest

from addons.proxy import resolver as module
from addons.proxy.resolver import LOOKING_FOR_ONE, Resolver, Server, read_servers
from detector import clock
from detector.lab.name_server import NameServer

RECORDS: dict[str, Sequence[str]] = {
    "a.test": ["192.0.2.1", "2001:db8::1"],
    "alias.test": ["CNAME a.test"],
    "none.test": ["TXT x"],
    "broken.test": ["failure"],
    "silent.test": ["silence"],
}


def asking(play: Callable[[Resolver, NameServer], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with NameServer(RECORDS, life=60) as names:
            (server,) = read_servers(names.at)
            await play(Resolver([server]), names)

    asyncio.run(inside())


_LOADED_AFTERWARDS = """
import asyncio, sys
from addons.proxy.resolver import Resolver, read_servers
async def main():
    resolver = Resolver(read_servers(sys.argv[1]))
    resolver.begin()
    before = set(sys.modules)
    assert await resolver.addresses("alias.test")
    assert not await resolver.is_outer("a.test")
    print(sorted(name for name in sys.modules.keys() - before if name.startswith("dns")))
asyncio.run(main())
"""


def test_what_a_look_up_needs_is_loaded_when_it_begins_and_not_in_the_first_clients_time() -> None:
    async def inside() -> bytes:
        async with NameServer(RECORDS) as names:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-c", _LOADED_AFTERWARDS, names.at, stdout=asyncio.subprocess.PIPE
            )
            said, _ = await child.communicate()
            return said

    assert asyncio.run(inside()) == b"[]\n"


def test_both_families_are_told_aliases_are_followed_and_what_is_absent_is_nowhere() -> None:
    async def play(resolver: Resolver, _: NameServer) -> None:
        both = ("192.0.2.1", "2001:db8::1")
        assert await resolver.addresses("a.test") == both
        assert await resolver.addresses("alias.test") == both
        assert await resolver.addresses("none.test") == ()
        assert await resolver.addresses("absent.test") == ()

    asking(play)


def test_a_server_that_fails_or_is_silent_is_no_answer_and_its_time_is_bounded() -> None:
    async def play(resolver: Resolver, _: NameServer) -> None:
        began = clock.stopwatch()
        assert await resolver.addresses("broken.test") is None
        assert await resolver.addresses("silent.test") is None
        assert clock.stopwatch() - began < 10 * module.WAIT

    asking(play)


def test_an_answer_is_kept_for_its_life_and_many_wait_for_one_look_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ahead, true_time = 0, clock.stopwatch
    monkeypatch.setattr(clock, "stopwatch", lambda: true_time() + ahead)

    async def play(resolver: Resolver, names: NameServer) -> None:
        nonlocal ahead
        found = await asyncio.gather(*(resolver.addresses("a.test") for _ in range(50)))
        assert set(found) == {("192.0.2.1", "2001:db8::1")}
        assert len(names.asked) == 2
        names.records["a.test"] = ["192.0.2.9"]
        assert await resolver.addresses("a.test") == found[0]
        ahead += 61
        assert resolver.known("a.test") is None
        assert await resolver.addresses("a.test") == ("192.0.2.9",)
        names.records["a.test"] = ["failure"]
        ahead += 61
        assert await resolver.addresses("a.test") == ("192.0.2.9",)  # it stands

    asking(play)


def test_one_client_cannot_take_all_look_ups() -> None:
    async def play(resolver: Resolver, names: NameServer) -> None:
        for number in range(100):
            names.records[f"slow{number}.test"] = ["silence"]
        flood = [
            asyncio.create_task(resolver.addresses(f"slow{number}.test", "192.0.2.66"))
            for number in range(100)
        ]
        await asyncio.sleep(0.1)
        assert sum(not one.done() for one in flood) == LOOKING_FOR_ONE
        assert await resolver.addresses("a.test", "192.0.2.1") is not None
        await asyncio.gather(*flood)

    asking(play)


def test_the_systems_resolver_knows_the_hosts_file_and_a_name_that_is_none_is_nowhere() -> None:
    async def inside() -> None:
        resolver = Resolver()
        assert "127.0.0.1" in (await resolver.addresses("localhost") or ())
        assert await resolver.addresses("a" * 64 + ".test") in ((), None)

    asyncio.run(inside())


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("", ()),
        ("192.0.2.53", (Server("192.0.2.53"),)),
        ("192.0.2.53:5353, 2001:db8::53", (Server("192.0.2.53", 5353), Server("2001:db8::53"))),
        ("[2001:db8::53]:54,[::1]", (Server("2001:db8::53", 54), Server("::1"))),
    ],
)
def test_servers_are_addresses_with_a_port_if_need_be(
    text: str, servers: tuple[Server, ...]
) -> None:
    assert read_servers(text) == servers


@pytest.mark.parametrize("text", ["dns.example", "192.0.2.1:0", "192.0.2.1:x", "[::1", "1.2.3"])
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"port|address"):
        read_servers(text)
