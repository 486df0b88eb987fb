"""The verbs as an agent calls them: the same runs, with the options of whoever started the server."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import msgspec

from detector.cli.knowledge import HistoryOptions, KnowledgeOptions
from detector.cli.way import WayOptions
from detector.errors import ConfigError
from detector.mcp.answers import Answer
from detector.mcp.arguments import (
    CheckArguments,
    DiagnoseArguments,
    DoctorArguments,
    ExplainArguments,
    WhyArguments,
)
from detector.model.targets import STARTTLS_PORTS, parse_target

if TYPE_CHECKING:
    from rich.console import RenderableType

    from detector.auditing.model import Setting
    from detector.chain.certificate import Certificate
    from detector.model.observation import Judgement, Target, VerdictName
    from detector.net.routes import Routing

Tell = Callable[[str], None]

_WIDTH = 110
_ECHO = 1000  # characters of a message that its answer repeats: who asks has it
_FETCH_TIMEOUT = 3.0
_THREADS = 8
_NOTHING = "Nothing in this text is about TLS. Give the whole message with the lines around it."
# What an agent may say of each verdict, and no more.
_MEANS: dict[VerdictName, str] = {
    "direct": "proven: nobody stands between",
    "consistent": "nothing speaks against the server; that is no proof that nobody stands between",
    "private": "a private CA answers, and one is expected there",
    "suspect": "evidence against it, but an innocent explanation is possible: nothing is proven",
    "intercepted": "somebody stands between and answers for the server",
    "inconclusive": "there was no handshake to judge: nothing is known of who answers",
}


@dataclass(frozen=True, slots=True)
class Calls:
    """One method a tool. Each raises TlsightError in one line for what cannot be asked.

    Earlier runs count and are not added to: who names the address to dial could teach them anything.
    """

    way: WayOptions
    compare: KnowledgeOptions
    earlier: HistoryOptions
    # Apart from those that write answers: work that was left behind holds its place until it is done.
    _threads: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(_THREADS))

    async def explain(self, asked: ExplainArguments, tell: Tell) -> Answer:
        tell("reading the text")
        return await self._in_thread(lambda: _explained(asked))

    async def trust_why(self, asked: WhyArguments, tell: Tell) -> Answer:
        from detector.runs.trust_why import program_named

        program_named(asked.program)
        chain: tuple[Certificate, ...] = ()
        reason = ""
        if asked.url:
            tell("asking the server for its chain")
            chain, reason = await self._chain(asked.url)
        tell("reading settings and stores")
        return await self._in_thread(lambda: _why(asked, chain, reason))

    async def check(self, asked: CheckArguments, tell: Tell) -> Answer:
        from detector.report.check_json import check_record
        from detector.report.check_text import render
        from detector.runs.check import CheckRun

        way = self._way(asked)
        targets = _targets(asked.hosts, asked.starttls)
        options = way.probe_options(self.compare.roots)
        done: dict[int, Judgement] = {}
        tell(_of(done, targets))
        _read_roots_again()
        words = self._words(way, options.routing)
        with (
            self.compare.opened(words=words) as opened,
            self.earlier.opened(read_only=True) as memory,
        ):
            run = CheckRun(
                opened.knowledge, options, memory=memory, store=opened.store, lookups=True
            )
            async with aclosing(run.numbered(targets, len(targets))) as judgements:
                async for place, judgement in judgements:
                    done[place] = judgement
                    tell(_of(done, targets))
        found = [done[place] for place in sorted(done)]
        return Answer(
            "\n".join(map(_verdict, found)),
            _printed(*map(render, found)),
            {"checks": [msgspec.to_builtins(check_record(one)) for one in found]},
        )

    async def diagnose(self, asked: DiagnoseArguments, tell: Tell) -> Answer:
        from detector.report.diagnose_json import diagnose_record
        from detector.report.diagnose_text import render
        from detector.runs.diagnose import Investigation

        way = self._way(asked)
        targets = _targets([asked.host], asked.starttls)
        options = way.probe_options(self.compare.roots)
        words = self._words(way, options.routing)
        fetch = way.fetch_options(self.compare.roots, attempts=1)
        tell("walking the handshake")
        _read_roots_again()
        with (
            self.compare.opened(words=words) as opened,
            self.earlier.opened(read_only=True) as memory,
        ):
            how = Investigation(
                options,
                fetch=replace(fetch, timeout=min(fetch.timeout, _FETCH_TIMEOUT)),
                store=opened.store,
                roots=str(self.compare.roots) if self.compare.roots is not None else None,
            )
            run = how.run(targets, opened.knowledge, memory=memory)
            async with aclosing(run) as diagnoses:
                (found,) = [one async for _, one in diagnoses]
        who = _verdict(found.judgement)
        causes = "".join(
            f"\n{cause.severity}: {cause.id}, {cause.party} acts: {_general(cause.id)}"
            for cause in found.causes
        )
        head = f"{'healthy' if found.healthy else 'broken'}. Who answers: {who}{causes}"
        return Answer(head, _printed(render(found)), msgspec.to_builtins(diagnose_record(found)))

    async def doctor(self, asked: DoctorArguments, tell: Tell) -> Answer:
        return await self._in_thread(lambda: self._examined(asked, tell))

    def _examined(self, asked: DoctorArguments, tell: Tell) -> Answer:
        from detector.cli.doctor import examination
        from detector.report.doctor_text import render

        examined = examination(
            lambda: self.way.routing(self.compare.roots), "mcp", offline=asked.offline
        )
        found = examined.run(tell)
        parts = dict.fromkeys(one.part for one in found.findings if one.level == "problem")
        where = f" in {', '.join(parts)}" if parts else ""
        head = f"{found.problems} problem{'s' * (found.problems != 1)}{where}."
        return Answer(head, _printed(render(found)), msgspec.to_builtins(found))

    def _way(self, asked: CheckArguments | DiagnoseArguments) -> WayOptions:
        """The way that the agent names, over that of whoever started the server."""
        if asked.starttls and asked.starttls not in STARTTLS_PORTS:
            known = ", ".join(STARTTLS_PORTS)
            raise ConfigError("starttls", f"{asked.starttls!r} is none of {known}")
        way = msgspec.structs.replace(
            self.way, connect=asked.connect or None, starttls=asked.starttls or None
        )
        return (
            msgspec.structs.replace(way, proxy=asked.proxy, no_proxy=False) if asked.proxy else way
        )

    def _words(self, way: WayOptions, routing: Routing) -> tuple[str, ...]:
        """The options beside those of `compare`, for advice that repeats the question."""
        return (*way.words(routing), *self.earlier.words())

    async def _chain(self, url: str) -> tuple[tuple[Certificate, ...], str]:
        """What the server sends; empty, with the reason, where there is no handshake."""
        from detector.net.probe import probe
        from detector.runs.trust_why import chain_of

        seen = await probe(parse_target(url), self.way.probe_options(self.compare.roots))
        reason = "" if seen.chain else seen.failure.text if seen.failure else "no certificate"
        return tuple(chain_of(seen.chain)), reason

    async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
        """Work that waits for no peer. A call that is cancelled leaves it behind; what it was given bounds it."""
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._threads)


def _explained(asked: ExplainArguments) -> Answer:
    from detector.messages.reading import Line, lines_of
    from detector.report.explain_json import explain_record
    from detector.report.explain_text import render
    from detector.runs.explain import explained_lines

    around = []  # in the words in which a shell and a program would have said it
    if asked.command:
        around.append(Line(0, "$ " + " ".join(asked.command.split())))
    if asked.url:
        around.append(Line(0, "asked " + " ".join(asked.url.split())))
    side = None if asked.side == "unknown" else asked.side
    found = explained_lines([*around, *lines_of(asked.text)], side)
    record = msgspec.structs.replace(explain_record(found), text=asked.text[:_ECHO])
    causes = "\n".join(
        f"{one.likelihood}: {one.cause.id}, {one.cause.party} acts: {one.cause.text}"
        for one in found.causes
    )
    return Answer(causes or _NOTHING, _printed(render(found)), msgspec.to_builtins(record))


def _why(asked: WhyArguments, chain: tuple[Certificate, ...], reason: str) -> Answer:
    """`reason` is why a server that was asked showed no chain; it may hold words of a proxy."""
    from detector.auditing.why import Sought
    from detector.report.trust_why_json import why_record
    from detector.report.trust_why_text import render
    from detector.runs.trust_why import WhyRun

    host = parse_target(asked.url).host if asked.url else ""
    done = WhyRun(asked.program, folder=Path.cwd(), sought=Sought(chain=chain), host=host).answer()
    record = why_record(done)
    holds = {
        True: "A store that it reads holds the root of that chain.",
        False: "No store that it reads holds the root of that chain.",
        None: "Whether a store holds the root of that chain cannot be read.",
    }[record.holds]
    if reason:
        holds = "The server showed no chain, so no root was looked for: ask diagnose why."
    elif not record.root:
        holds = "No root was looked for."
    counts = _keys(use.setting for use in record.settings if use.counts)
    reads = f"what it reads is decided by {counts}" if counts else "no setting counts here"
    unsafe = _keys(record.unsafe)
    return Answer(
        f"{record.name}: {reads}. {holds}\n"
        + (f"Turned off: {unsafe} makes it verify nothing; take it out.\n" if unsafe else "")
        + (record.ask if record.root else ""),
        _printed(*([f"{asked.url}: {reason}"] if reason else []), render(record)),
        msgspec.to_builtins(record),
    )


def _keys(settings: Iterable[Setting]) -> str:
    """Settings by their names; one that its file's writer could have put words into stays unnamed."""
    names = [setting.key.partition(":")[2] for setting in settings]
    plain = [n if n.replace(".", "").replace("_", "").isalnum() else "a setting" for n in names]
    return ", ".join(dict.fromkeys(plain))


def _verdict(judgement: Judgement) -> str:
    from detector.report.check_text import place

    who = judgement.interceptor
    product = f", product {who.product}" if who is not None and who.product else ""
    decided = f" (decided by {judgement.decided_by}{product})" if judgement.decided_by else ""
    where = place(judgement.observation)
    return f"{where}: {judgement.verdict}, {_MEANS[judgement.verdict]}{decided}"


def _general(cause: str) -> str:
    """What the table says of a cause, without what was seen."""
    from detector.knowledge.causes import cause_table

    return cause_table()[cause].text


def _targets(hosts: Sequence[str], starttls: str) -> list[Target]:
    """Raises TargetError."""
    return [parse_target(host, starttls=starttls or None) for host in hosts]


def _of(done: dict[int, Any], targets: Sequence[Target]) -> str:
    return f"{len(done)} of {len(targets)} hosts judged"


def _read_roots_again() -> None:
    """One may have been added or taken out since the last call."""
    from detector.knowledge.roots import local_roots

    local_roots.cache_clear()


def _printed(*parts: RenderableType) -> str:
    from rich.console import Console

    paper = io.StringIO()
    console = Console(
        file=paper, width=_WIDTH, color_system=None, highlight=False, emoji=False, legacy_windows=False
    )  # fmt: skip
    for part in parts:
        console.print(part, crop=False)  # lines that are pasted are whole
    return paper.getvalue()
