"""The addon in mitmproxy's other modes: what a rule names passes there too, the rest is inspected."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from cryptography.x509.oid import NameOID

from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.judging.judge import judge_all
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from tests.live.gateways import AnyName
from tests.live.waiting import PATIENCE

pytestmark = pytest.mark.live
PASSED, INSPECTED = "pass.test", "other.test"
RULES = f'[[rule]]\nhost = "{PASSED}"\nreason = "test"\n'


@asynccontextmanager
async def proxy_in(
    mode: str, folder: Path, pki: LabPki, *settings: str
) -> AsyncGenerator[tuple[Mitmdump, Path]]:
    folder.mkdir(parents=True, exist_ok=True)
    trust, rules, store = folder / "root.pem", folder / "rules.toml", folder / "b.sqlite3"
    trust.write_text(pki.root.pem)
    rules.write_text(RULES)
    async with (
        NameServer.here((PASSED, INSPECTED)) as names,
        Mitmdump(
            folder / "mitm", trust=trust, scripts=(bypass_script(),),
            settings=(
                f"mode={mode}", f"bypass_rules={rules}", f"bypass_store={store}",
                f"bypass_resolver={names.at}", *settings,
            ),
        ) as mitm,
    ):  # fmt: skip
        yield mitm, store


async def verdicts(pki: LabPki, options: ProbeOptions) -> list[str]:
    """Of the host that passes, and of the other."""
    seen = [await probe(parse_target(host), options) for host in (PASSED, INSPECTED)]
    return [one.verdict for one in judge_all(seen, pki.knowledge())]


def origin_for(pki: LabPki) -> Origin:
    return Origin({host: pki.issue(host) for host in (PASSED, INSPECTED)})


@pytest.mark.parametrize("scheme", ["regular", "socks5", "upstream"])
def test_an_asked_proxy_passes_by_the_name_in_the_hello(scheme: str, tmp_path: Path) -> None:
    async def run() -> None:
        pki = LabPki()
        async with origin_for(pki) as origin, AnyName() as parent:
            mode = f"upstream:http://127.0.0.1:{parent.port}" if scheme == "upstream" else scheme
            async with proxy_in(mode, tmp_path, pki) as (mitm, store):
                kind = "socks5" if scheme == "socks5" else "http"
                options = ProbeOptions(
                    routing=Routing(parse_proxy(f"{kind}://127.0.0.1:{mitm.port}")),
                    connect_to=("127.0.0.1", origin.port),
                )
                assert await verdicts(pki, options) == ["direct", "intercepted"]
            with BypassStore(store, clock.now) as opened:
                use = opened.traffic.uses()[PASSED]
                assert use.connections == 1
                assert use.up > 300
                assert use.down > 1000

    asyncio.run(run())


def test_a_reverse_proxy_passes_too(tmp_path: Path) -> None:
    async def run() -> None:
        pki = LabPki()
        async with origin_for(pki) as origin:
            mode = f"reverse:https://127.0.0.1:{origin.port}"
            async with proxy_in(mode, tmp_path, pki, "ssl_insecure=true") as (mitm, _):
                options = ProbeOptions(connect_to=("127.0.0.1", mitm.port))
                assert await verdicts(pki, options) == ["direct", "intercepted"]
                said = [line for line in mitm.lines if "ssl_insecure is on" in line]
                assert len(said) == 1

    asyncio.run(run())


def test_quic_passes_by_a_rule_and_is_inspected_without(tmp_path: Path) -> None:
    async def run() -> None:
        pki = LabPki()
        credential = pki.issue(PASSED, INSPECTED)
        shown = credential.write(tmp_path / "origin.pem")
        configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
        configuration.load_cert_chain(shown, shown)
        server = await serve("127.0.0.1", 0, configuration=configuration)
        port = server._transport.get_extra_info("sockname")[1]
        mode = f"reverse:http3://127.0.0.1:{port}"
        async with proxy_in(mode, tmp_path, pki, "ssl_insecure=true") as (mitm, store):
            signers = [await quic_signer(mitm.port, host) for host in (PASSED, INSPECTED)]
            assert signers[0] == await quic_signer(port, PASSED)
            assert signers[1] == "mitmproxy"
        with BypassStore(store, clock.now) as opened:
            assert opened.traffic.uses()[PASSED].down > 1000
        server.close()

    asyncio.run(run())


async def quic_signer(port: int, host: str) -> str:
    """Who signed the certificate that comes over QUIC."""
    options = QuicConfiguration(
        is_client=True, alpn_protocols=["h3"], server_name=host, verify_mode=ssl.CERT_NONE
    )
    async with asyncio.timeout(PATIENCE):
        async with connect("127.0.0.1", port, configuration=options) as client:
            assert isinstance(client, QuicConnectionProtocol)
            shown = client._quic.tls._peer_certificate
            assert shown is not None
            (name,) = shown.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
            return str(name.value)


@pytest.mark.parametrize("mode", ["wireguard", "dns"])
def test_modes_without_a_client_here_start_with_the_addon(mode: str, tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with proxy_in(mode, tmp_path, LabPki()) as (mitm, _):
            return mitm.lines

    lines = "\n".join(asyncio.run(run()))
    assert "1 bypass rules in force" in lines
    assert "Traceback" not in lines
