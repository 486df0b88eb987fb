"""Options that say which connections of a capture are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from detector.cli.options import Option
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.forensics.selection import Selection
    from detector.forensics.wanted import Span
    from detector.model.causes import CauseTable

_PANEL = "Which connections"


class CaptureFilters(msgspec.Struct, frozen=True):
    """Which connections count; everything that is given has to hold."""

    host: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="Name that was asked for, in the hello or of a proxy, or the server's address; *.example.org"
            " for all below.",
            panel=_PANEL,
        ),
    ] = None
    client: Annotated[
        list[str] | None,
        Option(metavar="ADDRESS", help="Client, or network.", panel=_PANEL),
    ] = None
    server: Annotated[
        list[str] | None,
        Option(
            metavar="SERVER",
            help="Server: address, network or name, with a port if need be; shows its whole diagnosis.",
            panel=_PANEL,
        ),
    ] = None
    sni: Annotated[
        str | None,
        Option(metavar="NAME", help="Name in the hello; - for none.", panel=_PANEL),
    ] = None
    cause: Annotated[
        str | None,
        Option(metavar="CAUSE", help="One of its causes.", panel=_PANEL),
    ] = None
    verdict: Annotated[
        str | None,
        Option(metavar="VERDICT", help="Who answered.", panel=_PANEL),
    ] = None
    since: Annotated[
        str | None,
        Option(
            metavar="TIME",
            help="Under way then or later: 2026-09-21T14:13:20Z, 14:13:20, +5m after the capture's beginning,"
            " -5m before its end. UTC where no zone is given.",
            panel=_PANEL,
        ),
    ] = None
    until: Annotated[
        str | None,
        Option(metavar="TIME", help="Begun by then.", panel=_PANEL),
    ] = None
    failed: Annotated[bool, Option("--failed", help="Only those that failed.", panel=_PANEL)] = (
        False
    )
    connection: Annotated[
        int | None,
        Option(
            min=1,
            metavar="N",
            help="One connection, by its number: every message with its time, and the filter that finds it in"
            " Wireshark.",
            panel=_PANEL,
        ),
    ] = None

    def selection(self, causes: CauseTable, span: Span) -> Selection:
        """What was asked for. Raises ConfigError for what makes no sense.

        Args:
            causes: those that there are.
            span: when the capture begins and ends, asked where a time depends on it.

        """
        from detector.forensics import wanted
        from detector.forensics.selection import Selection

        if self == CaptureFilters():
            return Selection()
        since = wanted.moment("--since", self.since, span) if self.since is not None else None
        until = wanted.moment("--until", self.until, span) if self.until is not None else None
        if since is not None and until is not None and until < since:
            raise ConfigError("--until", f"{self.until!r} is before --since {self.since!r}")
        return Selection(
            number=self.connection,
            host=wanted.name("--host", self.host) if self.host is not None else None,
            sni=self.sni,
            clients=wanted.networks("--client", self.client or ()),
            endpoints=tuple(wanted.endpoint("--server", one) for one in self.server or ()),
            cause=wanted.cause("--cause", self.cause, causes) if self.cause is not None else None,
            verdict=wanted.verdict("--verdict", self.verdict) if self.verdict is not None else None,
            since=since,
            until=until,
            failed=self.failed,
        )
