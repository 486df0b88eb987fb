"""Eleven real clients against a recording mitmproxy, with its CA and without: the class is the truth.

The proxy stands in front of the server (reverse mode), so that clients without a proxy setting take part. Clients that
only shake hands look, when all is well, as one that leaves without a word; they are asked without the CA alone.
"""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Callable, Generator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from addons.bypass.attempt import Attempt, classify
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.cases import HOST, case
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from detector.lab.world import open_world
from tests.cli.conftest import running
from tests.live import clients
from tests.live.clients import Client
from tests.live.conftest import TABLES
from tests.live.servers import OpensslServer
from tests.live.waiting import until

pytestmark = pytest.mark.live
REFUSALS = {"refused", "refused-silently", "hung-up"}
BY_ALERT = {"curl", "openssl", "Python", "Java", "Go", "Chromium", "Firefox"}
SPEAKING = ("curl", "wget", "git", "Node", "Go", "Chromium", "Firefox")


class Proxy:
    """A mitmproxy in front of one server, and what it has recorded."""

    def __init__(self, mitm: Mitmdump, store: Path) -> None:
        self.port = mitm.port
        self.ca = mitm.folder / "mitmproxy-ca-cert.pem"
        self._store = store
        self._read = 0

    def fresh(self) -> list[Attempt]:
        """Attempts since the last question, once no more come."""
        found: list[Attempt] = []

        def no_more() -> bool:
            clock.sleep(1.2)  # longer than it keeps one to itself
            with BypassStore(self._store, clock.now) as store:
                there = list(store.traffic.attempts())[self._read :]
            more = len(there) - len(found)
            found[:] = there
            return bool(there) and not more

        until(no_more, "an attempt")
        self._read += len(found)
        return found


@asynccontextmanager
async def before(server: Any, folder: Path, trust: str, *settings: str) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trust.pem").write_text(trust)
    store = folder / "b.sqlite3"
    async with (
        server as origin,
        Mitmdump(
            folder / "mitm", trust=folder / "trust.pem", scripts=(bypass_script(),),
            settings=(f"mode=reverse:https://{HOST}:{origin.port}", f"bypass_store={store}",
                      "connection_strategy=lazy", *settings),
        ) as mitm,
    ):  # fmt: skip
        with BypassStore(store, clock.now):
            pass
        yield Proxy(mitm, store)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Generator[Proxy]:
    pki = LabPki()
    folder = tmp_path_factory.mktemp("classes")
    with running(before(Origin({HOST: pki.issue(HOST)}), folder, pki.root.pem)) as started:
        yield started


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stranger") / "root.pem"
    path.write_text(Authority("Stranger").pem)
    return path


@pytest.fixture(scope="module")
def makers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Callable[[], Client]]:
    make = tmp_path_factory.mktemp
    java, go = clients.java(), clients.go(make("go"))
    return {
        "curl": lambda: clients.curl,
        "openssl": lambda: clients.openssl,
        "Python": lambda: clients.python,
        "Node": lambda: clients.node,
        "wget": lambda: clients.wget,
        "git": lambda: clients.git,
        "Java": lambda: java,
        "gnutls-cli": lambda: clients.gnutls_cli,
        "Go": lambda: go,
        "Chromium": lambda: clients.chromium(make("chromium")),
        "Firefox": lambda: clients.firefox(make("firefox")),
    }


NAMES = (
    "curl", "openssl", "Python", "Node", "wget", "git", "Java", "gnutls-cli", "Go", "Chromium", "Firefox",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_client_without_the_ca_refuses_and_with_it_trusts(
    name: str, proxy: Proxy, stranger: Path, makers: dict[str, Callable[[], Client]]
) -> None:
    makers[name]()(HOST, proxy.port, stranger)
    without = [classify(one) for one in proxy.fresh() if one.side == "client"]
    row = TABLES.setdefault("attempts: real clients behind mitmproxy", {}).setdefault(name, {})
    row["without the CA"] = ", ".join(sorted(set(without)))
    assert without
    assert set(without) <= REFUSALS
    if name in BY_ALERT:
        assert "refused" in without
    if name in SPEAKING:
        makers[name]()(HOST, proxy.port, proxy.ca)
        trusted = [classify(one) for one in proxy.fresh() if one.side == "client"]
        row["with the CA"] = ", ".join(sorted(set(trusted)))
        assert "trusted" in trusted
        # Browsers open connections that they then do not need.
        assert set(trusted) <= {"trusted", "refused-silently", "glitch"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("expired", "upstream-certificate-invalid"),
        ("untrusted-root", "upstream-certificate-invalid"),
        ("wrong-host", "upstream-certificate-invalid"),
        ("client-certificate", "upstream-mtls"),
        ("client-certificate-1.2", "upstream-mtls"),
        ("plain-http", "upstream-not-tls"),
        ("resets", "glitch"),
        ("closes", "glitch"),
    ],
)
def test_a_broken_server_has_its_class_and_the_client_is_not_blamed(
    name: str, expected: str, tmp_path: Path
) -> None:
    one = case(name)
    assert one is not None

    @asynccontextmanager
    async def world() -> Any:
        async with (
            open_world(tmp_path / "world") as made,
            before(one.make(made), tmp_path / "proxy", made.root.pem) as started,
        ):
            yield started

    with running(world()) as proxy:
        clients.curl(HOST, proxy.port, proxy.ca)
        found = proxy.fresh()
    servers = [classify(a) for a in found if a.side == "server"]
    TABLES.setdefault("attempts: broken servers behind mitmproxy", {})[name] = {
        "expected": expected, "seen": ", ".join(sorted(set(servers))),
    }  # fmt: skip
    assert expected in servers, found
    assert {classify(a) for a in found if a.side == "client"} <= {"trusted"}


def test_a_server_of_tls_1_0_is_told_by_its_version(tmp_path: Path) -> None:
    pki = LabPki()
    old = "-tls1 -cipher ALL:@SECLEVEL=0"
    with OpensslServer(tmp_path / "server", pki, settings=old) as server:
        origin = nullcontext(server)
        with running(before(origin, tmp_path / "proxy", pki.root.pem)) as proxy:
            clients.curl(HOST, proxy.port, proxy.ca)
            found = [classify(one) for one in proxy.fresh() if one.side == "server"]
    assert set(found) == {"upstream-version"}


def test_a_client_that_is_too_old_is_told_from_one_that_does_not_trust(tmp_path: Path) -> None:
    pki = LabPki()
    trust = pki.root.pem
    origin = Origin({HOST: pki.issue(HOST)})
    with running(before(origin, tmp_path, trust)) as proxy:
        context = ssl.create_default_context(cafile=str(proxy.ca))
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

        async def ask() -> None:
            await asyncio.open_connection(
                "127.0.0.1", proxy.port, ssl=context, server_hostname=HOST
            )

        with pytest.raises((ssl.SSLError, OSError)):
            asyncio.run(ask())
        assert [classify(one) for one in proxy.fresh()] == ["client-version"]
