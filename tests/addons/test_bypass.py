"""The addon inside mitmproxy's own test context, with a rule file that changes under it."""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from mitmproxy.options import Options
from mitmproxy.proxy import context
from mitmproxy.proxy.layers.tls import parse_client_hello
from mitmproxy.test import taddons, tflow
from mitmproxy.tls import ClientHelloData

from addons.proxy.bypass import Bypass


def in_loop(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test inside an event loop, as mitmproxy runs its addons."""

    @functools.wraps(test)
    def run(**fixtures: object) -> None:
        async def inside() -> None:
            test(**fixtures)

        asyncio.run(inside())

    return run


def hello(sni: str, server: tuple[str, int] | None = ("unlisted.example", 443)) -> ClientHelloData:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client.wrap_bio(ssl.MemoryBIO(), out, server_hostname=sni).do_handshake()
    parsed = parse_client_hello(out.read())
    assert parsed is not None
    made = context.Context(tflow.tclient_conn(), Options())
    made.server.address = server
    made.server.peername = None
    return ClientHelloData(context=made, client_hello=parsed)


def passes(addon: Bypass, sni: str, **how: object) -> bool:
    data = hello(sni, **how)  # type: ignore[arg-type]
    addon.tls_clienthello(data)
    return bool(data.ignore_connection)


@in_loop
def test_listed_hosts_pass_and_others_do_not(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nsuffix = "bank.example"\n')
    addon = Bypass()
    with taddons.context(addon) as tctx:
        tctx.configure(addon, bypass_rules=str(rules))
        assert passes(addon, "www.bank.example")
        assert not passes(addon, "shop.example")
        assert tctx.master.commands.execute("bypass.count") == 1


@in_loop
def test_without_a_file_everything_is_inspected() -> None:
    addon = Bypass()
    with taddons.context(addon):
        assert not passes(addon, "bank.example")


@in_loop
def test_the_address_of_the_server_counts(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\ncidr = "10.0.0.0/8"\n')
    addon = Bypass()
    with taddons.context(addon) as tctx:
        tctx.configure(addon, bypass_rules=str(rules))
        assert passes(addon, "x.example", server=("10.1.2.3", 443))
        assert not passes(addon, "x.example", server=None)


@in_loop
def test_a_broken_file_keeps_the_last_good_rules_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nhost = "bank.example"\n')
    addon = Bypass()
    with taddons.context(addon) as tctx, caplog.at_level(logging.INFO):
        tctx.configure(addon, bypass_rules=str(rules))
        rules.write_text("[[rule]]\nhost = ")
        for _ in range(3):
            addon._reload()
        assert passes(addon, "bank.example")
        rules.unlink()
        for _ in range(3):
            addon._reload()
        assert passes(addon, "bank.example")
        rules.write_text('[[rule]]\nhost = "other.example"\n')
        addon._reload()
        assert not passes(addon, "bank.example")
        assert passes(addon, "other.example")
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert len(errors) == 2
    assert "the 1 rules in force stay" in errors[0]
    assert "No such file" in errors[1]


@in_loop
def test_a_rule_with_a_mistake_never_becomes_half_a_list(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nhost = "good.example"\n[[rule]]\nhost = "b a d"\n')
    addon = Bypass()
    with taddons.context(addon) as tctx:
        tctx.configure(addon, bypass_rules=str(rules))
        assert not passes(addon, "good.example")
        assert tctx.master.commands.execute("bypass.reload") is None
