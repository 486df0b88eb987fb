"""Options of the output, and judgements printed as they come."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from detector.cli.ending import say
from detector.cli.exit_codes import CLEAN, demand_level, exit_code, worst
from detector.cli.options import Option
from detector.errors import ConfigError
from detector.model.observation import Judgement

if TYPE_CHECKING:
    from detector.cli.gate import Cases


MAX_HELD = 2000
_PANEL = "Output"

Json = Annotated[
    bool,
    Option("--json", help="One JSON object a line on stdout.", panel=_PANEL),
]
Verbose = Annotated[
    bool,
    Option("--verbose", "-v", help="All evidence and the chain.", panel=_PANEL),
]
Plot = Annotated[
    Path | None,
    Option(metavar="FILE.svg|png", help="Failures over time.", panel=_PANEL),
]
Anonymize = Annotated[
    bool,
    Option(
        "--anonymize",
        help="Replace addresses and names, each always by the same.",
        panel=_PANEL,
    ),
]
Html = Annotated[
    Path | None,
    Option("--html", metavar="FILE", help="One self-contained page too.", panel=_PANEL),
]


def plot_file(path: Path | None) -> Path | None:
    """The file that a plot is to go to. Raises ConfigError for a kind that cannot be made."""
    if path is not None and path.suffix not in (".svg", ".png"):
        raise ConfigError("--plot", f"{path.name!r} is neither .svg nor .png")
    return path


class VerdictOutput(msgspec.Struct, frozen=True):
    """How verdicts are shown, and which of them make the exit code 1."""

    json: Json = False
    verbose: Verbose = False
    html: Html = None
    fail_on: Annotated[
        str,
        Option(
            help="First verdict that makes the exit code 1: private, consistent, suspect, intercepted.",
            envvar="TLSIGHT_FAIL_ON",
            values="verdicts",
            panel=_PANEL,
        ),
    ] = "suspect"
    allow_sanctioned: Annotated[
        bool,
        Option(
            "--allow-sanctioned",
            help="Exit 0 for interceptors that the policy allows.",
            panel=_PANEL,
        ),
    ] = False

    def printer(
        self, *, quiet: bool = False, again: Sequence[str] = (), words: Sequence[str] = ()
    ) -> Printer:
        """Raises ConfigError for a --fail-on that is no verdict."""
        return Printer(
            json=self.json, verbose=self.verbose, fail_on=self.fail_on, again=again, words=words,
            allow_sanctioned=self.allow_sanctioned, quiet=quiet, html=self.html,
        )  # fmt: skip


class StoryOutput(msgspec.Struct, frozen=True):
    """How the story of logs or captures is told."""

    json: Json = False
    verbose: Verbose = False
    plot: Plot = None
    html: Annotated[
        Path | None,
        Option("--html", "--report", help="One self-contained page.", panel=_PANEL),
    ] = None
    anonymize: Anonymize = False


class CaptureOutput(StoryOutput, frozen=True):
    """How the story of captures is told."""

    connections: Annotated[
        bool, Option("--connections", help="List every connection.", panel=_PANEL)
    ] = False
    summary: Annotated[
        bool,
        Option("--summary", help="By server, name, JA4 and cause.", panel=_PANEL),
    ] = False


class Printer:
    """Prints each judgement once and remembers the exit code.

    As text, targets that fail for one reason of this machine's own network are held as long as no other
    outcome comes, so that a run without a network says so once. At most MAX_HELD are.

    Args:
        json: NDJSON on stdout instead of text.
        html: where a page of all of them is to go.
        quiet: print no judgement: stdout is another document's.
        again: the command that asks such a question, with what is its own; `tlsight check` when left out.
        words: options that make it ask and compare as this run does.

    Attributes:
        cases: takes each judgement with its exit code, where a build is gated.

    """

    def __init__(
        self,
        *,
        json: bool,
        verbose: bool,
        fail_on: str,
        allow_sanctioned: bool,
        html: Path | None = None,
        quiet: bool = False,
        again: Sequence[str] = (),
        words: Sequence[str] = (),
    ) -> None:
        demand_level(fail_on)
        self.json = json
        self.verbose = verbose
        self.fail_on = fail_on
        self.allow_sanctioned = allow_sanctioned
        self.code = CLEAN
        self.quiet = quiet
        self.cases: Cases | None = None
        self.verdicts: Counter[str] = Counter()
        self._held: list[Judgement] = []
        self._holds = not json and not verbose and not quiet
        self._reason: str | None = None
        self._html = html
        if html is not None:
            from detector.report.check_page import CheckPage

            self._page = CheckPage(again, words)
        if json:
            from detector.report.check_json import encode

            self._encode = encode
        else:
            from detector.report.check_text import stdout_console
            from detector.report.said import Said

            self._console = stdout_console()
            self._said = Said()

    def show(self, judgement: Judgement) -> None:
        self.verdicts[judgement.verdict] += 1
        code = exit_code(judgement, self.fail_on, self.allow_sanctioned)
        self.code = worst(self.code, code)
        if self.cases is not None:
            self.cases.judged(judgement, code)
        if self.quiet:
            pass
        elif self.json:
            sys.stdout.buffer.write(self._encode(judgement) + b"\n")
            sys.stdout.buffer.flush()
        elif not self._hold(judgement):
            self.release()
            self._print(judgement)
        if self._html is not None:
            self._page.add(judgement)

    def finish(self) -> int:
        """The last lines, and the exit code."""
        if len(self._held) > 1 and self._reason is not None:
            from detector.report.check_text import render_together

            self._console.print(render_together(self._held, self._reason))
            self._held.clear()
            return self.code
        self.release()
        count = sum(self.verdicts.values())
        if not self.json and not self.quiet and count > 1:
            from detector.report.check_text import summary

            self._console.print(summary(self.verdicts))
        self._write_page(whole=True)
        return self.code

    def cut_short(self) -> None:
        """Show what is known of a run that ends before its time."""
        self.release()
        if self.verdicts:
            self._write_page(whole=False)

    def _write_page(self, *, whole: bool) -> None:
        if self._html is None:
            return
        from detector.report.page import write_page

        write_page(self._html, self._page.page(whole=whole))

    def release(self) -> None:
        """Print what is held, one by one, and hold no more: the run ends early, or another outcome has come."""
        self._holds = False
        for judgement in self._held:
            self._print(judgement)
        self._held.clear()

    def _hold(self, judgement: Judgement) -> bool:
        """Whether this one waits for the end, to be told together with those before it."""
        if not self._holds or len(self._held) == MAX_HELD:
            return False
        from detector.report.check_text import network_reason

        reason = network_reason(judgement.observation)
        if reason is None or self._reason not in (None, reason):
            return False
        self._reason = reason
        self._held.append(judgement)
        return True

    def _print(self, judgement: Judgement) -> None:
        from detector.report.check_text import render

        self._console.print(render(judgement, self.verbose, self._said))


def warn(text: str) -> None:
    """One line on stderr."""
    say(text)
