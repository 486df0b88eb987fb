"""`tlsight judge`: the same verdict over saved observations and PEM chains, offline."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli.gate import GateOptions
from detector.cli.groups import grouped
from detector.cli.knowledge import HistoryOptions, KnowledgeOptions
from detector.cli.options import Argument, Option
from detector.cli.output import VerdictOutput
from detector.cli.recovering import Recover, recovered
from detector.errors import ConfigError
from detector.model.targets import normal_host
from detector.runs.overwriting import refuse_overwriting

if TYPE_CHECKING:
    from detector.model.observation import Observation

_EXAMPLES = """
Judge saved observations and PEM chains (leaf first), offline and together.

Examples

  tlsight judge saved.ndjson                  written by check --save
  tlsight judge example.com=chain.pem example.org=other.pem
  tlsight judge --recover saved.ndjson        who signed the leaves that came alone
  tlsight judge --host example.com --at 2026-11-23T10:00:00Z chain.pem

What the files share counts: one private issuer over two unrelated names makes both intercepted where one of them is known to be public.
"""


@grouped
def judge(
    compare: KnowledgeOptions,
    earlier: HistoryOptions,
    output: VerdictOutput,
    gate: GateOptions,
    files: Annotated[
        list[str], Argument(metavar="[HOST=]FILE...", help="What to judge.", values="files")
    ],
    host: Annotated[
        str | None, Option(help="Name that was asked for, for chains without HOST=.")
    ] = None,
    at: Annotated[
        str | None, Option(metavar="TIME", help="Judge PEM chains at this time (ISO 8601).")
    ] = None,
    recover: Recover = False,
) -> int:
    from detector.judging.judge import judge_all
    from detector.runs.saved import load_observations

    read = [split_host(text)[1] for text in files]
    refuse_overwriting({"--html": output.html, "--junit": gate.junit}, read)
    printer = output.printer(quiet=gate.sarif, words=(*earlier.words(), *compare.words()))
    moment = parse_time(at) if at else None
    observations: list[Observation] = []
    for text in files:
        name, path = split_host(text)
        asked = name or host
        wanted = normal_host(asked) if asked else None
        observations += load_observations(path, wanted, moment)
    with (
        compare.opened(words=earlier.words()) as opened,
        gate.opened("judge", json=output.json) as cases,
    ):
        printer.cases = cases
        known = recovered(opened.knowledge, observations, earlier) if recover else opened.knowledge
        for judgement in judge_all(observations, known):
            printer.show(judgement)
    return printer.finish()


def split_host(text: str) -> tuple[str | None, Path]:
    """ "HOST=FILE" or "FILE"; a file that exists under the whole text is that file."""
    host, equals, rest = text.partition("=")
    if equals and host and rest and "/" not in host and not Path(text).exists():
        return host, Path(rest)
    return None, Path(text)


def parse_time(text: str) -> datetime:
    """ISO 8601; without a zone it is UTC. Raises ConfigError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            "--at", f"{text!r} is no time", remedy="write 2026-11-23T10:00:00Z"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


judge.__doc__ = _EXAMPLES
