"""`tlsight` alone: am I intercepted? One paragraph, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.ending import say
from detector.cli.groups import grouped
from detector.cli.knowledge import HistoryOptions, KnowledgeOptions
from detector.cli.numbers import finite
from detector.cli.options import Option
from detector.cli.output import VerdictOutput
from detector.cli.waiting import Waiting
from detector.cli.way import WayOptions

if TYPE_CHECKING:
    from detector.model.observation import Judgement, Target
    from detector.net.routes import Routing
    from detector.runs.check import CheckRun

_PORTAL_SECONDS = 1.5  # twice at most
_TEXT = """
Ask a dozen well-known sites of unrelated owners, and say in a paragraph whether somebody stands in between.

It takes the options of tlsight check that say how to get there and what to compare with, and its settings. Where
nobody answers and nothing tells why, pages that systems ask to find a captive portal are asked too, over plain HTTP.

Exit codes: 0 no, 1 yes or perhaps, 3 cannot tell, or some sites gave no handshake, 2 usage, 4 cannot write.
"""


@grouped
def answer(
    way: WayOptions,
    compare: KnowledgeOptions,
    earlier: HistoryOptions,
    output: VerdictOutput,
    within: Annotated[
        float,
        Option(
            "--within", min=0.1, callback=finite, help="Seconds for all sites together.",
            envvar="TLSIGHT_WITHIN",
        ),
    ] = 10.0,
) -> int:  # fmt: skip
    from detector.cli.check import canaries
    from detector.judging.answer import answer as answered
    from detector.judging.answer import may_be_portal
    from detector.net.briefly import run_briefly
    from detector.runs.check import CheckRun

    exit_codes.demand_level(output.fail_on)
    targets = list(way.targets(None, None, canaries()))
    options = way.probe_options(compare.roots)
    waiting = Waiting(
        "waiting for {} to answer", shown=not output.json, total=len(targets), done="asked"
    )
    words = (*way.words(options.routing), *earlier.words())
    with compare.opened(words=words) as opened, earlier.opened() as memory, waiting:
        # The sites are each other's witnesses.
        session = CheckRun(
            opened.knowledge, options, memory=memory, store=opened.store, canaries=False,
            lookups=True, within=within, warn=say, around=waiting.target,
        )  # fmt: skip
        found = run_briefly(_judged(session, targets))
        whole = answered(found, len(targets))
        if may_be_portal(whole, found):
            with waiting.on("a captive portal"):
                portal = _meets_portal(options.routing)
            whole = answered(found, len(targets), portal=portal)
    if output.json:
        from detector.cli.streams import write_json

        write_json(whole)
    else:
        from detector.report.answer_text import render
        from detector.report.check_text import stdout_console

        stdout_console().print(render(whole, verbose=output.verbose))
    code = exit_codes.INCONCLUSIVE if whole.late else exit_codes.CLEAN
    for one in found:
        code = exit_codes.worst(
            code, exit_codes.exit_code(one, output.fail_on, output.allow_sanctioned)
        )
    return code


def _meets_portal(routing: Routing) -> bool:
    """As systems ask, over plain HTTP, of owners drawn at random."""
    from random import SystemRandom

    from detector.agent.senses.portal import portal
    from detector.net.briefly import run_briefly

    return (
        run_briefly(portal(SystemRandom(), routing=routing, seconds=_PORTAL_SECONDS)) == "captive"
    )


async def _judged(session: CheckRun, targets: list[Target]) -> list[Judgement]:
    from contextlib import aclosing

    async with aclosing(session.run(targets, len(targets))) as judgements:
        return [judgement async for judgement in judgements]


answer.__doc__ = _TEXT
