"""Scenes of the demonstration that need knowledge: issuers from CT, proofs, pins, trust stores."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from detector import clock
from detector.auditing.audit import audit
from detector.auditing.model import Place, Survey, TrustKnowledge
from detector.chain.certificate import Certificate
from detector.evidence.examination import Examination
from detector.judging.judge import examine, judge_all
from detector.knowledge.ct_store import CtStore
from detector.knowledge.trust_tables import public_roots
from detector.known.knowledge import Knowledge, PublishedKey, PublishedKeys
from detector.lab.answer import Answer, Request
from detector.lab.ct_search import CtSearch
from detector.lab.expected import ExpectedRow
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import Authority, Credential, LabPki
from detector.lab.web import Web
from detector.lookup.inclusion import with_inclusion
from detector.lookup.issuers import HostIssuers, LookupDesk
from detector.lookup.source import CertSpotter
from detector.model.observation import Judgement, Observation
from detector.model.targets import parse_target
from detector.net.fetch import Fetcher, FetchOptions
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from detector.pinning.drift import drift
from detector.pinning.learning import learned_pin
from detector.stores.java import keystore_place
from detector.stores.nss import nss_place

HOST = "shop.test"
Observe = Callable[[Mitmdump | None], Awaitable[Observation]]

# Puts the interceptor's own CA into every answer of the query service.
POISON = """
def response(flow):
    flow.response.text = flow.response.text.replace({honest!r}, {ours!r})
"""


class KnowledgeScenes:
    """Plays in front of the stage's origin and proxies.

    Args:
        logged: the origin's own certificate for HOST.
        interceptor: a mitmproxy that signs with an intermediate of the public root, and poisons.
        observe: one probe of HOST, through a proxy or not.

    """

    def __init__(
        self,
        folder: Path,
        pki: LabPki,
        logged: Credential,
        interceptor: Mitmdump,
        observe: Observe,
    ) -> None:
        self.folder = folder
        self.pki = pki
        self.logged = logged
        self.interceptor = interceptor
        self.observe = observe
        self.rows: list[ExpectedRow] = []
        self.asking = FetchOptions(trust=folder / "public-root.pem", attempts=2)

    async def play(self) -> list[ExpectedRow]:
        async with AsyncExitStack() as stack:
            search = CtSearch()
            search.add(self.logged, self.pki.intermediate)
            logs = {f"log{number}": log for number, log in enumerate(self.pki.logs)}

            def serve(request: Request) -> Answer:
                log = logs.get(request.target.split("/")[1])
                return log.serve(request.target) if log else search.serve(request)

            service = Web(self.pki.issue("127.0.0.1"), serve)
            web = await stack.enter_async_context(service)
            for name, log in logs.items():
                log.grow(1000)
                log.url = f"https://127.0.0.1:{web.port}/{name}/"
            base = f"https://127.0.0.1:{web.port}/v1/issuances"
            store = CtStore(self.folder / "ct.sqlite3")
            stack.callback(store.close)
            await self._issuers(store, base)
            await self._proofs()
        await self._pins()
        self._trust()
        return self.rows

    async def _issuers(self, store: CtStore, base: str) -> None:
        poisoned = await self._look_up(store, base, self.interceptor)
        what = "issuers asked for through an interceptor that poisons the answer"
        seen = "used" if poisoned.usable else "refused"
        if any("the connection to 127.0.0.1 is intercepted" in p for p in poisoned.problems):
            seen += ", connection intercepted"
        self.rows.append(ExpectedRow(what, "refused, connection intercepted", seen))
        found = await self._look_up(store, base, None)
        keys = {issuer.spki_sha256 for answer in found.answers for issuer in answer.issuers}
        known = Certificate(self.pki.intermediate.der).spki_sha256 in keys and found.usable
        self.rows.append(
            ExpectedRow("issuers asked for directly", "known", "known" if known else "unknown")
        )
        # Neither products nor engines: Certificate Transparency alone must tell.
        bare = replace(self.pki.knowledge(), products=(), engines=(), issuers=(store,))
        what = "mitmproxy with a publicly trusted CA, by issuers known from CT alone"
        judgement = judge_all([await self.observe(self.interceptor)], bare)[0]
        self.rows.append(ExpectedRow(what, "suspect by ct-issuer-unknown", told(judgement)))

    async def _look_up(self, store: CtStore, base: str, proxy: Mitmdump | None) -> HostIssuers:
        routing = Routing(parse_proxy(proxy.url)) if proxy else Routing()
        async with Fetcher(replace(self.asking, routing=routing)) as fetch:
            source = CertSpotter(base=base, interval=0)
            desk = LookupDesk((source,), store, fetch, self.pki.knowledge(), clock.now)
            return await desk.look_up(HOST)

    async def _proofs(self) -> None:
        seen = await self.observe(None)
        known = self.pki.knowledge()
        async with Fetcher(self.asking) as fetch:
            for log, kind in zip(self.pki.logs, ("RFC 6962", "static-ct"), strict=True):
                one = replace(known, logs={log.log_id: log.known()})
                proven, _ = await with_inclusion(seen, one, fetch)
                judgement = judge_all([proven], one)[0]
                what = f"direct, with an inclusion proof of a {kind} log"
                self.rows.append(ExpectedRow(what, "direct by ct-logged", told(judgement)))

    async def _pins(self) -> None:
        known = self.pki.knowledge()
        pin = learned_pin(_examined(await self.observe(None), known), "leaf")
        renewed = self.pki.issue(HOST)
        async with Origin({HOST: renewed}) as origin:
            there = ProbeOptions(connect_to=("127.0.0.1", origin.port))
            seen = await probe(parse_target(HOST), there)
        for what, observation, expected in (
            ("pin learned, then the site renews", seen, "renewed, accepted"),
            (
                "pin learned, then mitmproxy forges",
                await self.observe(self.interceptor),
                "unexplained, refused",
            ),
        ):
            found = drift(pin, _examined(observation, known))
            said = f"{found.kind}, {'accepted' if found.explained else 'refused'}"
            self.rows.append(ExpectedRow(what, expected, said))

    def _trust(self) -> None:
        """Three roots planted in a throw-away NSS database and Java keystore."""
        leaked = Authority("Shared Router CA")
        digest = Certificate(leaked.der).spki_sha256
        planted = {
            "mitm": Authority("mitmproxy", organization="mitmproxy", profile=False),
            "leaked": leaked,
            "own": Authority("Example Corp CA", organization="Example Corp"),
        }
        keys = PublishedKeys((PublishedKey("a shared router", "lab", spki_sha256=digest),))
        known = replace(self.pki.knowledge(), published=keys)
        judging = TrustKnowledge(known, public_roots(), clock.now().date())
        expected = "published-key, interceptor-root, local-root"
        for what, program, plant in (
            ("trust audit of an NSS database with three planted roots", "certutil", _nss),
            ("trust audit of a Java keystore with the same", "keytool", _java),
        ):
            path = shutil.which(program)
            if path is None:
                self.rows.append(ExpectedRow(what, f"not tried: {program} is not installed", None))
                continue
            place = plant(path, self.folder, planted)
            findings = audit(Survey(clock.now(), (place,), (), frozenset()), judging)
            seen = ", ".join(finding.id for finding in findings)
            self.rows.append(ExpectedRow(what, expected, seen))


def told(judgement: Judgement) -> str:
    """The verdict with the deciding evidence."""
    first = judgement.evidence[0].id if judgement.evidence else "nothing"
    return f"{judgement.verdict} by {first}"


def poison(pki: LabPki, ca: Authority) -> str:
    """A mitmproxy script that puts `ca` in the place of the honest issuer."""
    honest, ours = (Certificate(a.der).spki_sha256 for a in (pki.intermediate, ca))
    return POISON.format(honest=honest, ours=ours)


def _nss(certutil: str, folder: Path, planted: dict[str, Authority]) -> Place:
    database = folder / "nssdb"
    database.mkdir()
    where = ("-d", f"sql:{database}")
    _run(certutil, "-N", *where, "--empty-password")
    for name, authority in planted.items():
        pem = _pem(folder, name, authority)
        _run(certutil, "-A", *where, "-n", name, "-t", "C,,", "-a", "-i", str(pem))
    return nss_place(database, "the demonstration")


def _java(keytool: str, folder: Path, planted: dict[str, Authority]) -> Place:
    store = folder / "trust.jks"
    for name, authority in planted.items():
        pem = _pem(folder, name, authority)
        _run(
            keytool, "-importcert", "-noprompt", "-keystore", str(store), "-storepass", "changeit",
            "-alias", name, "-file", str(pem),
        )  # fmt: skip
    return keystore_place(store, {})


def _pem(folder: Path, name: str, authority: Authority) -> Path:
    path = folder / f"{name}.pem"
    path.write_text(authority.pem)
    return path


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def _examined(observation: Observation, known: Knowledge) -> Examination:
    seen = examine(observation, known)
    assert seen is not None
    return seen
