"""`tlsight grade`: how dangerous is whoever stands in between?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.groups import grouped
from detector.cli.options import Option
from detector.cli.output import Html, Json, Verbose
from detector.cli.way import WayOptions
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.model.grades import Seen

_SHOW = "What to show"
_LETTERS = ("A", "B", "C", "D", "F")
_TEXT = """
Grade an intercepting proxy from A to F: visit servers that are bad on purpose through it, and see what it lets pass.

The servers are ours: tlsight lab serve --grade NAME runs them where the proxy can reach them, and writes grade.json.
For the tests of certificates the proxy has to trust the root in it; without, the others still run and the rest is told.

Examples

  tlsight grade --servers grade.json --proxy http://proxy:3128
  tlsight grade --servers grade.json --save seen.json   who stands in between anyway
  tlsight grade --from seen.json                        the same grade, offline
  tlsight grade --servers grade.json --at-least C       exit 1 below C

Exit codes: 0 at least --at-least, 1 worse, 3 nobody in between, or nothing could be asked, 2 usage, 4 cannot write.
"""


@grouped
def grade(
    way: WayOptions,
    servers: Annotated[
        Path | None,
        Option(metavar="FILE", help="What tlsight lab serve --grade wrote.", panel="What to ask"),
    ] = None,
    from_: Annotated[
        Path | None,
        Option("--from", metavar="FILE", help="Judge what was saved, and ask nothing.", panel="What to ask"),
    ] = None,
    no_direct: Annotated[
        bool,
        Option(
            "--no-direct", panel="What to ask",
            help="Do not ask the servers past the proxy for what they met, where the proxy bars the way.",
        ),
    ] = False,
    save: Annotated[
        Path | None,
        Option(metavar="FILE", help="Save the observations, to judge again later.", panel=_SHOW),
    ] = None,
    at_least: Annotated[
        str,
        Option(help="Letter below which the exit code is 1.", values=_LETTERS, panel=_SHOW),
    ] = "B",
    json: Json = False,
    html: Html = None,
    verbose: Verbose = False,
) -> int:  # fmt: skip
    from detector.judging.grade import grade as graded
    from detector.knowledge import shipped
    from detector.knowledge.grade_tests import grade_tests
    from detector.report.grade_json import record
    from detector.runs.grade_files import seen_of
    from detector.runs.overwriting import refuse_overwriting

    if at_least not in _LETTERS:
        raise ConfigError("--at-least", f"{at_least!r} is none of {', '.join(_LETTERS)}")
    if (servers is None) == (from_ is None):
        raise ConfigError(
            "grade", "--servers or --from is needed", remedy="see tlsight grade --help"
        )
    refuse_overwriting({"--html": html, "--save": save}, filter(None, (servers, from_)))
    if servers is not None:
        seen = _asked(way, servers, json=json, direct=not no_direct)
    else:
        assert from_ is not None
        seen = seen_of(from_)
    tests = grade_tests()
    found = record(graded(seen, tests, shipped.published_keys()), seen, tests)
    if html is not None:
        from detector.report.grade_page import grade_page
        from detector.report.page import write_page

        write_page(html, grade_page(found))
    if save is not None:
        _save(save, seen)
    if json:
        from detector.cli.streams import write_json

        write_json(found)
    else:
        from detector.report.check_text import stdout_console
        from detector.report.grade_text import render

        stdout_console().print(render(found, verbose=verbose))
    if found.letter is None:
        return exit_codes.INCONCLUSIVE
    worse = _LETTERS.index(found.letter) > _LETTERS.index(at_least)
    return exit_codes.FOUND if worse else exit_codes.CLEAN


def _asked(way: WayOptions, path: Path, *, json: bool, direct: bool) -> Seen:
    import asyncio

    from detector.cli.waiting import Waiting
    from detector.runs.grade import GradeRun
    from detector.runs.grade_files import servers_of

    servers = servers_of(path)
    total = len(servers.leaves) + 2
    with Waiting("waiting for {}", shown=not json, total=total, done="asked") as waiting:
        run = GradeRun(servers, way.probe_options(), direct=direct, on=waiting.on)
        return asyncio.run(run.run())


def _save(path: Path, seen: Seen) -> None:
    import msgspec

    from detector.knowledge.whole_file import write_whole

    write_whole(path, msgspec.json.encode(seen) + b"\n")


grade.__doc__ = _TEXT
