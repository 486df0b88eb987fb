"""The demonstration: one origin, real mitmproxies in front of it, and what tlsight says of each.

Every row is expected beforehand; a row that differs makes the exit code 1.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from rich.console import Console
from rich.table import Table

from addons.scripts import bypass_script
from detector.chain.certificate import read_certificate
from detector.judging.judge import judge_all
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge, Pin
from detector.lab import bypass_scenes, diagnosis_scenes
from detector.lab.expected import ExpectedRow
from detector.lab.knowledge_scenes import KnowledgeScenes, poison
from detector.lab.knowledge_scenes import told as by_evidence
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import Authority, Credential, LabPki
from detector.lab.stopping import run_stoppable
from detector.model.observation import Judgement, Observation
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from detector.report.check_text import escape, render, stdout_console
from detector.runs.saved import encode_observation, load_observations

HOSTS = ("shop.test", "bank.test", "pinned.test")


def run(*, verbose: bool = False) -> int:
    """Play the demonstration; the exit code is 0 when every row is as expected."""
    console = stdout_console()
    started = time.perf_counter()
    console.print("[bold]tlsight demo[/]: an origin with its own public CA and CT log, and real")
    console.print("mitmproxies in front of it, all on this machine. Nothing leaves it.\n")
    with tempfile.TemporaryDirectory(prefix="tlsight-demo-") as folder:
        rows = run_stoppable(_Stage(Path(folder), console, verbose).play())
    table = Table("", "way to the origin", "expected", "seen", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        mark = "[green]✓[/]" if row.holds else "[red]✗[/]"
        mark = "[dim]–[/]" if row.seen is None else mark
        table.add_row(mark, row.what, row.expected, escape(row.seen or ""))
    console.print(table)
    differing = sum(not row.holds for row in rows)
    seconds = time.perf_counter() - started
    end = "every row as expected" if not differing else f"{differing} rows differ"
    console.print(f"\n{len(rows)} rows, {end}, {seconds:.1f} s")
    return 1 if differing else 0


class _Stage:
    """The actors and what they play."""

    def __init__(self, folder: Path, console: Console, verbose: bool) -> None:
        self.folder = folder
        self.console = console
        self.verbose = verbose
        self.pki = LabPki()
        self.trust = folder / "public-root.pem"
        self.trust.write_text(self.pki.root.pem)
        self.rules = folder / "bypass.toml"
        self.credentials = {host: self.pki.issue(host) for host in HOSTS}
        self.origin = Origin(self.credentials)
        self.known = self.pki.knowledge()
        self.saved: list[Observation] = []
        self.rows: list[ExpectedRow] = []

    async def play(self) -> list[ExpectedRow]:
        self.rules.write_text('[[rule]]\nsuffix = "unrelated.example"\nreason = "not yet"\n')
        renamed = _gateway_ca()
        sub_ca = Authority("Lab Public Sub CA", parent=self.pki.root, key=_rsa())
        above = self.pki.root.certificate
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.origin)
            names = await stack.enter_async_context(NameServer.here(HOSTS))
            self.console.print("[dim]starting an origin and four mitmproxies ...[/]")
            plain, corporate, trusted, passing = await asyncio.gather(
                *(
                    stack.enter_async_context(proxy)
                    for proxy in (
                        Mitmdump(self.folder / "plain", trust=self.trust),
                        Mitmdump(
                            self.folder / "renamed", trust=self.trust, ca=renamed.credential()
                        ),
                        Mitmdump(
                            self.folder / "trusted",
                            trust=self.trust,
                            # with the root behind it mitmproxy sends the CA as well
                            ca=Credential(sub_ca.certificate, sub_ca.key, (above,)),
                            scripts=(self._poisoning(sub_ca),),
                        ),
                        Mitmdump(
                            self.folder / "passing",
                            trust=self.trust,
                            scripts=(bypass_script(),),
                            settings=(f"bypass_rules={self.rules}", f"bypass_resolver={names.at}"),
                        ),
                    )
                )
            )
            await self._show("direct", "direct by sct-verified", None)
            await self._show("mitmproxy", "intercepted, engine mitmproxy", plain)
            name = 'mitmproxy, CA renamed "Example Corp Gateway"'
            await self._show(name, "intercepted, engine mitmproxy", corporate)
            name = "mitmproxy signing with an intermediate of the public root"
            await self._show(name, "intercepted, engine mitmproxy", trusted)
            await self._pinned(plain)
            await self._bypassed(passing)
            self._offline()
            self.rows += await self._knowledge(trusted).play()
            lab = self.folder / "lab"
            self.rows += await diagnosis_scenes.play(lab, self.pki, plain, self.origin.port)
        self.rows += await bypass_scenes.play(
            self.folder / "bypass", self.trust, self.pki, bypass_script()
        )
        return self.rows

    async def _show(
        self, what: str, expected: str, proxy: Mitmdump | None, known: Knowledge | None = None
    ) -> None:
        observation = await self._observe("shop.test", proxy)
        self.saved.append(observation)
        judgement = judge_all([observation], known or self.known)[0]
        self._add(what, expected, judgement)

    async def _pinned(self, proxy: Mitmdump) -> None:
        """A pin turns both answers into proof, whatever else is known."""
        direct = await self._observe("pinned.test", None)
        pin = Pin(HostPattern("pinned.test"), (judge_key(direct),))
        known = replace(self.known, pins=(pin,), logs={}, products=(), engines=())
        self._add("pinned host, direct", "direct by pin-match", judge_all([direct], known)[0])
        through = await self._observe("pinned.test", proxy)
        what = "pinned host, mitmproxy (no product or engine table)"
        self._add(what, "intercepted by pin-mismatch", judge_all([through], known)[0])

    async def _bypassed(self, proxy: Mitmdump) -> None:
        """The addon lets one host through, and reloads its rules while it runs."""
        before = judge_all([await self._observe("bank.test", proxy)], self.known)[0]
        what = "mitmproxy with tlsight's addon, no rule yet"
        self._add(what, "intercepted, engine mitmproxy", before)
        self.rules.write_text('[[rule]]\nhost = "BANK.test."\nreason = "pinned banking app"\n')
        after = before
        deadline = time.perf_counter() + 60
        while after.verdict == "intercepted" and time.perf_counter() < deadline:
            await asyncio.sleep(0.3)
            after = judge_all([await self._observe("bank.test", proxy)], self.known)[0]
        self._add("the same, after a bypass rule was written", "direct by sct-verified", after)
        other = judge_all([await self._observe("shop.test", proxy)], self.known)[0]
        self._add("another host through the same proxy", "intercepted, engine mitmproxy", other)
        evil = Origin({"bank.test": LabPki().issue("bank.test")}, "127.0.0.66")
        evil.port = self.origin.port
        async with evil:
            steered = judge_all([await self._observe("bank.test", proxy, evil.host)], self.known)[0]
        what = "the bank's name at an attacker's address: moved to the bank"
        self._add(what, "direct by sct-verified", steered)

    def _knowledge(self, trusted: Mitmdump) -> KnowledgeScenes:
        async def observe(proxy: Mitmdump | None) -> Observation:
            return await self._observe("shop.test", proxy)

        logged = self.credentials["shop.test"]
        return KnowledgeScenes(self.folder, self.pki, logged, trusted, observe)

    def _poisoning(self, ca: Authority) -> Path:
        path = self.folder / "poison.py"
        path.write_text(poison(self.pki, ca))
        return path

    def _offline(self) -> None:
        """Save, load, judge again: the same verdicts without a network."""
        path = self.folder / "saved.ndjson"
        path.write_bytes(b"".join(encode_observation(o) + b"\n" for o in self.saved))
        online = [str(row.seen).split(",")[0].split(" ")[0] for row in self.rows[: len(self.saved)]]
        found = [judge_all([o], self.known)[0].verdict for o in load_observations(path)]
        expected = ", ".join(online)
        self.rows.append(ExpectedRow("the first four, judged offline", expected, ", ".join(found)))

    async def _observe(
        self, host: str, proxy: Mitmdump | None, at: str = "127.0.0.1"
    ) -> Observation:
        routing = Routing(parse_proxy(proxy.url)) if proxy else Routing()
        options = ProbeOptions(routing=routing, connect_to=(at, self.origin.port))
        return await probe(parse_target(host), options)

    def _add(self, what: str, expected: str, judgement: Judgement) -> None:
        self.rows.append(ExpectedRow(what, expected, told(judgement, expected)))
        if self.verbose:
            self.console.print(f"[dim]{what}[/]")
            self.console.print(render(judgement, verbose=True))


def told(judgement: Judgement, expected: str) -> str:
    """The verdict with what the expectation asks about: the engine, or the deciding evidence."""
    engine = judgement.interceptor.engine if judgement.interceptor else None
    if ", engine" in expected:
        return f"{judgement.verdict}, engine {engine}"
    return by_evidence(judgement)


def judge_key(observation: Observation) -> str:
    """The leaf's SPKI SHA-256, as one would learn a pin."""
    return read_certificate(observation.chain[0]).spki_sha256


def _gateway_ca() -> Authority:
    return Authority("Example Corp Gateway", organization="Example Corp", key=_rsa())


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
