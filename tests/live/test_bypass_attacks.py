"""What clients say must not decide what passes: each attack, with a real mitmdump between network namespaces.

`bank.example` may pass. Whoever answers must be the real bank, or the proxy; never the attacker's server unseen.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from aioquic.asyncio import connect
from aioquic.quic.configuration import QuicConfiguration
from cryptography.hazmat.primitives.serialization import Encoding

from addons.proxy.resolver import WAIT
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from tests.live.bypass_world import (
    ALERTS,
    APP,
    ATTACKER,
    BANK,
    CLIENT,
    DNS,
    GATEWAY,
    GATEWAY6,
    MAIL,
    MTLS,
    PARENT,
    PHONE,
    PINNED,
    PORT,
    RELAY,
    SECOND_CLIENT,
    SECRET_WORD,
    SELF_SIGNED,
    SHOP,
    VICTIM,
    World,
)
from tests.live.conftest import TABLES
from tests.live.programs import find
from tests.live.waiting import PATIENCE, settled, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
# Who may answer for bank.example, whatever a client says of it.
SAFE = ("bank", "inspected")
RULES = '[[rule]]\nhost = "bank.example"\nreason = "pinned app"\n'
SAID = TABLES.setdefault("attacks on the bypass, live", {})
# The keeper looks for candidates every half minute.
SWEEP = 33.0


class Answers:
    """Who answered each attack; told as a table, and held against who may, all of them at the end."""

    def __init__(self) -> None:
        self._wrong: list[str] = []

    def note(self, attack: str, answer: str, *allowed: str) -> None:
        SAID[attack] = {"who answers": answer}
        if answer not in allowed:
            self._wrong.append(f"{attack}: {answer}, not {' or '.join(allowed)}")

    def hold(self) -> None:
        assert not self._wrong, "\n".join(self._wrong)


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.mark.parametrize(
    ("mode", "proxy"),
    [
        ("regular", f"http://{GATEWAY}:{PORT}"),
        ("socks5", f"socks5://{GATEWAY}:{PORT}"),
        (f"upstream:http://{PARENT}:3128", f"http://{GATEWAY}:{PORT}"),
        ("transparent", None),
    ],
    ids=["regular", "socks5", "upstream", "transparent"],
)
def test_a_listed_name_does_not_lead_to_another_address(
    mode: str, proxy: str | None, answers: Answers, tmp_path: Path
) -> None:
    kind = mode.partition(":")[0]
    with World(tmp_path) as world, world.mitmdump(mode, RULES):
        if mode == "transparent":
            world.redirect()
        visit = partial(world.visit, proxy=proxy)
        answer = visit("bank.example", at=ATTACKER)
        answers.note(f"{kind}: bank.example at the attacker's address", answer, *SAFE)
        answer = visit("bank.example", at=RELAY, alpn=(SECRET_WORD,))
        answers.note(f"{kind}: the attacker relays whom it does not know", answer, *SAFE)
        # An upstream proxy resolves, and what it was asked for by address nobody here can bind.
        own = SAFE if kind == "upstream" else ("bank",)
        answers.note(
            f"{kind}: bank.example at its own address", visit("bank.example", at=BANK), *own
        )
        answers.note(
            f"{kind}: a name that no rule has", visit("shop.example", at=SHOP), "inspected"
        )
    answers.hold()


@pytest.mark.parametrize("strategy", ["eager", "lazy"])
def test_no_spelling_of_a_name_or_an_address_leads_elsewhere(
    strategy: str, answers: Answers, tmp_path: Path
) -> None:
    setting = f"connection_strategy={strategy}"
    with World(tmp_path) as world, world.mitmdump("regular", RULES, setting):
        for name, asked, allowed in (
            ("bank.example", ATTACKER, SAFE),
            ("BANK.eXample", ATTACKER, SAFE),
            ("bank.example", f"::ffff:{ATTACKER}", SAFE),
            ("bank.example", "attacker.example.", SAFE),
            ("bank.example", "evil.example", SAFE),
            ("bank.example", "0.0.0.0", ("refused", *SAFE)),
            ("shop.example", "bank.example", ("inspected",)),
            ("bank.example", "BANK.example.", ("bank",)),
        ):  # fmt: skip
            answer = world.visit(name, asked=asked)
            answers.note(f"{strategy}: CONNECT {asked}, SNI {name}", answer, *allowed)
    answers.hold()


@pytest.mark.parametrize("resolver", ["", DNS], ids=["system", "named"])
def test_without_a_resolver_nothing_is_bound_and_nobody_waits_long(
    resolver: str, answers: Answers, tmp_path: Path
) -> None:
    setting = f"bypass_resolver={resolver}"
    with World(tmp_path) as world, world.mitmdump("regular", RULES, setting):
        names = dict(world.names.records)
        for state in ("silence", "failure"):
            world.names.records = dict.fromkeys(names, (state,))
            before = clock.stopwatch()
            for address, where in ((ATTACKER, "the attacker's"), (BANK, "its own")):
                answer = world.visit("bank.example", at=address)
                answers.note(f"the resolver's {state}: {where} address", answer, "inspected")
            assert clock.stopwatch() - before < 20 * WAIT
        world.names.records = names
        # What nobody could tell is asked for again.
        answer = settled(lambda: world.visit("bank.example", at=BANK), "bank")
        answers.note("the resolver is back: its own address", answer, "bank")
        if resolver:  # the system's tells no lifetime, and is asked again after a minute
            world.names.records = {**names, "bank.example": (VICTIM,)}
            answer = settled(lambda: world.visit("bank.example", at=BANK), "victim")
            answers.note("its owner moved the name: its old address", answer, "victim")
    answers.hold()


def test_a_name_that_the_proxy_is_asked_for_passes(answers: Answers, tmp_path: Path) -> None:
    with World(tmp_path) as world, world.mitmdump("regular", RULES):
        answers.note("CONNECT bank.example, SNI bank.example", world.visit("bank.example"), "bank")
        answer = world.visit("bank.example", asked="attacker.example")
        answers.note("CONNECT attacker.example, SNI bank.example", answer, *SAFE)
        answer = world.visit("evil.example", asked="bank.example")
        answers.note("CONNECT bank.example, SNI evil.example", answer, "inspected")
    answers.hold()


def test_wireguard_does_not_lead_a_listed_name_to_another_address(
    answers: Answers, tmp_path: Path
) -> None:
    with (
        World(tmp_path) as world,
        world.mitmdump("wireguard", RULES) as proxy,
        tunnel(world, proxy),
    ):
        visit = partial(world.visit, "bank.example", proxy=None)
        answers.note("wireguard: bank.example at the attacker's address", visit(at=ATTACKER), *SAFE)
        answers.note("wireguard: bank.example at its own address", visit(at=BANK), "bank")
        what = "wireguard, HTTP/3: bank.example at"
        answers.note(f"{what} the attacker's address", http3(world, ATTACKER), "refused", *SAFE)
        answers.note(f"{what} its own address", http3(world, BANK), "bank")
    answers.hold()


@pytest.mark.parametrize("scheme", ["https", "http3"])
def test_a_reverse_proxy_passes_only_who_stands_where_it_leads(
    scheme: str, answers: Answers, tmp_path: Path
) -> None:
    with World(tmp_path) as world:
        for name, address, allowed in (
            ("the attacker's", ATTACKER, ("refused", *SAFE)), ("its own", BANK, ("bank",)),
        ):  # fmt: skip
            mode = f"reverse:{scheme}://{address}"
            with world.mitmdump(mode, RULES, "ssl_insecure=true"):
                if scheme == "https":
                    answer = world.visit("bank.example", at=GATEWAY, proxy=None, port=PORT)
                else:
                    answer = http3(world, GATEWAY, PORT)
            answers.note(f"reverse:{scheme}: bank.example at {name} address", answer, *allowed)
    answers.hold()


@pytest.mark.parametrize("regex", ["(a|a)*x[.]cdn[.]example", "((?:[a-z]+)-?)+[.]cdn[.]example"])
def test_a_regex_and_a_long_name_stop_nobody(regex: str, answers: Answers, tmp_path: Path) -> None:
    with World(tmp_path) as world, world.mitmdump("regular", RULES) as proxy:
        # A rule that the proxy refuses leaves the last good ones in force.
        rules = proxy.folder.parent / "rules.toml"
        rules.write_text(RULES + f'[[rule]]\nregex = "{regex}"\n')
        lines = proxy.lines
        until(
            lambda: (
                any("2 bypass rules in force" in one for one in lines)
                or any("rules in force stay" in one for one in lines)
            ),
            "the rules",
        )
        slow = ask(world, f"{'a' * 57}.cdn.example")
        clock.sleep(0.5)
        try:
            answer = world.visit("shop.example", at=SHOP)
        finally:
            slow.kill()
            slow.wait()
        told = "served" if answer == "inspected" else "not served"
        answers.note(f"/{regex}/ and 57 letters: another client", told, "served")
    answers.hold()


def test_what_one_client_or_one_stranger_shows_decides_nothing(
    answers: Answers, tmp_path: Path
) -> None:
    with World(tmp_path) as world, world.mitmdump("regular", RULES, "bypass_mode=auto") as proxy:
        for _ in range(2):
            world.visit("mtls.example", at=MTLS)
            world.visit("mail.example", at=ALERTS)
        for source in PHONE:
            world.accept("shop.example", SHOP, source, GATEWAY6)
            for _ in range(3):
                world.refuse("pinned.example", PINNED, source, GATEWAY6)
        world.visit("victim.example", at=SELF_SIGNED)
        for source in (CLIENT, SECOND_CLIENT):
            world.accept("shop.example", SHOP, source)
            for _ in range(3):
                world.refuse("victim.example", VICTIM, source)
                world.refuse("app.example", APP, source)
        clock.sleep(SWEEP)
        for what, host, at in (
            ("a site that asks for a certificate", "mtls.example", MTLS),
            ("a stranger's alert 40 under mail.example", "mail.example", MAIL),
            ("one phone with two addresses pins", "pinned.example", PINNED),
        ):
            answers.note(f"auto: {what}, afterwards", world.visit(host, at=at), "inspected")
        found = candidates(proxy)
    pins = "certificate-pinned"
    answers.note("two who pin", found.get("app.example", "no candidate"), pins)
    answers.note(
        "a stranger's bad certificate under victim.example; two pin",
        found.get("victim.example", "no candidate"), pins,
    )  # fmt: skip
    answers.hold()


@contextmanager
def tunnel(world: World, proxy: Mitmdump) -> Generator[None]:
    """A real WireGuard in user space, at the clients' end; servers are reached by it alone."""
    keys = json.loads((proxy.folder / "wireguard.conf").read_text())
    public = subprocess.run(
        [find("wg"), "pubkey"], input=keys["server_key"], capture_output=True, text=True, check=True
    ).stdout.strip()
    settings = world.folder / "wg.conf"
    settings.write_text(
        f"[Interface]\nPrivateKey = {keys['client_key']}\n[Peer]\nPublicKey = {public}\n"
        f"AllowedIPs = 10.77.2.0/24\nEndpoint = {GATEWAY}:{PORT}\n"
    )
    run = partial(world.run, world.clients)
    program = subprocess.Popen(
        ["ip", "netns", "exec", world.clients, find("wireguard-go"), "--foreground", "wg0"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: "wg0" in run("ip", "-o", "link"), "wireguard-go")
        run("wg", "setconf", "wg0", str(settings))
        run("ip", "addr", "add", "10.0.0.1/32", "dev", "wg0")
        run("ip", "link", "set", "wg0", "up")
        run("ip", "route", "add", "10.77.2.0/24", "dev", "wg0")
        yield
    finally:
        program.terminate()
        program.wait(PATIENCE)


def http3(world: World, address: str, port: int = 443) -> str:
    """Who answers bank.example over QUIC."""

    async def ask() -> str:
        options = QuicConfiguration(
            is_client=True, alpn_protocols=["h3"], server_name="bank.example",
            verify_mode=ssl.CERT_NONE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(30), connect(address, port, configuration=options) as client:
                shown = client._quic.tls._peer_certificate
                assert shown is not None
                return world.whose(shown.public_bytes(Encoding.DER))
        except (TimeoutError, ConnectionError):
            return "refused"

    return world.inside(world.clients, lambda: asyncio.run(ask()))


def ask(world: World, sni: str) -> subprocess.Popen[bytes]:
    """A client that does not wait for its answer."""
    return subprocess.Popen(
        [
            "ip", "netns", "exec", world.clients, find("openssl"), "s_client",
            "-proxy", f"{GATEWAY}:{PORT}", "-connect", f"{SHOP}:443", "-servername", sni,
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def candidates(proxy: Mitmdump) -> dict[str, str]:
    with BypassStore(proxy.folder.parent / "b.sqlite3", clock.now, read_only=True) as store:
        return {one.candidate.host: one.candidate.kind for one in store.candidates()}
