"""Events in systemd's journal, by its own protocol: fields that `journalctl` filters by.

    journalctl SYSLOG_IDENTIFIER=tlsight TLSIGHT_WHAT=interception

MESSAGE is the headline, PRIORITY syslog's; each fact has a field TLSIGHT_NAME, and TLSIGHT_EVENT is the event as JSON
without its observation. The socket confirms that the journal's queue has it, no more: what a crash of the journal
itself takes away is lost.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from detector.agent.sinks import Sink, SinkError, Surroundings
from detector.agent.sinks.choice import Choice, chosen
from detector.errors import ConfigError
from detector.report.event_facts import facts, line
from detector.report.event_json import EventRecord, encode_event, severity
from detector.report.event_syslog import FACILITIES, PRIORITIES

SOCKET = Path("/run/systemd/journal/socket")


class Settings(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """[[sink]] of kind "journald".

    Attributes:
        observation: TLSIGHT_EVENT has the observation too.
        path: the journal's socket; that of a namespace is /run/systemd/journal.NAME/socket.

    """

    observation: bool = False
    path: str = str(SOCKET)


def open_sink(settings: Settings, surroundings: Surroundings) -> Sink:  # noqa: ARG001
    """Raises ConfigError; a journal that is not there is found when it is written."""
    if not hasattr(os, "memfd_create"):
        raise ConfigError("sink.kind", "journald is Linux's", remedy="take file or syslog")
    return chosen(settings, JournalSink(Path(settings.path), observation=settings.observation))


class JournalSink:
    """An open one."""

    def __init__(self, path: Path, *, observation: bool) -> None:
        self._path = path
        self._observation = observation

    async def send(self, events: Sequence[EventRecord]) -> None:
        from detector.net.datagram import send_local

        entries = [entry(event, observation=self._observation) for event in events]
        try:
            await send_local(self._path, entries)
        except OSError as error:
            why = error.strerror or str(error)
            remedy = "is systemd-journald running here?"
            raise SinkError(f"{self._path}: {why}", remedy=remedy) from None

    async def close(self) -> None:
        """Nothing is held open."""


def entry(event: EventRecord, *, observation: bool) -> bytes:
    """One entry in the journal's native form."""
    told = event if observation else structs.replace(event, observation=None)
    fields = {
        "MESSAGE": line(event),
        "PRIORITY": str(PRIORITIES[severity(event)]),
        "SYSLOG_IDENTIFIER": "tlsight",
        "SYSLOG_FACILITY": str(FACILITIES["auth"]),
        **{f"TLSIGHT_{k.upper().replace('-', '_')}": value for k, value in facts(event).items()},
        "TLSIGHT_EVENT": encode_event(told).decode(),
    }
    return b"".join(_field(name, value.encode()) for name, value in fields.items())


def _field(name: str, value: bytes) -> bytes:
    """A value with a line's end in it goes with its length."""
    if b"\n" not in value:
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
