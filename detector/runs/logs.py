"""A run over server logs: failures out of lines, and the story that they tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, tzinfo
from io import BytesIO
from pathlib import Path

import msgspec

from detector import clock
from detector.bounded import read_bounded
from detector.chain.certificate import read_certificate, split_pem
from detector.errors import CertificateError, ConfigError, UnknownLogError
from detector.knowledge.explanations import error_table
from detector.logs.blind import blind_spots, program_of_config
from detector.logs.event import Event
from detector.logs.ledger import Ledger
from detector.logs.reading import LogReader, Seen
from detector.logs.reasons import Reasons
from detector.logs.stamp import Stamps
from detector.logs.story import LogStory, log_story, together
from detector.runs.files import damages, followed, opened

_MAX_CONFIG = 4 << 20


class LogRun(msgspec.Struct, frozen=True):
    """How to read logs.

    Attributes:
        form: whose logs they are, None to recognise it; see detector.logs.reading.FORMATS.
        timezone: zone of times without one, None for this machine's.
        configs: configurations in force.
        certificates: certificates in use (PEM).
        follow: go on reading as the files grow.
        on_event: told each failure as it is read.
        warn: told about files that cannot be used, one line each.

    """

    form: str | None = None
    timezone: str | None = None
    configs: tuple[Path, ...] = ()
    certificates: tuple[Path, ...] = ()
    follow: bool = False
    on_event: Callable[[Event], None] = lambda _: None
    warn: Callable[[str], None] = lambda _: None

    def story(self, paths: Iterable[str | bytes]) -> LogStory:
        """What all the logs say together: files, "-" for stdin, or their content. An interrupt ends the reading of logs that are followed.

        Raises:
            UnknownLogError: the only file is no log of a known program. Of several, the others count.
            ConfigError: a file or setting cannot be used.

        """
        replaced = _replacements(self.certificates)
        ledger = Ledger()
        readers: list[LogReader] = []
        try:
            for event in self._events(list(paths), readers):
                ledger.add(event)
                self.on_event(event)
        except KeyboardInterrupt:
            if not self.follow:
                raise
        seen = together([reader.seen for reader in readers])
        seen.changes += replaced
        return log_story(ledger, seen, blind_spots(seen, self._configs_by_program(seen)))

    def events(self, paths: Iterable[str | bytes]) -> list[Event]:
        """Failures of logs that are read beside something else. Raises as `story`."""
        return list(self._events(list(paths), []))

    def _events(self, paths: list[str | bytes], readers: list[LogReader]) -> Iterator[Event]:
        reasons, stamps = Reasons(error_table()), self._stamps()
        for path in paths:
            name = path if isinstance(path, str) else "log"
            reader = LogReader(reasons, stamps, self.form, name)
            readers.append(reader)
            try:
                yield from self._of(path, reader)
            except UnknownLogError as error:
                if len(paths) == 1:
                    raise
                self.warn(str(error))  # of a whole folder, the rest counts

    def _of(self, path: str | bytes, reader: LogReader) -> Iterator[Event]:
        if isinstance(path, bytes):
            yield from reader.events(BytesIO(path).read)
            return
        if self.follow and path != "-":
            yield from reader.events(followed(Path(path)))
            return
        with opened(path) as file:
            read = getattr(file, "read1", file.read) if path == "-" else file.read
            try:
                yield from reader.events(read)
            except BrokenPipeError:
                raise
            except damages() as error:
                raise ConfigError(path, str(error) or "damaged") from None

    def _stamps(self) -> Callable[[], Stamps]:
        zone: tzinfo | None = None
        if self.timezone is not None:
            from zoneinfo import ZoneInfo

            try:
                zone = ZoneInfo(self.timezone)
            except (KeyError, ValueError, OSError):
                raise ConfigError("--timezone", f"{self.timezone!r} is no time zone") from None
        now = clock.now()
        local = zone or now.astimezone().tzinfo or UTC
        return lambda: Stamps(local, now)

    def _configs_by_program(self, seen: Seen) -> dict[str, str]:
        """Text of the configurations; one of no known program is told."""
        found: dict[str, str] = {}
        for path in self.configs:
            try:
                text = read_bounded(path, _MAX_CONFIG).decode("utf-8", "replace")
            except OSError as error:
                raise ConfigError(str(path), error.strerror or str(error)) from None
            one = program_of_config(text)
            name = one.name if one is not None else next(iter(seen.programs), None)
            if name is None:
                self.warn(f"{path}: no known program's configuration")
                continue
            found[name] = f"{found.get(name, '')}\n{text}"
        return found


def _replacements(paths: Iterable[Path]) -> list[tuple[float | None, str, str]]:
    """When each certificate was put where it is, and from when until when it is valid."""
    found: list[tuple[float | None, str, str]] = []
    for path in paths:
        try:
            placed = path.stat().st_mtime
            leaf = read_certificate(split_pem(read_bounded(path, _MAX_CONFIG))[0])
        except OSError as error:
            raise ConfigError(str(path), error.strerror or str(error)) from None
        except IndexError:
            raise ConfigError(str(path), "no certificate in it", remedy="give PEM") from None
        except CertificateError as error:
            raise ConfigError(str(path), str(error)) from None
        whose = f"the certificate of {leaf.subject_text}"
        found.append((placed, "", f"{whose} was replaced"))
        found.append((leaf.not_before.timestamp(), "", f"{whose} became valid"))
        found.append((leaf.not_after.timestamp(), "", f"{whose} expired"))
    return found
