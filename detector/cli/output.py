"""Printing judgements as they come, and keeping count."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from detector.cli.exit_codes import CLEAN, LEVELS, exit_code, worst
from detector.errors import ConfigError
from detector.model.observation import Judgement

if TYPE_CHECKING:
    from rich.progress import Progress


class Printer:
    """Prints each judgement once and remembers the exit code.

    Args:
        json: NDJSON on stdout instead of text.
        bar: whether to show a progress bar on stderr (only on a terminal).
    """

    def __init__(
        self,
        *,
        json: bool,
        verbose: bool,
        fail_on: str,
        allow_sanctioned: bool,
        total: int | None = None,
        bar: bool = False,
    ) -> None:
        if fail_on not in LEVELS[1:]:
            raise ConfigError("--fail-on", f"{fail_on!r} is none of {', '.join(LEVELS[1:])}")
        self.json = json
        self.verbose = verbose
        self.fail_on = fail_on
        self.allow_sanctioned = allow_sanctioned
        self.code = CLEAN
        self.verdicts: Counter[str] = Counter()
        # Objects and a bar on one terminal would be torn into each other.
        room = sys.stderr.isatty() and not (json and sys.stdout.isatty())
        self._bar = progress("checked", total) if bar and room else None
        if json:
            from detector.report.check_json import encode

            self._encode = encode
        else:
            from detector.report.check_text import stdout_console

            self._console = stdout_console()

    def show(self, judgement: Judgement) -> None:
        self.verdicts[judgement.verdict] += 1
        self.code = worst(self.code, exit_code(judgement, self.fail_on, self.allow_sanctioned))
        if self.json:
            sys.stdout.buffer.write(self._encode(judgement) + b"\n")
            sys.stdout.buffer.flush()
        else:
            from detector.report.check_text import render

            self._console.print(render(judgement, self.verbose))
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])

    def finish(self) -> int:
        """The last line, and the exit code."""
        self.close()
        count = sum(self.verdicts.values())
        if not self.json and count > 1:
            from detector.report.check_text import summary

            self._console.print(summary(self.verdicts))
        return self.code

    def close(self) -> None:
        if self._bar is not None:
            with suppress(Exception):
                self._bar.stop()
            self._bar = None


def progress(what: str, total: int | None) -> Progress:
    """A bar on stderr, started."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    bar = Progress(
        what,
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.add_task(what, total=total)
    bar.start()
    return bar
