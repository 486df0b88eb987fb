"""What a server agrees on with clients is told as OpenSSL, tlslite-ng and half a handshake serve it."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from detector.lab.graded.certificates import Mint
from detector.lab.graded.half_speaker import half_speaking
from detector.lab.graded.moods import GROUP_2, MOODS, well
from detector.lab.pki import LabPki
from detector.model.grades import TowardsClients
from detector.net.probe import ProbeOptions
from detector.net.towards_clients import towards_clients
from detector.serving.conversation import Reply
from detector.serving.front import Entrance, Limits, front
from detector.serving.speaker import Speaking
from detector.wire import offer as o


def told(speaking: Speaking) -> TowardsClients:
    async def go() -> TowardsClients:
        entrance = Entrance("one", speaking)
        async with front(
            "127.0.0.1", 0, lambda _: entrance, lambda _a, _r: Reply(200, b""), Limits(most_of_one=256)
        ) as port:  # fmt: skip
            options = ProbeOptions(timeout=20, connect_to=("127.0.0.1", port))
            return await towards_clients("a.test", "b.test", 443, options)

    return asyncio.run(go())


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint(LabPki())


def test_a_server_of_today(mint: Mint) -> None:
    found = told(well(mint.good("a.test")))
    assert found.versions == (o.TLS13, o.TLS12)
    assert (found.families, found.static_keys, found.compression) == ((), False, False)
    assert (found.version, found.renegotiation, found.marks) == (o.TLS13, True, True)
    assert (found.fallback, found.early_change) == (False, False)
    assert found.alpn == "h2"
    if ssl.OPENSSL_VERSION_INFO >= (3, 5):
        assert found.group == o.X25519MLKEM768


def test_old_versions_are_told(mint: Mint) -> None:
    assert told(MOODS["server-ssl3"](mint.good("a.test"))).versions == (o.SSL3,)
    found = told(MOODS["server-tls10"](mint.good("a.test")))
    assert found.versions == (o.TLS10,)
    assert found.early_change is False


@pytest.mark.parametrize(
    ("mood", "families"),
    [("server-rc4", ("rc4",)), ("server-3des", ("3des",)), ("server-null", ("null",)), ("server-anonymous", ("anonymous",)), ("server-export", ("export",))],
)  # fmt: skip
def test_weak_suites_are_told(mint: Mint, mood: str, families: tuple[str, ...]) -> None:
    assert set(families) <= set(told(MOODS[mood](mint.good("a.test"))).families)


def test_static_keys_and_short_groups_are_told(mint: Mint) -> None:
    assert told(MOODS["server-static-rsa"](mint.good("a.test"))).static_keys is True
    short = half_speaking(mint.good("a.test"), (0x009E,), GROUP_2)
    found = told(short)
    assert (found.dh_bits, found.versions) == (1024, (o.TLS12,))


def test_who_cannot_be_reached_tells_nothing() -> None:
    options = ProbeOptions(timeout=0.5, connect_to=("127.0.0.1", 9))
    found = asyncio.run(towards_clients("a.test", "b.test", 443, options))
    assert found == TowardsClients()
