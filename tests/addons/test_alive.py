"""mitmproxy's own options beside the rules: told when they are set, once, and in the console's explanation."""

from __future__ import annotations

import logging

import pytest
from mitmproxy import version
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.test import taddons

from addons.proxy.alive import Alive
from addons.proxy.bypass import Bypass
from addons.store.keeper import Keeper
from tests.addons.test_bypass import in_loop


@in_loop
async def test_each_change_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    keeper = Keeper()
    alive = Alive(keeper)
    caplog.set_level(logging.WARNING)
    with taddons.context(Proxyserver(), Bypass(keeper), alive) as context:
        context.configure(alive, ignore_hosts=["bank[.]example"])
        assert caplog.text.count("ignore_hosts (bank[.]example) is set") == 1
        context.configure(alive, tcp_hosts=["raw"])
        assert caplog.text.count("ignore_hosts") == 1
        assert caplog.text.count("tcp_hosts (raw)") == 1
        context.configure(alive, ignore_hosts=[])
        context.configure(alive, ignore_hosts=["bank[.]example"])
        assert caplog.text.count("ignore_hosts (bank[.]example) is set") == 2
        assert keeper.heart.about is not None
        assert keeper.heart.about.mitmproxy == version.VERSION
        assert keeper.heart.about.beside.tcp_hosts == ("raw",)


@in_loop
async def test_the_console_says_what_mitmproxy_does_to_what_the_rules_leave_to_it() -> None:
    keeper = Keeper()
    bypass, alive = Bypass(keeper), Alive(keeper)
    with taddons.context(Proxyserver(), bypass, alive) as context:
        context.configure(alive, ignore_hosts=["bank[.]example"])
        assert "ignore_hosts of the proxy" in bypass.explain("bank.example")[-1]
        assert not any("ignore_hosts" in line for line in bypass.explain("shop.example"))
