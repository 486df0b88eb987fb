"""The addon's hooks with mitmproxy's own TlsConfig behind it: the leaf that it forges, and what is answered."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from mitmproxy import certs, http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.options import Options
from mitmproxy.proxy import context
from mitmproxy.proxy.layers.tls import TlsStartClientHook
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.test import taddons, tflow
from mitmproxy.tls import TlsData

from addons.bypass.rule import RuleRow
from addons.proxy.bypass import Bypass
from addons.proxy.coalescing import Coalescing
from addons.store.keeper import Keeper
from detector.lab.pki import LabPki

PKI = LabPki()
BANK, SHOP = RuleRow(host="bank.test"), RuleRow(host="shop.test", action="inspect")
BAD = RuleRow(host="bad.test", action="block")
SERVER = "203.0.113.10"


class World:
    """The addons in the order in which mitmproxy asks them."""

    def __init__(self, tctx: taddons.context, keeper: Keeper, tmp_path: Path) -> None:
        self.tctx = tctx
        self.keeper = keeper
        self.addon = Coalescing(keeper)
        self.tls = TlsConfig()
        tctx.master.addons.add(Proxyserver(), self.addon, self.tls)
        tctx.configure(self.tls, confdir=str(tmp_path))
        self.addon.running()

    def rules(self, *rows: RuleRow) -> None:
        path = self.keeper.options.rules
        assert path is not None
        lines = []
        for row in rows:
            lines.append("[[rule]]")
            for name in ("host", "suffix", "cidr", "action", "ja4"):
                value = getattr(row, name)
                if value is not None:
                    lines.append(f'{name} = "{value}"')
        path.write_text("\n".join(lines))
        self.keeper.reload()

    def leaf(self, sni: str | None, *names: str, host: str = SERVER) -> list[str]:
        """Names of the leaf that a client is shown whose server's has these."""
        client = tflow.tclient_conn()
        client.sni, client.peername = sni, ("192.0.2.1", 1)
        made = context.Context(client, self.tctx.options)
        made.server.address = (host, 443)
        real = certs.Cert(PKI.issue(*names).certificate)
        made.server.certificate_list = [real]
        data = TlsData(client, made)
        self.tctx.master.addons.trigger(TlsStartClientHook(data))
        assert made.server.certificate_list[0] is real
        assert data.ssl_conn is not None
        shown = data.ssl_conn.get_certificate()
        assert shown is not None
        extension = shown.to_cryptography().extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        return [str(one.value) for one in extension.value]

    def answered(self, flow: http.HTTPFlow) -> int | None:
        self.addon.requestheaders(flow)
        return flow.response.status_code if flow.response else None


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with made(tmp_path) as found:
        yield found


@contextmanager
def made(tmp_path: Path) -> Iterator[World]:
    keeper = Keeper()
    bypass = Bypass(keeper)
    rules = tmp_path / "rules.toml"
    rules.write_text("")
    with taddons.context(bypass) as tctx:
        tctx.configure(bypass, bypass_store="", bypass_rules=str(rules))
        yield World(tctx, keeper, tmp_path)


def request(
    authority: str,
    *,
    sni: str | None = "shop.test",
    server: tuple[str, int] | None = (SERVER, 443),
    version: str = "HTTP/2.0",
    host: str | None = None,
    **headers: str,
) -> http.HTTPFlow:
    """A request as mitmproxy hands it over: in a tunnel, or redirected, where `server` is known."""
    flow = tflow.tflow()
    flow.client_conn.sni, flow.client_conn.peername = sni, ("192.0.2.1", 1)
    flow.client_conn.timestamp_tls_setup = 1.0 if server and server[1] == 443 else None
    flow.server_conn.address = server
    flow.server_conn.peername = (SERVER, server[1]) if server else None
    flow.request.http_version = version
    flow.request.data.authority = authority.encode() if version != "HTTP/1.1" else b""
    flow.request.data.host = server[0] if server else (host or authority)
    flow.request.data.port = server[1] if server else 80
    flow.request.headers = http.Headers(
        [(name.encode(), value.encode()) for name, value in headers.items()]
    )
    if host is not None or version == "HTTP/1.1":
        flow.request.headers["host"] = host or authority
    return flow


def test_the_forged_leaf_lacks_what_passes_or_is_blocked(world: World) -> None:
    names = "shop.test", "bank.test", "bad.test", "*.corp.test", "10.1.2.3"
    world.rules(BANK, BAD, RuleRow(host="x.corp.test"), RuleRow(cidr="10.0.0.0/8"))
    assert world.leaf("shop.test", *names) == ["shop.test", SERVER]


def test_the_common_name_counts_like_the_others(world: World) -> None:
    world.rules(BANK)
    assert world.leaf("shop.test", "bank.test", "shop.test") == ["shop.test", SERVER]


def test_without_rules_the_leaf_has_every_name(world: World) -> None:
    assert set(world.leaf("shop.test", "shop.test", "bank.test", "*.corp.test")) == {
        "shop.test", "bank.test", "*.corp.test", SERVER,
    }  # fmt: skip


def test_the_name_of_the_connection_stays_whatever_the_rules_say_of_it(world: World) -> None:
    world.rules(BANK, RuleRow(host="a.corp.test"))
    assert world.leaf("bank.test", "bank.test", "shop.test")[-2:] == ["bank.test", SERVER]
    assert world.leaf("a.corp.test", "*.corp.test") == ["a.corp.test", SERVER]


def test_other_rules_make_another_leaf(world: World) -> None:
    assert "bank.test" in world.leaf("shop.test", "shop.test", "bank.test")
    world.rules(BANK)
    assert "bank.test" not in world.leaf("shop.test", "shop.test", "bank.test")
    world.rules()
    assert "bank.test" in world.leaf("shop.test", "shop.test", "bank.test")


def test_upstreams_certificate_unused_or_shown_along_changes_nothing_else(world: World) -> None:
    world.rules(BANK)
    world.tctx.configure(world.tls, add_upstream_certs_to_client_chain=True)
    assert world.leaf("shop.test", "shop.test", "bank.test") == ["shop.test", SERVER]
    world.tctx.configure(world.tls, add_upstream_certs_to_client_chain=False, upstream_cert=False)
    assert world.leaf("shop.test", "shop.test", "bank.test") == ["shop.test", SERVER]


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/3", "HTTP/1.1"])
def test_a_name_that_passes_is_misdirected_on_anothers_connection(
    world: World, version: str
) -> None:
    world.rules(BANK, BAD)
    assert world.answered(request("bank.test", version=version)) == 421
    assert world.answered(request("BANK.test.:443", version=version)) == 421
    assert world.answered(request("shop.test", version=version)) is None
    assert world.answered(request("other.test", version=version)) is None
    blocked = 403 if version == "HTTP/1.1" else 421
    assert world.answered(request("bad.test", version=version)) == blocked


def test_the_connections_own_names_are_never_misdirected(world: World) -> None:
    world.rules(BANK)
    assert world.answered(request("bank.test", sni="bank.test")) is None
    assert world.answered(request("bank.test", server=("bank.test", 443))) is None
    assert world.answered(request("bank.test", sni=None)) is None


def test_a_proxy_that_is_asked_over_tls_is_no_connection_of_the_name(world: World) -> None:
    world.rules(BANK, BAD)
    for authority, status in (("bank.test", None), ("bad.test", 403)):
        flow = request(authority, sni="proxy.test", server=None, version="HTTP/1.1")
        flow.client_conn.timestamp_tls_setup = 1.0
        assert world.answered(flow) == status


def test_authority_and_host_are_both_looked_at(world: World) -> None:
    world.rules(BANK)
    assert world.answered(request("shop.test", host="bank.test")) == 421
    assert world.answered(request("bank.test", host="shop.test")) == 421


def test_a_rule_for_a_port_counts_for_that_port(world: World) -> None:
    world.rules(BANK)
    path = world.keeper.options.rules
    assert path is not None
    path.write_text('[[rule]]\nhost = "bank.test"\nport = 8443\n')
    world.keeper.reload()
    assert world.answered(request("bank.test")) is None
    assert world.answered(request("bank.test:8443")) == 421


def test_plain_requests_are_blocked_by_target_host_and_address_and_never_misdirected(
    world: World,
) -> None:
    world.rules(BANK, BAD, RuleRow(cidr="203.0.113.0/24", action="block"), SHOP)
    plain = {"sni": None, "version": "HTTP/1.1"}
    assert world.answered(request("bank.test", server=None, **plain)) is None  # type: ignore[arg-type]
    assert world.answered(request("bad.test", server=None, **plain)) == 403  # type: ignore[arg-type]
    redirected = {**plain, "server": (SERVER, 80)}
    assert world.answered(request("bad.test", **redirected)) == 403  # type: ignore[arg-type]
    assert world.answered(request("shop.test", **redirected)) is None  # type: ignore[arg-type]
    assert world.answered(request("any.test", **redirected)) == 403  # type: ignore[arg-type]
    forged = request("shop.test", server=None, **plain)  # type: ignore[arg-type]
    forged.request.headers["host"] = "bad.test"
    assert world.answered(forged) == 403


def test_programs_are_answered_in_json_and_browsers_with_a_page(world: World) -> None:
    world.rules(BAD)
    flow = request("bad.test", server=None, version="HTTP/1.1", accept="application/json")
    assert world.answered(flow) == 403
    assert flow.response is not None
    assert json.loads(flow.response.content or b"")["host"] == "bad.test"
    flow = request("bad.test", server=None, version="HTTP/1.1")
    assert world.answered(flow) == 403
    assert flow.response is not None
    assert "bad.test: blocked" in flow.response.text
    assert world.addon.refused() == ["403 block: 2"]


def test_a_body_that_is_streamed_ends_with_its_request(world: World) -> None:
    world.rules(BANK)
    flow = request("bank.test")
    flow.request.stream = True
    assert world.answered(flow) is None
    assert flow.error is not None
    world.tctx.options.stream_large_bodies = "1k"
    flow = request("bank.test")
    flow.request.method = "POST"
    assert world.answered(flow) is None
    assert flow.error is not None
    assert world.answered(request("bank.test", **{"content-length": "3"})) == 421


def test_a_blocked_name_is_blocked_at_connect_and_an_address_waits_for_its_name(
    world: World,
) -> None:
    world.rules(BANK, BAD, RuleRow(cidr="203.0.113.0/24", action="block"))

    def connected(host: str) -> int | None:
        flow = tflow.tflow()
        flow.request.data.host, flow.request.data.port = host, 443
        world.addon.http_connect(flow)
        return flow.response.status_code if flow.response else None

    assert [connected(host) for host in ("bad.test", "BAD.test", "bank.test", SERVER)] == [
        403, 403, None, None,
    ]  # fmt: skip


def test_a_rule_for_a_fingerprint_that_comes_first_waits_for_the_hello(world: World) -> None:
    ja4 = "t13d1516h2_8daaf6152771_02713d6af862"
    world.rules(BAD, RuleRow(host="bad.test", action="inspect", ja4=ja4))
    flow = tflow.tflow()
    flow.request.data.host = "bad.test"
    world.addon.http_connect(flow)
    assert flow.response is None


def test_socks_is_refused_by_name_and_other_modes_are_not_asked(world: World) -> None:
    world.rules(BAD)

    def error(mode: str, host: str) -> str | None:
        client, server = tflow.tclient_conn(), tflow.tserver_conn()
        client.proxy_mode, server.address, server.error = ProxyMode.parse(mode), (host, 443), None
        world.addon.server_connect(ServerConnectionHookData(server, client))
        return server.error

    assert error("socks5", "bad.test") == "blocked by a rule"
    assert error("socks5", "shop.test") is None
    assert error("reverse:https://bad.test", "bad.test") is None


def test_leaves_of_servers_are_kept_once_a_day(tmp_path: Path) -> None:
    keeper = Keeper()
    bypass, addon = Bypass(keeper), Coalescing(keeper)
    path = tmp_path / "b.sqlite3"
    with taddons.context(bypass) as tctx:
        tctx.configure(bypass, bypass_store=str(path), bypass_rules="")
        for host in ("shop.test", "shop.test", "elsewhere.test"):
            made = context.Context(tflow.tclient_conn(), Options())
            made.server.address, made.server.sni = (SERVER, 443), host
            made.server.peername = (SERVER, 443)
            made.server.certificate_list = [certs.Cert(_LEAF.certificate)]
            addon.tls_established_server(TlsData(made.server, made))
        keeper.start()
        keeper.close()
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT host, address, port, names FROM leaf").fetchall()
    assert rows == [("shop.test", SERVER, 443, '["bank.test","shop.test"]')]


_LEAF = PKI.issue("shop.test", "bank.test")
