"""`bypass prove` before real proxies that pass, inspect, block, or stand behind one another."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin, server_context
from detector.lab.pki import Credential, LabPki
from tests.cli.conftest import Run, running
from tests.live.conftest import TABLES
from tests.live.programs import Squid, corporate_ca, readable_by_all

pytestmark = pytest.mark.live
PASSED, INSPECTED, BLOCKED = "pass.test", "other.test", "block.test"
HOSTS = (PASSED, INSPECTED, BLOCKED, "localhost")
RULES = f'[[rule]]\nhost = "{PASSED}"\n[[rule]]\nhost = "localhost"\n[[rule]]\nhost = "{BLOCKED}"\naction = "block"\n'
SAID = TABLES.setdefault("bypass prove, live", {})
Answer = tuple[int, dict[str, dict[str, Any]]]


@dataclass
class World:
    """One origin, its PKI, and the command."""

    folder: Path
    pki: LabPki
    origin: Origin
    names: NameServer
    run: Run

    @property
    def at(self) -> str:
        return f"127.0.0.1:{self.origin.port}"

    def mitmdump(self, name: str, *settings: str, passing: bool = True) -> Mitmdump:
        ours = f"bypass_rules={self.folder / 'rules.toml'}", f"bypass_resolver={self.names.at}"
        rules = ours if passing else ()
        scripts = (bypass_script(),) if passing else ()
        return Mitmdump(
            self.folder / name, trust=self.folder / "root.pem", scripts=scripts,
            settings=(*rules, *settings),
        )  # fmt: skip

    def prove(self, *words: object, at: str | None = None, row: str = "") -> Answer:
        done = self.run(
            "bypass", "prove", *words, "--json", *(("--connect", at or self.at) if at != "" else ()),
            "--roots", self.folder / "root.pem", "--ct-logs", self.folder / "logs.json",
            "--no-canaries",
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        found = {one["host"]: one for one in map(json.loads, done.stdout.splitlines())}
        if row:
            SAID[row] = {host: one["text"] for host, one in found.items()}
        return done.returncode, found


class SeveralKeys(Origin):
    """A host behind a CDN: every connection meets another of its servers."""

    def __init__(self, *credentials: Credential) -> None:
        super().__init__({"": credentials[0]})
        self._servers = [server_context(one) for one in credentials]

    def _choose(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        self._servers.append(self._servers.pop(0))
        tls.context = self._servers[0]


@asynccontextmanager
async def world(folder: Path, run: Run, *, keys: int = 1) -> AsyncGenerator[World]:
    pki = LabPki()
    for name, text in (
        ("root.pem", pki.root.pem), ("logs.json", pki.ct_logs_json), ("rules.toml", RULES),
    ):  # fmt: skip
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)
    readable_by_all(folder)
    origin = (
        Origin({host: pki.issue(host) for host in HOSTS})
        if keys == 1
        else SeveralKeys(*(pki.issue(*HOSTS) for _ in range(keys)))
    )
    async with origin, NameServer.here(HOSTS) as names:
        yield World(folder, pki, origin, names, run)


def test_a_mitmproxy_passes_decrypts_and_blocks(tlsight: Run, tmp_path: Path) -> None:
    with running(world(tmp_path, tlsight)) as w, running(w.mitmdump("a")) as proxy:
        code, found = w.prove(PASSED, INSPECTED, BLOCKED, "--proxy", proxy.url, row="mitmproxy")
        assert code == 1
        assert {host: (one["state"], one["reason"]) for host, one in found.items()} == {
            PASSED: ("passes", "same-key"),
            INSPECTED: ("decrypted", "judged"),
            BLOCKED: ("cannot-tell", "blocked"),
        }
        assert found[PASSED]["same"] == {
            "leaf_key": True, "chain": True, "scts": True, "ja3s": True,
        }  # fmt: skip
        assert found[PASSED]["through"]["scts"]
        assert found[INSPECTED]["by"] == "mitmproxy"
        assert found[INSPECTED]["same"]["leaf_key"] is False
        # Exit codes: what passes alone, and what cannot be told alone.
        assert w.prove(PASSED, "--proxy", proxy.url)[0] == 0
        assert w.prove(PASSED, BLOCKED, "--proxy", proxy.url)[0] == 3
        # The environment's proxy is the clients' way too, and socks5 is one way as well as another.
        done = tlsight(
            "bypass", "prove", PASSED, "--connect", w.at, "--json",
            "--roots", tmp_path / "root.pem", "--no-canaries", HTTPS_PROXY=proxy.url,
        )  # fmt: skip
        assert json.loads(done.stdout)["through"]["proxy"] == f"127.0.0.1:{proxy.port}"
    with running(world(tmp_path, tlsight)) as w:
        with running(w.mitmdump("s", "mode=socks5")) as proxy:
            url = f"socks5://127.0.0.1:{proxy.port}"
            code, found = w.prove(PASSED, INSPECTED, "--proxy", url, row="mitmproxy, socks5")
        assert (code, found[PASSED]["state"], found[INSPECTED]["state"]) == (
            1, "passes", "decrypted",
        )  # fmt: skip


def test_a_squid_that_splices_passes_and_one_that_bumps_decrypts(
    tlsight: Run, tmp_path: Path
) -> None:
    splice = (
        f"acl passed ssl::server_name {PASSED}\nacl step1 at_step SslBump1\n"
        "ssl_bump peek step1\nssl_bump splice passed\nssl_bump bump all"
    )
    with (
        running(world(tmp_path, tlsight)) as w,
        Squid(tmp_path / "squid", corporate_ca(), tmp_path / "root.pem", {}, splice) as squid,
    ):
        url = f"http://127.0.0.1:{squid.port}"
        code, found = w.prove(PASSED, INSPECTED, "--proxy", url, row="Squid")
    assert code == 1
    assert (found[PASSED]["state"], found[PASSED]["reason"]) == ("passes", "same-key")
    assert found[INSPECTED]["state"] == "decrypted"
    assert "squid" in found[INSPECTED]["by"]
    assert "Example Corp" in found[INSPECTED]["by"]


def test_a_squid_that_denies_is_told_as_policy(tlsight: Run, tmp_path: Path) -> None:
    deny = "http_access deny CONNECT"
    with (
        running(world(tmp_path, tlsight)) as w,
        Squid(tmp_path / "squid", corporate_ca(), tmp_path / "root.pem", {}, deny) as squid,
    ):
        url = f"http://127.0.0.1:{squid.port}"
        code, found = w.prove(PASSED, "--proxy", url, row="Squid that denies")
    assert (code, found[PASSED]["reason"]) == (3, "blocked")


def test_a_gateway_behind_the_proxy_is_told_from_it(tlsight: Run, tmp_path: Path) -> None:
    with running(world(tmp_path, tlsight)) as w:
        origin = f"mode=reverse:https://{w.at}"
        with (
            # Stands in the way of both, as a transparent gateway does.
            running(w.mitmdump("gateway", origin, "ssl_insecure=true", passing=False)) as gateway,
            running(w.mitmdump("ours")) as ours,
        ):
            at = f"127.0.0.1:{gateway.port}"
            code, found = w.prove(
                PASSED, "--proxy", ours.url, at=at, row="mitmproxy behind mitmproxy"
            )
            assert (found[PASSED]["state"], found[PASSED]["reason"]) == (
                "other-gateway", "same-signer",
            )  # fmt: skip
            assert code == 0
            assert w.prove(PASSED, "--proxy", ours.url, "--strict", at=at)[0] == 1
        with (
            # Only behind ours: the way past it is clean, and ours is told by its CA.
            running(w.mitmdump("parent", passing=False)) as parent,
            running(
                w.mitmdump("child", f"mode=upstream:{parent.url}", "ssl_insecure=true")
            ) as ours,
        ):
            ca = ours.folder / "mitmproxy-ca-cert.pem"
            # A name that the parent can resolve: with an upstream proxy a name is bound by asking for it.
            named = f"localhost:{w.origin.port}"
            way = "--proxy", ours.url
            code, found = w.prove(named, *way, "--ca", ca, at="", row="mitmproxy as upstream")
            assert (code, found["localhost"]["reason"]) == (0, "not-the-proxys-ca")
            code, found = w.prove(INSPECTED, *way, "--ca", ca)
            assert (code, found[INSPECTED]["reason"]) == (1, "proxys-ca")
            # Without its CA nobody can tell the two apart.
            assert w.prove(named, *way, at="")[1]["localhost"]["state"] == "decrypted"


def test_several_genuine_keys_are_no_decryption(tlsight: Run, tmp_path: Path) -> None:
    with running(world(tmp_path, tlsight, keys=7)) as w, running(w.mitmdump("a")) as proxy:
        code, found = w.prove(PASSED, "--proxy", proxy.url, row="a CDN's several keys")
        assert (code, found[PASSED]["state"], found[PASSED]["reason"]) == (0, "passes", "proven")
        assert found[PASSED]["same"]["leaf_key"] is False
        assert w.prove(INSPECTED, "--proxy", proxy.url)[1][INSPECTED]["state"] == "decrypted"


def test_a_dead_proxy_a_login_and_a_dead_host_cannot_be_told(tlsight: Run, tmp_path: Path) -> None:
    with (
        running(world(tmp_path, tlsight)) as w,
        running(w.mitmdump("login", "proxyauth=me:secret")) as login,
    ):
        code, found = w.prove(PASSED, "--proxy", "http://127.0.0.1:9", row="nobody listens")
        assert (code, found[PASSED]["reason"]) == (3, "proxy-trouble")
        code, found = w.prove(PASSED, "--proxy", login.url, row="a login")
        assert (code, found[PASSED]["reason"]) == (3, "proxy-login")
        url = f"http://me:secret@127.0.0.1:{login.port}"
        code, found = w.prove(PASSED, "--proxy", url)
        assert (code, found[PASSED]["state"]) == (0, "passes")
        assert "secret" not in json.dumps(found)
        code, found = w.prove(PASSED, "--proxy", url, at="127.0.0.1:9", row="a dead host")
        assert (code, found[PASSED]["reason"]) == (3, "unreachable")


def test_without_a_proxy_the_chain_alone_decides(tlsight: Run, tmp_path: Path) -> None:
    with running(world(tmp_path, tlsight)) as w:
        reverse = f"mode=reverse:https://{w.at}"
        with running(w.mitmdump("t", reverse, "ssl_insecure=true")) as gateway:
            at = f"127.0.0.1:{gateway.port}"
            code, found = w.prove(PASSED, INSPECTED, "--no-proxy", at=at, row="in the way")
    assert code == 1
    assert (found[PASSED]["state"], found[PASSED]["reason"]) == ("passes", "proven")
    assert found[INSPECTED]["state"] == "decrypted"
    assert found[INSPECTED]["direct"] is None
    assert "as the chain alone says" in found[INSPECTED]["text"]


def test_a_whole_list_is_proved_and_what_cannot_be_is_said(tlsight: Run, tmp_path: Path) -> None:
    store = tmp_path / "b.sqlite3"
    about = ("--reason", "x", "--owner", "x", "--expires", "90d", "--store", store)
    for pattern in (PASSED, ".below.test", "10.0.0.0/8"):
        assert tlsight("bypass", "add", pattern, *about).returncode == 0
    tlsight("bypass", "add", "mine.test", "--client", "192.0.2.0/24", *about)
    hosts = tmp_path / "hosts.txt"
    hosts.write_text(f"# more\n{INSPECTED}\nno host at all\n")
    with running(world(tmp_path, tlsight)) as w, running(w.mitmdump("a")) as proxy:
        given = ("--all", "--store", store, "--proxy", proxy.url)
        done = tlsight(
            "bypass", "prove", *given, "--connect", w.at, "--roots", tmp_path / "root.pem"
        )
        assert done.returncode == 3
        assert "passes: the server's own key" in done.stdout
        assert done.stdout.count("cannot tell: no name that it lets through was seen") == 2
        assert "for some clients alone" in done.stdout
        assert done.stdout.splitlines()[-1] == "3 cannot be told, 1 pass"
        code, found = w.prove("-l", hosts, "--proxy", proxy.url)
        assert code == 1
        assert set(found) == {INSPECTED}
    with BypassStore(store, clock.now) as opened:
        assert [entry.action for entry in opened.audit()] == ["add"] * 4
