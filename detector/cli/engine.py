"""`tlsight engine`: teach the table of minting programs another one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from detector.cli import exit_codes
from detector.cli.judge import split_host
from detector.cli.options import Argument, Option, Verbs

app = Verbs(no_args_is_help=True, help="Programs that mint certificates, known by what they mint.")


@app.itself()
def _engine() -> None:
    """A group, also while it has one verb."""


@app.command("learn")
def learn(
    name: Annotated[str, Argument(help="What the program is called.")],
    files: Annotated[
        list[str],
        Argument(metavar="[HOST=]FILE...", help="Chains that it minted, two at least."),
    ],
    category: Annotated[
        str, Option(help="What it is, as data/engines.toml says.")
    ] = "debugging-proxy",
    honest: Annotated[
        Path | None,
        Option(metavar="FOLDER", help="Honest chains to measure against, beside ours."),
    ] = None,
) -> int:
    """Propose the row that knows a program by the leaves it mints; count the honest ones it hits.

    Record two hosts of two owners through the program (check --save, or openssl s_client -showcerts).
    What is printed is TOML for data/engines.toml. Exit code 1: the row hits honest shapes, or asks for
    nothing characteristic; it is weak then, and decides nothing.

    Examples

      tlsight engine learn "My Proxy" example.com=one.pem example.org=two.pem
      tlsight engine learn "My Proxy" --honest our-servers/ saved.ndjson
    """
    from detector.model.targets import normal_host
    from detector.report.engine_text import row_text
    from detector.runs.engines import learn_engine
    from detector.runs.saved import load_observations

    minted = []
    for text in files:
        host, path = split_host(text)
        minted += load_observations(path, normal_host(host) if host else None)
    learned = learn_engine(minted, honest)
    print(row_text(name, category, learned))
    return exit_codes.FOUND if learned.rule.weak else exit_codes.CLEAN
