"""The addon inside a real mitmdump: rules that pass, inspect and block, by name, client and JA4."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from addons.scripts import bypass_script
from detector import clock
from detector.judging.judge import judge_all
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.observation import Observation
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from detector.wire.fingerprints import ja4
from detector.wire.transcript import read_transcript
from tests.cli.conftest import Run, running
from tests.live.clients import said
from tests.live.programs import find
from tests.live.waiting import settled, until

pytestmark = pytest.mark.live
HOSTS = ("pass.test", "inspect.test", "block.test", "client.test", "print.test", "other.test")


def seen_through(rules: str, folder: Path) -> dict[str, Observation]:
    """Every host through one mitmproxy with these rules."""
    folder.mkdir()

    async def run() -> dict[str, Observation]:
        pki = LabPki()
        trust = folder / "root.pem"
        trust.write_text(pki.root.pem)
        path = folder / "rules.toml"
        path.write_text(rules)
        async with (
            Origin({host: pki.issue(host) for host in HOSTS}) as origin,
            NameServer.here(HOSTS) as names,
            Mitmdump(
                folder / "mitm", trust=trust, scripts=(bypass_script(),),
                settings=(f"bypass_rules={path}", f"bypass_resolver={names.at}"),
            ) as mitm,
        ):  # fmt: skip
            options = ProbeOptions(
                connect_to=("127.0.0.1", origin.port), routing=Routing(parse_proxy(mitm.url))
            )
            found = {host: await probe(parse_target(host), options) for host in HOSTS}
        judged = judge_all(list(found.values()), pki.knowledge())
        verdicts.update(dict(zip(HOSTS, (one.verdict for one in judged), strict=True)))
        return found

    verdicts.clear()
    return asyncio.run(run())


verdicts: dict[str, str] = {}


def test_each_action_happens_to_the_connections_that_it_names(tmp_path: Path) -> None:
    everywhere = '[[rule]]\nhost = "pass.test"\n'
    first = seen_through(everywhere, tmp_path / "one")
    assert verdicts["pass.test"] == "direct"
    assert verdicts["print.test"] == "intercepted"
    # The fingerprint of our own hello, as the proxy sees it.
    hello = read_transcript(first["print.test"].client_bytes, b"").client_hello
    assert hello is not None
    rules = f"""
[[rule]]
suffix = "test"
client = "127.0.0.0/8"
[[rule]]
host = "inspect.test"
action = "inspect"
[[rule]]
host = "block.test"
action = "block"
[[rule]]
host = "client.test"
client = "192.0.2.0/24"
action = "block"
[[rule]]
host = "print.test"
ja4 = "{ja4(hello)}"
action = "inspect"
"""
    found = seen_through(rules, tmp_path / "two")
    assert verdicts == {
        "pass.test": "direct", "inspect.test": "intercepted", "block.test": "inconclusive",
        "client.test": "direct", "print.test": "intercepted", "other.test": "direct",
    }  # fmt: skip
    blocked = found["block.test"]
    assert blocked.failure is not None
    assert blocked.failure.step == "tls"


def test_recheck_says_which_rules_are_needed_break_or_cannot_be_told(
    tlsight: Run, tmp_path: Path
) -> None:
    store = tmp_path / "b.sqlite3"

    @asynccontextmanager
    async def world() -> AsyncGenerator[tuple[int, Mitmdump, Mitmdump]]:
        pki = LabPki()
        (tmp_path / "root.pem").write_text(pki.root.pem)
        async with (
            Origin({"localhost": pki.issue("localhost")}) as origin,
            Mitmdump(tmp_path / "a", trust=tmp_path / "root.pem", scripts=(bypass_script(),),
                     settings=(f"bypass_store={store}",)) as ours,
            Mitmdump(tmp_path / "b", trust=tmp_path / "root.pem") as other,
        ):  # fmt: skip
            yield origin.port, ours, other

    def found(*more: object) -> dict[str, tuple[str, str]]:
        done = tlsight("bypass", "recheck", *more, "--json", "--store", store)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        states = {one["state"] for one in lines}
        only_untold = states <= {"needed", "cannot-tell"}
        expected = 0 if states == {"needed"} else 3 if only_untold else 1
        assert done.returncode == expected, done.stderr
        return {one["pattern"]: (one["state"], one["reason"]) for one in lines}

    about = ("--reason", "pinned app", "--owner", "net", "--expires", "90d", "--store", store)
    unknown = ("cannot-tell", "no-traffic")
    with running(world()) as (port, ours, other):
        mine = f"localhost:{port}"
        here = f"localhost:{port} from 127.0.0.0/8"
        away = f"localhost:{port} from 192.0.2.0/24"
        tlsight("bypass", "add", "localhost", "--port", port, *about)
        tlsight("bypass", "add", "gone.invalid", *about)
        tlsight("bypass", "add", "192.0.2.0/24", *about)
        until(lambda: any("3 bypass rules in force" in line for line in ours.lines), "the rules")
        assert found("--proxy", ours.url) == {
            mine: unknown,
            "gone.invalid": ("now-breaks", "gone"),
            "192.0.2.0/24": unknown,
        }
        clock.sleep(1.5)
        assert found("--proxy", ours.url)[mine] == unknown  # its own probe is no use of it
        said(find("curl"), "-sk", "-x", ours.url, f"https://{mine}/")
        used = ("needed", "used")
        assert settled(lambda: found("--proxy", ours.url)[mine], used) == used
        assert found("--proxy", other.url)[mine] == ("now-breaks", "ineffective")
        assert found()[mine] == ("needed", "used")  # nobody asked the proxy
        # Of rules for some clients only who is one of them can ask; a JA4 no probe can take.
        tlsight("bypass", "add", "localhost", "--port", port, "--client", "127.0.0.0/8", *about)
        tlsight("bypass", "add", "localhost", "--port", port, "--client", "192.0.2.0/24", *about)
        now = found("--proxy", other.url)
        assert now[here] == ("now-breaks", "ineffective")
        assert now[away] == ("cannot-tell", "young")
        assert found("--show")[mine] == now[mine]
        assert "recheck" in tlsight("bypass", "audit", "list", "--store", store).stdout
