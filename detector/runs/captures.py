"""A run over captures: connections out of packets, each judged, and the story that they tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import msgspec
from msgspec.structs import replace

from detector.capture.connection import Connection
from detector.capture.flow_table import DEFAULT_LIMIT
from detector.capture.following import Followed
from detector.capture.keylog import KeyLog
from detector.capture.tally import Tally
from detector.errors import ConfigError
from detector.evidence.sharing import Sharing
from detector.forensics.joining import Joined
from detector.forensics.judged import BATCH, ConnectionJudge, JudgedConnection
from detector.forensics.selection import Selection
from detector.forensics.servers import TLS_PORTS
from detector.forensics.story import CaptureStory
from detector.knowledge.browser_hellos import browser_hellos
from detector.knowledge.ech_outer_names import ech_outer_names
from detector.knowledge.fixes import config_lines
from detector.known.knowledge import Knowledge
from detector.logs.access import agents
from detector.logs.event import Event
from detector.runs.files import lines_of, opened
from detector.runs.following import followed
from detector.runs.memory import Memory
from detector.runs.packets import Capture, live

_MAX_SPOKEN = 1 << 16


class CaptureRun(msgspec.Struct, frozen=True):
    """How to read captures, and what to join with them.

    Attributes:
        files: captures, "-" for stdin, or their content; or
        interface, expression: what to capture live, and which packets of it, in pcap's language.
        keylogs: key logs (SSLKEYLOGFILE) that open TLS 1.3.
        ports: ports on which connections that were never taken are told, beside the usual ones.
        agent: User-Agent that all clients claim.
        access_logs: logs with User-Agents, joined by client address and port.
        events: failures of server logs of the same time.
        limit: connections under way at once.
        summary: count by name, JA4, cause and more.
        selection: which connections are given and counted; all are judged.
        warn: told about files that cannot be read, a line each, where others can; None raises.

    """

    files: tuple[str | bytes, ...] = ()
    interface: str | None = None
    expression: str = ""
    keylogs: tuple[Path, ...] = ()
    ports: tuple[int, ...] = ()
    agent: str | None = None
    access_logs: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    limit: int = DEFAULT_LIMIT
    summary: bool = False
    selection: Selection = Selection()
    warn: Callable[[str], None] | None = None

    @property
    def at_once(self) -> bool:
        """Connections are told as they end: nobody knows when the next one comes."""
        return self.interface is not None or self.files == ("-",)

    def begin(self, known: Knowledge, memory: Memory | None = None) -> CaptureReading:
        """Start; who answers is judged as `check` judges it. Raises ConfigError."""
        if bool(self.files) == (self.interface is not None):
            raise ConfigError("pcap", "give files, or an interface")
        remembered = memory or Memory()
        sharing = Sharing()
        remembered.fill(sharing, known)
        judge = ConnectionJudge(
            known,
            browser_hellos(),
            agents=_agents(self.access_logs),
            default_agent=self.agent,
            batch=1 if self.at_once else BATCH,
            sharing=sharing,
            baseline=remembered.baseline,
        )
        tally = Tally()
        story = CaptureStory(
            known, config_lines(), judge, tally, self.events,
            summary=self.summary, selection=self.selection,
        )  # fmt: skip
        capture = Capture(_keys(self.keylogs), limit=self.limit, outer_names=ech_outer_names())
        return CaptureReading(self, capture, judge, story)


class CaptureReading:
    """One reading under way: iterate over it, then ask `story`.

    Attributes:
        kept: connections that `keep` read.
        unread: how many of several files could not be read, or not to their end.

    """

    def __init__(
        self, how: CaptureRun, capture: Capture, judge: ConnectionJudge, story: CaptureStory
    ) -> None:
        self.kept: tuple[JudgedConnection, ...] = ()
        self.unread = 0
        self._story = story
        self._how = how
        self._capture = capture
        self._judge = judge
        self._stream = self._judged()

    def __iter__(self) -> Iterator[JudgedConnection]:
        """Connections that the selection keeps and that were not asked for before. Raises ConfigError."""
        return (one for one, _ in self._stream)

    def with_log(self) -> Iterator[tuple[JudgedConnection, Joined | None]]:
        """As iterating, each with the log's line that belongs to it."""
        return self._stream

    def followed(self, one: JudgedConnection) -> Followed:
        """A connection in detail, by a second pass over its file, which is not stdin. Raises ConfigError."""
        file = self._how.files[one.connection.source]
        return followed(file, one.connection, self._capture.keys)

    def keep(self) -> tuple[JudgedConnection, ...]:
        """Read to the end, and keep the connections."""
        self.kept += tuple(self)
        return self.kept

    @property
    def story(self) -> CaptureStory:
        """What the whole amounts to; reads on to the end where that is not reached. Raises ConfigError."""
        for _ in self._stream:
            pass
        return self._story

    @property
    def so_far(self) -> CaptureStory:
        """What was read so far amounts to."""
        return self._story

    def _judged(self) -> Iterator[tuple[JudgedConnection, Joined | None]]:
        ports = TLS_PORTS | frozenset(self._how.ports)
        for one in self._judge.tell(_worth_telling(self._connections(), ports)):
            wanted, joined = self._story.add(one)
            if wanted:
                yield one, joined

    def _connections(self) -> Iterator[Connection]:
        tally = self._story.tally
        if self._how.interface is None:
            for place, source in enumerate(self._how.files):
                try:
                    if isinstance(source, bytes):
                        found = self._capture.of(BytesIO(source).read, "capture", tally)
                    else:
                        found = self._capture.connections(source, tally)
                    yield from (replace(c, source=place) for c in found) if place else found
                except ConfigError as error:
                    if self._how.warn is None or len(self._how.files) == 1:
                        raise
                    self.unread += 1
                    self._how.warn(str(error))
            return
        with ExitStack() as stack:
            read = stack.enter_context(live(self._how.interface, self._how.expression))
            yield from self._capture.of(read, self._how.interface, tally)


def _worth_telling(source: Iterable[Connection], ports: frozenset[int]) -> Iterator[Connection]:
    """Connections that never came about are told where TLS is spoken: on these ports, and on servers that spoke
    it before.
    """
    spoke: set[tuple[str, int]] = set()
    for c in source:
        where = c.server, c.server_port
        if c.hello is not None or c.preamble is not None:
            if len(spoke) < _MAX_SPOKEN:
                spoke.add(where)
        elif c.server_port not in ports and where not in spoke:
            continue
        yield c


def _agents(paths: Iterable[str]) -> dict[tuple[str, int], str]:
    found: dict[tuple[str, int], str] = {}
    for path in paths:
        with opened(path) as file:
            found.update(agents(lines_of(file, path)))
    return found


def _keys(paths: Iterable[Path]) -> KeyLog:
    found = KeyLog()
    for path in paths:
        try:
            with path.open("rb") as file:
                found.add(lines_of(file, str(path)))
        except OSError as error:
            raise ConfigError(str(path), error.strerror or str(error)) from None
        if not len(found) and not found.others:
            raise ConfigError(str(path), "no secret of TLS in it",
                              remedy="record it with SSLKEYLOGFILE")  # fmt: skip
    return found
