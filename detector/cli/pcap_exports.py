"""Options that say what a reading of captures leaves behind in files."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from detector.cli.options import Option
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.forensics.judged import JudgedConnection
    from detector.runs.exports import Exports

_PANEL = "Export"


class NoExports(nullcontext[None]):
    """Nothing was asked for, so nothing is loaded."""

    on_stdout = False

    def note(self, _: JudgedConnection) -> None:
        """As `Exports.note`."""

    def finish(self, _: tuple[str | bytes, ...]) -> list[str]:
        """As `Exports.finish`."""
        return []


class ExportOptions(msgspec.Struct, frozen=True):
    """Files for other programs, of the connections that are wanted."""

    write: Annotated[
        str | None,
        Option(
            metavar="FILE.pcapng",
            help="Their packets, with verdicts and causes as comments; - for stdout.",
            panel=_PANEL,
        ),
    ] = None
    certificates: Annotated[
        Path | None,
        Option(metavar="DIR", help="Each distinct chain as PEM, and an index.", panel=_PANEL),
    ] = None
    csv: Annotated[
        str | None,
        Option(metavar="FILE.csv", help="A row for each; - for stdout.", panel=_PANEL),
    ] = None
    zeek: Annotated[
        Path | None,
        Option(metavar="DIR", help="ssl.log and x509.log in Zeek's form.", panel=_PANEL),
    ] = None

    def exports(
        self, sources: tuple[str | bytes, ...], *, live: bool, anonymize: bool, json: bool
    ) -> Exports | NoExports:
        """What was asked for. Raises ConfigError for what cannot be done together."""
        if self == ExportOptions():
            return NoExports()
        from detector.runs.exports import Exports

        found = Exports(
            write=self.write, certificates=self.certificates, csv=self.csv, zeek=self.zeek
        )
        if anonymize:
            raise ConfigError(
                "--anonymize", "replaces nothing in exported files",
                remedy="leave out --write, --certificates, --csv and --zeek",
            )  # fmt: skip
        if found.on_stdout and json:
            raise ConfigError("--json", "stdout is the export's", remedy="export to a file")
        found.check(sources, live=live)
        return found
