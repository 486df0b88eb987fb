"""Whether a name is bound is asked off the hooks, and no flood keeps others' attempts waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from addons.bypass.attempt import Attempt
from addons.proxy import attesting as module
from addons.proxy.attesting import Attesting, nobody_can_tell
from tests.addons.learning_attacks import THEIRS, VICTIM, refuses, trusts

Case = Callable[[], Awaitable[None]]


class Resolver:
    """Answers after a while, by a table; who asks too slow a name waits for ever."""

    def __init__(self, answers: dict[str, bool | None], slow: str = "?") -> None:
        self.answers, self.slow = answers, slow
        self.asked: list[tuple[str, str | None, str | None, str]] = []
        self.at_once = self.most = 0

    async def __call__(
        self, name: str, asked: str | None, address: str | None, client: str
    ) -> bool | None:
        self.asked.append((name, asked, address, client))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(60 if name.endswith(self.slow) else 0.001)
        finally:
            self.at_once -= 1
        return self.answers.get(name)


def unbound(attempt: Attempt) -> Attempt:
    return replace(attempt, bound=None)


async def settled(kept: list[Attempt], count: int) -> None:
    async with asyncio.timeout(30):
        while len(kept) < count:
            await asyncio.sleep(0.01)


def test_what_the_resolver_says_is_kept_with_the_attempt() -> None:
    async def case() -> None:
        kept: list[Attempt] = []
        resolver = Resolver({VICTIM: True, "evil.test": False})
        attesting = Attesting(resolver, kept.append)
        attesting.put(unbound(refuses("10.0.0.1")), "shop.test")
        attesting.put(unbound(refuses("10.0.0.1", host="evil.test")), None)
        attesting.put(unbound(refuses("10.0.0.1", host="who.test")), None)
        assert kept == []  # hooks do not wait
        await settled(kept, 3)
        assert {a.host: a.bound for a in kept} == {
            VICTIM: True,
            "evil.test": False,
            "who.test": None,
        }
        assert (VICTIM, "shop.test", THEIRS, "10.0.0.1") in resolver.asked

    asyncio.run(case())


def test_an_address_is_itself_and_no_other() -> None:
    async def case() -> None:
        kept: list[Attempt] = []
        attesting = Attesting(nobody_can_tell, kept.append)
        for address in (THEIRS, "203.0.113.66", None):
            attesting.put(unbound(refuses("10.0.0.1", host=THEIRS, address=address)), None)
        assert [one.bound for one in kept] == [True, False, None]

    asyncio.run(case())


def test_a_resolver_that_fails_or_hangs_leaves_the_attempt_unknown() -> None:
    async def broken(
        _name: str, _asked: str | None, _address: str | None, _client: str
    ) -> bool | None:
        raise OSError("no resolver")

    async def case() -> None:
        kept: list[Attempt] = []
        Attesting(broken, kept.append).put(unbound(refuses("10.0.0.1")), None)
        await settled(kept, 1)
        assert kept[0].bound is None

    asyncio.run(case())


def test_a_flooder_of_names_has_few_look_ups_and_keeps_nobody_waiting() -> None:
    async def case() -> None:
        kept: list[Attempt] = []
        resolver = Resolver({VICTIM: True})
        attesting = Attesting(resolver, kept.append)
        for n in range(5000):
            attesting.put(unbound(refuses("10.0.0.66", host=f"h{n}.made-up{n}.test")), None)
        attesting.put(unbound(refuses("10.0.0.1")), None)
        await settled(kept, 5001)
        assert len(resolver.asked) <= module.MAX_OF_CLIENT + 1
        assert resolver.most <= module.MAX_AT_ONCE + 1
        assert [a.bound for a in kept if a.host == VICTIM] == [True]
        assert len(kept) == 5001  # and nothing is lost

    asyncio.run(case())


def test_fifty_thousand_addresses_at_a_slow_server_keep_no_user_and_no_known_name_waiting() -> None:
    async def case() -> None:
        kept: list[Attempt] = []
        resolver = Resolver({VICTIM: True, "shop.test": True}, slow=".slow.test")
        attesting = Attesting(resolver, kept.append)
        attesting.put(unbound(trusts("10.0.0.1")), None)
        await settled(kept, 1)
        for n in range(50_000):
            client = f"10.1.{n // 256}.{n % 256}"
            attesting.put(unbound(refuses(client, host=f"h{n}.x{n}.slow.test")), None)
        before = len(kept)
        assert before >= 49_000  # kept as they are: there is no room for so many
        attesting.put(unbound(refuses("10.0.0.1", user="ann")), None)
        attesting.put(unbound(trusts("10.0.0.2")), None)
        await settled(kept, before + 2)
        assert {(a.host, a.bound) for a in kept[before:]} == {(VICTIM, True), ("shop.test", True)}
        attesting.close()
        await asyncio.sleep(0.1)
        assert len(kept) == 50_003

    asyncio.run(case())


def test_a_flood_of_failures_does_not_keep_successes_out() -> None:
    async def case() -> None:
        kept: list[Attempt] = []
        attesting = Attesting(Resolver({"shop.test": True, "user.test": True}), kept.append)
        for n in range(900):
            attesting.put(
                unbound(refuses(f"10.1.{n // 256}.{n % 256}", host=f"h{n}.x{n}.test")), None
            )
        attesting.put(unbound(trusts("10.0.0.2")), None)
        attesting.put(unbound(trusts("10.0.0.1", host="user.test", user="ann")), None)
        await settled(kept, 100)
        assert {a.host for a in kept if a.bound} == {"shop.test", "user.test"}
        attesting.close()

    asyncio.run(case())


def test_one_slow_domain_has_few_look_ups_at_a_time() -> None:
    async def case() -> None:
        kept: list[Attempt] = []
        resolver = Resolver({VICTIM: True}, slow=".slow.test")
        attesting = Attesting(resolver, kept.append)
        for n in range(50):
            attesting.put(unbound(refuses(f"10.1.0.{n}", host=f"h{n}.slow.test")), None)
        attesting.put(unbound(refuses("10.0.0.1")), None)
        await settled(kept, 1)
        assert kept[0].bound is True
        assert resolver.at_once == module.MAX_AT_ONCE
        attesting.close()

    asyncio.run(case())


def test_what_waits_at_the_end_is_kept_as_it_is_and_what_comes_after_too() -> None:
    async def case() -> None:
        kept: list[Attempt] = []
        attesting = Attesting(Resolver({}, slow="test"), kept.append)
        for n in range(40):
            attesting.put(unbound(refuses(f"10.0.0.{n}", host=f"h{n}.x{n}.test")), None)
        await asyncio.sleep(0.01)
        attesting.close()
        assert len(kept) == 40  # at once: who keeps them closes next
        await asyncio.sleep(0.01)
        attesting.put(unbound(refuses("10.0.0.1")), None)
        assert len(kept) == 41

    asyncio.run(case())
