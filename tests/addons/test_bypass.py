"""The addon inside mitmproxy's own test context, with a rule file that changes under it."""

from __future__ import annotations

import asyncio
import base64
import functools
import logging
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from mitmproxy.connection import ConnectionState
from mitmproxy.exceptions import OptionsError
from mitmproxy.options import Options
from mitmproxy.proxy import context, events, layer
from mitmproxy.test import taddons, tflow

from addons.proxy.bypass import Bypass
from addons.proxy.passing import AwaitHello, PassingTcp, Turned
from addons.proxy.refusal import Ended
from addons.store.keeper import Keeper
from detector.lab.name_server import NameServer
from detector.wire.offer import Material, Offer, client_hello
from detector.wire.records import encode_record

# An ECHConfigList of front.example.
_CONFIG = (
    bytes(3) + b"\x00\x20" + bytes(32) + b"\x00\x04\x00\x01\x00\x01\x00\x0dfront.example\x00\x00"
)
CONFIGS = base64.b64encode(
    (len(_CONFIG) + 4).to_bytes(2) + b"\xfe\x0d" + len(_CONFIG).to_bytes(2) + _CONFIG
).decode()


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test inside an event loop, as mitmproxy runs its addons."""

    @functools.wraps(test)
    def run(**fixtures: object) -> None:
        async def inside() -> None:
            await test(**fixtures)

        asyncio.run(inside())

    return run


def hello(sni: str) -> bytes:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client.wrap_bio(ssl.MemoryBIO(), out, server_hostname=sni).do_handshake()
    return out.read()


def asked(
    data: bytes, server: tuple[str, int] | None = ("unlisted.example", 443)
) -> layer.NextLayer:
    """What mitmproxy asks when these bytes came from the client."""
    made = context.Context(tflow.tclient_conn(), Options())
    made.layers.append(layer.Layer.__new__(layer.NextLayer))
    made.server.address = server
    made.server.peername = None
    made.client.timestamp_end = None
    question = layer.NextLayer.__new__(layer.NextLayer)
    question.context, question.layer = made, None
    question.events = [events.Start(), events.DataReceived(made.client, data)]
    return question


async def decided(addon: Bypass, data: bytes, **how: object) -> layer.Layer | None:
    question = asked(data, **how)  # type: ignore[arg-type]
    await addon.next_layer(question)
    return question.layer


async def passes(addon: Bypass, sni: str, **how: object) -> bool:
    """A client that asks for the name that it says in its hello, unless told otherwise."""
    return isinstance(await decided(addon, hello(sni), **{"server": (sni, 443), **how}), PassingTcp)


def quiet(addon: Bypass, tctx: taddons.context, rules: Path | None = None) -> None:
    """No store: what these tests are about is the rule file."""
    tctx.configure(addon, bypass_store="", bypass_rules=str(rules or ""))


@in_loop
async def test_listed_hosts_pass_and_others_do_not(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nsuffix = "bank.example"\n')
    addon = Bypass(Keeper())
    with taddons.context(addon) as tctx:
        quiet(addon, tctx, rules)
        assert await passes(addon, "www.bank.example")
        assert not await passes(addon, "shop.example")
        assert tctx.master.commands.execute("bypass.count") == 1


@in_loop
async def test_without_a_file_everything_is_inspected() -> None:
    addon = Bypass(Keeper())
    with taddons.context(addon) as tctx:
        quiet(addon, tctx)
        assert not await passes(addon, "bank.example")


@in_loop
async def test_the_address_of_the_server_counts(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\ncidr = "10.0.0.0/8"\n')
    addon = Bypass(Keeper())
    with taddons.context(addon) as tctx:
        quiet(addon, tctx, rules)
        assert await passes(addon, "x.example", server=("10.1.2.3", 443))
        assert not await passes(addon, "x.example", server=None)


@in_loop
async def test_a_broken_file_keeps_the_last_good_rules_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nhost = "bank.example"\n')
    addon = Bypass(Keeper())
    with taddons.context(addon) as tctx, caplog.at_level(logging.INFO):
        quiet(addon, tctx, rules)
        rules.write_text("[[rule]]\nhost = ")
        for _ in range(3):
            addon.reload()
        assert await passes(addon, "bank.example")
        rules.unlink()
        for _ in range(3):
            addon.reload()
        assert await passes(addon, "bank.example")
        rules.write_text('[[rule]]\nhost = "other.example"\n')
        addon.reload()
        assert not await passes(addon, "bank.example")
        assert await passes(addon, "other.example")
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert len(errors) == 2
    assert "the 1 rules in force stay" in errors[0]
    assert "No such file" in errors[1]


@in_loop
async def test_a_rule_with_a_mistake_never_becomes_half_a_list(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nhost = "good.example"\n[[rule]]\nhost = "b a d"\n')
    addon = Bypass(Keeper())
    with taddons.context(addon) as tctx:
        quiet(addon, tctx, rules)
        assert not await passes(addon, "good.example")
        assert tctx.master.commands.execute("bypass.reload") is None


@in_loop
async def test_a_hello_in_pieces_is_waited_for_and_then_decided(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nhost = "bank.example"\n')
    addon = Bypass(Keeper())
    whole = hello("bank.example")
    with taddons.context(addon) as tctx:
        quiet(addon, tctx, rules)
        for cut in (6, 50, len(whole) - 1):
            assert isinstance(await decided(addon, whole[:cut]), AwaitHello), cut
        assert isinstance(await decided(addon, whole, server=("bank.example", 443)), PassingTcp)
        for other in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x15\x03\x01\x00\x02\x02\x28",
            b"\x00" * 99,
            b"",
        ):
            assert await decided(addon, other) is None, other


@in_loop
async def test_a_blocked_host_is_turned_away_and_without_an_address_nothing_is_decided(
    tmp_path: Path,
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nhost = "bad.example"\naction = "block"\n')
    addon = Bypass(Keeper())
    with taddons.context(addon) as tctx:
        quiet(addon, tctx, rules)
        assert isinstance(await decided(addon, hello("bad.example")), Turned)
        assert await decided(addon, hello("bad.example"), server=None) is None
        told = tctx.master.commands.execute("bypass.explain bad.example")
        assert told == ["block bad.example: decides"]


@in_loop
async def test_of_two_names_both_must_pass_and_one_that_is_blocked_is_enough(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rule]]\nhost = "bank.example"\n[[rule]]\nhost = "bad.example"\naction = "block"\n'
    )
    addon = Bypass(Keeper())
    with taddons.context(addon) as tctx, caplog.at_level(logging.WARNING):
        quiet(addon, tctx, rules)
        assert await decided(addon, hello("bank.example"), server=("evil.example", 443)) is None
        assert await decided(addon, hello("evil.example"), server=("bank.example", 443)) is None
        for sni, host in (("bank.example", "bad.example"), ("bad.example", "bank.example")):
            assert isinstance(await decided(addon, hello(sni), server=(host, 443)), Turned)
    (said,) = (one.getMessage() for one in caplog.records)
    assert "asked for evil.example, which does not pass, with the name bank.example" in said


@in_loop
async def test_a_name_that_hides_others_is_inspected_where_the_hello_may_hide_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nsuffix = "example"\n')
    material = Material(bytes(32), bytes(32), {29: bytes(32)})

    def said(name: str, *, ech: bool) -> bytes:
        offer = Offer(sni=name, shares=(29,), groups=(29,), ech=ech)
        return encode_record(22, client_hello(offer, material))

    front, plain = "front.example", "plain.example"
    records = {front: [f"HTTPS 1 . ech={CONFIGS}"], plain: ["HTTPS 1 . alpn=h2"]}
    addon = Bypass(Keeper())
    async with NameServer(records) as names:
        with taddons.context(addon) as tctx, caplog.at_level(logging.WARNING):
            quiet(addon, tctx, rules)
            tctx.configure(addon, bypass_resolver=names.at)
            for name, ech, passing in (
                (front, True, False), (front, False, True), (plain, True, True),
            ):  # fmt: skip
                found = await decided(addon, said(name, ech=ech), server=(name, 443))
                assert isinstance(found, PassingTcp) is passing, name
    (text,) = (one.getMessage() for one in caplog.records)
    assert "front.example stands for names that the hello hides (ECH)" in text


@in_loop
async def test_what_another_name_inside_would_pass_by_its_address_is_inspected_where_the_name_asked_for_is(
    tmp_path: Path,
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rule]]\ncidr = "127.0.0.0/8"\n[[rule]]\nhost = "login.test"\naction = "inspect"\n'
    )
    addon = Bypass(Keeper())
    async with NameServer.here(["login.test", "other.test"]) as names:
        with taddons.context(addon) as tctx:
            quiet(addon, tctx, rules)
            tctx.configure(addon, bypass_resolver=names.at)
            assert await passes(addon, "made-up.test", server=("other.test", 443))
            assert not await passes(addon, "made-up.test", server=("login.test", 443))


@in_loop
async def test_a_range_that_is_inspected_comes_before_a_regex_wherever_the_client_says_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rule]]\nregex = "[a-z]+[.]test"\n[[rule]]\ncidr = "10.0.0.0/8"\naction = "inspect"\n'
    )
    addon = Bypass(Keeper())
    records = {"inner.test": ["10.1.1.1"], "open.test": ["192.0.2.1"], "lost.test": ["failure"]}
    async with NameServer(records) as names:
        with taddons.context(addon) as tctx, caplog.at_level(logging.WARNING):
            quiet(addon, tctx, rules)
            tctx.configure(addon, bypass_resolver=names.at)
            for asked_for in ("inner.test", "10.1.1.1", "192.0.2.66"):
                assert not await passes(addon, "inner.test", server=(asked_for, 443)), asked_for
            assert await passes(addon, "open.test")
            assert await passes(addon, "open.test", server=("192.0.2.66", 443))
            assert not await passes(addon, "lost.test")
    said = " ".join(one.getMessage() for one in caplog.records)
    assert "no rule passes it at 10.1.1.1" in said
    assert "nobody could tell where lost.test is" in said


@in_loop
async def test_what_changed_while_a_name_was_looked_up_counts(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nhost = "bank.test"\n[[rule]]\nhost = "shop.test"\n')
    addon = Bypass(Keeper())
    async with NameServer({}) as names:
        with taddons.context(addon) as tctx:
            quiet(addon, tctx, rules)
            tctx.configure(addon, bypass_resolver=names.at)

            async def waited(name: str, meanwhile: Callable[[layer.NextLayer], None]) -> object:
                names.records[name] = ["silence"]
                question = asked(hello(name), ("192.0.2.1", 443))
                deciding = asyncio.create_task(addon.next_layer(question))
                while f"{name} A" not in names.asked:
                    await asyncio.sleep(0.01)
                names.records[name] = ["192.0.2.1"]  # the question is repeated
                meanwhile(question)
                await deciding
                return question.layer

            def leaves(question: layer.NextLayer) -> None:
                question.context.client.state = ConnectionState.CLOSED
                addon.client_disconnected(question.context.client)

            def forbidden(_: layer.NextLayer) -> None:
                rules.write_text('[[rule]]\nhost = "bank.test"\n')
                addon.reload()

            assert isinstance(await waited("bank.test", leaves), Ended)
            assert not addon._passages._open  # nobody would ever end it
            assert await waited("shop.test", forbidden) is None


@in_loop
async def test_a_hello_that_begins_with_a_byte_or_two_is_no_relay_with_rules_and_without(
    tmp_path: Path,
) -> None:
    rules = tmp_path / "rules.toml"
    addon = Bypass(Keeper())
    whole = hello("bank.example")
    for text in ("", '[[rule]]\nhost = "bank.example"\n'):
        rules.write_text(text)
        with taddons.context(addon) as tctx:
            quiet(addon, tctx, rules)
            for cut in (1, 2):
                assert isinstance(await decided(addon, whole[:cut]), AwaitHello), cut
            assert await decided(addon, b"") is None
            assert await decided(addon, b"\x17") is None
            greeted = asked(whole[:1])
            greeted.events.append(events.DataReceived(greeted.context.server, b"220 hello\r\n"))
            await addon.next_layer(greeted)
            assert greeted.layer is None  # the server spoke first: no TLS


@in_loop
async def test_a_record_of_a_version_that_nobody_speaks_is_turned_away(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nhost = "bank.example"\n')
    addon = Bypass(Keeper())
    whole = hello("bank.example")
    with taddons.context(addon) as tctx:
        quiet(addon, tctx, rules)
        for version in (4, 5, 255):
            said = whole[:2] + bytes((version,)) + whole[3:]
            assert isinstance(await decided(addon, said), Turned), version
        where = ("bank.example", 443)
        for version in range(4):
            said = whole[:2] + bytes((version,)) + whole[3:]
            assert isinstance(await decided(addon, said, server=where), PassingTcp), version


@in_loop
@pytest.mark.parametrize(
    "option",
    [
        {"bypass_weight": "lots"},
        {"bypass_clients": 0},
        {"bypass_half_life": "-1"},
        {"bypass_devices": "10.0.0.0/33"},
        {"bypass_mode": "obsrve"},
        {"bypass_verify": "sometimes"},
        {"bypass_resolver": "dns.example"},
        {"bypass_resolver": "192.0.2.1:0"},
        {"bypass_cut": "soon"},
        {"bypass_cut": "-1"},
        {"bypass_keep_days": 800_000},
        {"bypass_half_life": "1e6"},
        {"bypass_half_life": "nan"},
        {"bypass_trial": 10**9},
        {"bypass_pause": -1},
    ],
)
async def test_a_setting_that_means_nothing_is_refused_while_it_runs(
    option: dict[str, object],
) -> None:
    addon = Bypass(Keeper())
    with taddons.context(addon) as tctx:
        quiet(addon, tctx)
        addon.running()
        try:
            with pytest.raises(OptionsError, match="bypass_"):
                tctx.configure(addon, **option)
        finally:
            addon.done()


@in_loop
async def test_the_consoles_commands_answer_whatever_they_are_asked(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\ncidr = "10.0.0.0/8"\n[[rule]]\nhost = "a.com"\nport = 8443\n')
    addon = Bypass(Keeper())
    with taddons.context(addon) as tctx:
        quiet(addon, tctx, rules)
        assert tctx.master.commands.call("bypass.candidates") == ["no candidates"]
        for text, told in (
            ("10.1.2.3", "pass 10.0.0.0/8: decides"),
            ("a.com:8443", "pass a.com:8443: decides"),
            ("a.com", "pass a.com:8443: is for port 8443"),
            ("b.com", "b.com is inspected: no rule says otherwise"),
        ):
            assert tctx.master.commands.call("bypass.explain", text) == [told]
        for nonsense in (
            "",
            " ",
            "a b",
            "a.com:",
            ":",
            "a.com:99999",
            "[",
            "\x1b[31m",
            "x" * 9999,
            "/a/",
            "ü..",
            "\ud800",
        ):
            (line,) = tctx.master.commands.call("bypass.explain", nonsense)
            assert line
            assert line.isprintable()


@in_loop
async def test_open_connections_have_a_grace_or_are_never_cut() -> None:
    addon = Bypass(keeper := Keeper())
    with taddons.context(addon) as tctx:
        quiet(addon, tctx)
        assert keeper.options.cut == timedelta(seconds=60)
        tctx.configure(addon, bypass_cut="0")
        assert keeper.options.cut == timedelta()
        tctx.configure(addon, bypass_cut="never")
        assert keeper.options.cut is None
