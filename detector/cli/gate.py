"""Files by which a verdict gates a build: JUnit's and SARIF's, from the same cases as the exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from detector.cli import exit_codes
from detector.cli.options import Option
from detector.errors import ConfigError, TargetError
from detector.model.targets import parse_target, read_targets

if TYPE_CHECKING:
    from detector.cli.way import Targets
    from detector.model.inquiry import Diagnosis
    from detector.model.observation import Judgement
    from detector.report.gate import Case
    from detector.report.sarif import Line

_PANEL = "Output"
# Bytes of a list that is read again for its lines.
_MAX_LISTED = 1 << 24


class GateOptions(msgspec.Struct, frozen=True):
    """What a build service reads."""

    junit: Annotated[
        Path | None,
        Option(
            "--junit",
            metavar="FILE",
            help="JUnit's XML too, one case a target.",
            panel=_PANEL,
        ),
    ] = None
    sarif: Annotated[
        bool,
        Option(
            "--sarif",
            help="SARIF 2.1.0 on stdout.",
            panel=_PANEL,
        ),
    ] = False

    @contextmanager
    def opened(
        self, verb: str, *, json: bool, targets: Targets | None = None, listed: Path | None = None
    ) -> Iterator[Cases]:
        """Take cases, and write them when the block ends well: a run that is cut short gates nothing.

        Args:
            verb: what is run.
            json: JSON is asked for on stdout.
            targets: those of the run, which know at its end whether all could be read.
            listed: the file that they are read from.

        Raises ConfigError, and StoreError where the file cannot be written.

        """
        if json and self.sarif:
            raise ConfigError("--sarif", "--json is on stdout too", remedy="leave one of them out")
        if self.junit is not None and not self.junit.absolute().parent.is_dir():
            raise ConfigError("--junit", f"there is no folder {self.junit.parent}")
        cases = Cases(wanted=self.sarif or self.junit is not None)
        yield cases
        if targets is not None and targets.code != exit_codes.CLEAN:
            cases.add_unread(listed)
        if self.junit is not None:
            self._write_junit(verb, self.junit, cases.taken)
        if self.sarif:
            from detector.cli.streams import write_file
            from detector.report.sarif import of_cases

            write_file(of_cases(cases.taken, _lines(listed) if listed is not None else {}) + b"\n")

    def _write_junit(self, verb: str, path: Path, cases: list[Case]) -> None:
        import platform

        from detector import clock
        from detector.knowledge.whole_file import replacing
        from detector.report import junit

        with replacing(path) as file:
            junit.write(file, verb, cases, now=clock.now(), machine=platform.node())


class Cases:
    """The cases of one run, as they come; none are kept where nobody asked for them."""

    def __init__(self, *, wanted: bool) -> None:
        self.taken: list[Case] = []
        self._wanted = wanted

    def judged(self, judgement: Judgement, code: int) -> None:
        if self._wanted:
            from detector.knowledge.causes import cause_table
            from detector.report.gate import judged

            self.taken.append(judged(judgement, code, cause_table()))

    def diagnosed(self, diagnosis: Diagnosis, code: int) -> None:
        if self._wanted:
            from detector.knowledge.causes import cause_table
            from detector.report.gate import diagnosed

            self.taken.append(diagnosed(diagnosis, code, cause_table()))

    def add_unread(self, listed: Path | None) -> None:
        """Lines of a list that name no target fail the run, so they are a case too."""
        if self._wanted:
            from detector import clock
            from detector.report.gate import troubled

            name = str(listed) if listed is not None else "stdin"
            text = "some lines are no targets; stderr names them"
            self.taken.append(troubled(name, clock.now(), text))


def _lines(path: Path) -> dict[tuple[str, int], Line]:
    """Where each target of a list stands first; nothing of what is no plain file."""
    from detector.report.sarif import Line

    if not path.is_file() or path.stat().st_size > _MAX_LISTED:
        return {}
    found: dict[tuple[str, int], Line] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines()):
        for text in read_targets((line,)):
            try:
                target = parse_target(text)
            except TargetError:
                continue
            found.setdefault((target.host, target.port), Line(str(path), number + 1))
    return found
