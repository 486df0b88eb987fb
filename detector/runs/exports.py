"""What a reading of captures leaves behind in files: packets, certificates, a table, Zeek's logs.

Rules
-----
1. Connections are noted one by one as they come, so memory stays flat; the packets are cut out of the captures in a
   second reading at the end.
2. Each file is whole or not there: what a run that failed had begun is taken away again.
3. Nothing of others is overwritten: a file that was named is replaced, as for every output, but in a folder only what
   this wrote before (certificates), or nothing at all (Zeek's logs).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from detector import clock
from detector.capture.blocks import blocks
from detector.capture.connection import Connection
from detector.capture.cutting import Wanted, cut
from detector.capture.one_section import OneSection
from detector.errors import CaptureError, ConfigError, StoreError
from detector.forensics.judged import JudgedConnection
from detector.forensics.observed import moment
from detector.knowledge.whole_file import replacing, write_whole
from detector.model.targets import socket_text
from detector.report import pcap_chains, pcap_csv, pcap_zeek, pcap_zeek_x509
from detector.report.pcap_comment import comment, short_comment
from detector.runs.files import UntilCut, damages, opened
from detector.runs.overwriting import refuse_overwriting

STDOUT = "-"
_MAX_CHAINS = 1 << 16
_MAX_FINGERPRINTS = 1 << 18


class Exports:
    """Where to export to; used as a context, in which connections are noted.

    Args:
        write: a pcapng of the connections' packets, "-" for stdout.
        certificates: a folder for their chains.
        csv: a table, "-" for stdout.
        zeek: a folder for ssl.log and x509.log.

    Raises ConfigError where two of them are to go to stdout.

    """

    def __init__(
        self,
        *,
        write: str | None = None,
        certificates: Path | None = None,
        csv: str | None = None,
        zeek: Path | None = None,
    ) -> None:
        if write == csv == STDOUT:
            raise ConfigError("--write, --csv", "only one of them can go to stdout")
        self._write, self._certificates, self._csv, self._zeek = write, certificates, csv, zeek
        self._stack = ExitStack()
        self._notes: list[_Table | _Logs | _Chains | _Packets] = []

    @property
    def on_stdout(self) -> bool:
        """Stdout is the export's."""
        return STDOUT in (self._write, self._csv)

    def check(self, sources: Sequence[str | bytes], *, live: bool) -> None:
        """Raises ConfigError where the sources cannot be read a second time, and that is needed, or would be
        written to.
        """
        if self._write is None:
            return
        files = (isinstance(s, str) and s != STDOUT and Path(s).is_file() for s in sources)
        again = not live and all(files)
        if not again:
            raise ConfigError(
                "--write", "the packets are read a second time, which only a file allows",
                remedy="save the capture to a file first (tcpdump -w FILE), and give that",
            )  # fmt: skip
        refuse_overwriting({"--write": self._write}, sources)

    def __enter__(self) -> Self:
        """Raises StoreError, ConfigError where something cannot be begun."""
        with self._stack:
            if self._csv is not None:
                self._notes.append(_Table(self._stack.enter_context(_file(self._csv))))
            if self._zeek is not None:
                self._notes.append(_Logs(self._zeek, self._stack))
            if self._write is not None:
                self._notes.append(_Packets(self._stack.enter_context(_file(self._write))))
            if self._certificates is not None:  # the last, for its files are there at once
                self._notes.append(self._stack.enter_context(_chains(self._certificates)))
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def note(self, judged: JudgedConnection) -> None:
        """One connection that is to be exported. Raises StoreError."""
        for one in self._notes:
            one.note(judged)

    def finish(self, sources: Sequence[str | bytes]) -> list[str]:
        """Write what is left; says what could not be exported, a line each. Raises StoreError.

        Args:
            sources: the captures, in the order in which they were read.

        """
        said: list[str] = []
        for one in self._notes:
            said += one.finish(sources)
        return said


class _Out:
    """A file under way; what goes wrong is told with its name."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name, self._file = name, file

    def write(self, data: bytes) -> None:
        self._do(lambda: self._file.write(data))

    def finish(self) -> None:
        """What is still held here goes to the disk, which may be full, before any file takes its place."""
        self._do(self._file.flush)

    def _do(self, act: Callable[[], object]) -> None:
        try:
            act()
        except BrokenPipeError:
            raise
        except OSError as error:
            why = f"cannot be written: {error.strerror or error}"
            raise StoreError(self.name, why, remedy="nothing of it is kept") from None


@contextmanager
def _file(name: str) -> Iterator[_Out]:
    if name == STDOUT:
        sys.stdout.flush()
        yield _Out("stdout", sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with replacing(Path(name)) as file:
        yield _Out(name, file)


class _Table:
    """--csv."""

    def __init__(self, out: _Out) -> None:
        self._out = out
        out.write(pcap_csv.header().encode())

    def note(self, judged: JudgedConnection) -> None:
        self._out.write(pcap_csv.row(judged).encode("utf-8", "backslashreplace"))

    def finish(self, _: Sequence[str | bytes]) -> list[str]:
        self._out.finish()
        return []


class _Logs:
    """--zeek."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        _folder(folder)
        outs: list[_Out] = []
        for name, columns in (
            ("ssl", pcap_zeek.SSL_COLUMNS),
            ("x509", pcap_zeek_x509.X509_COLUMNS),
        ):
            path = folder / f"{name}.log"
            if os.path.lexists(path):
                raise ConfigError(str(path), "is there already", remedy="give another folder")
            out = stack.enter_context(_file(str(path)))
            out.write(pcap_zeek.header(name, columns, clock.now()).encode())
            outs.append(out)
        self._ssl, self._x509 = outs
        self._known: set[bytes] = set()

    def note(self, judged: JudgedConnection) -> None:
        c = judged.connection
        if not pcap_zeek.spoke_tls(c):
            return
        self._ssl.write(_utf8(pcap_zeek.line(pcap_zeek.SSL_COLUMNS, pcap_zeek.ssl_values(c))))
        for chain, client in ((c.chain, False), (c.client_chain, True)):
            for place, der in enumerate(chain):
                digest = sha256(der).digest()
                if digest in self._known:
                    continue
                if len(self._known) >= _MAX_FINGERPRINTS:
                    self._known.clear()  # then some are told again, as Zeek does every day
                self._known.add(digest)
                values = pcap_zeek_x509.x509_values(der, c.first, leaf=not place, client=client)
                self._x509.write(_utf8(pcap_zeek.line(pcap_zeek_x509.X509_COLUMNS, values)))

    def finish(self, _: Sequence[str | bytes]) -> list[str]:
        for out in (self._ssl, self._x509):
            out.write(pcap_zeek.footer(clock.now()).encode())
            out.finish()
        return []


class _Chains:
    """--certificates."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, pcap_chains.ChainSeen] = {}
        self._left_out = 0
        self.made: list[Path] = []
        _folder(folder)
        index = folder / pcap_chains.INDEX
        if os.path.lexists(index) and not _begins_with(index, pcap_chains.index_header()):
            raise ConfigError(
                str(index), "is no index of this program", remedy="give another folder"
            )

    def note(self, judged: JudgedConnection) -> None:
        c = judged.connection
        for side, chain in (("server", c.chain), ("client", c.client_chain)):
            if chain:
                self._add(side, chain, c, judged.verdict if side == "server" else "")

    def _add(self, side: str, chain: tuple[bytes, ...], c: Connection, verdict: str) -> None:
        key = f"{side} {pcap_chains.chain_digest(chain)}"
        found = self._seen.get(key)
        if found is None:
            if len(self._seen) >= _MAX_CHAINS:
                self._left_out += 1
                return
            where = socket_text(c.server, c.server_port)
            found = pcap_chains.seen_chain(
                chain, side, c.sni or "", where, moment(c.first).isoformat(), verdict
            )
            self._seen[key] = found
            self._write(self._folder / found.cells[0], pcap_chains.pem(chain))
        found.connections += 1
        if found.verdict != verdict:
            found.verdict = "several"

    def _write(self, path: Path, data: bytes) -> None:
        if os.path.lexists(path):
            if not _is(path, data):
                raise ConfigError(
                    str(path), "is another file already", remedy="give another folder"
                )
            return
        write_whole(path, data)
        self.made.append(path)

    def finish(self, _: Sequence[str | bytes]) -> list[str]:
        rows = sorted(self._seen.values(), key=lambda one: one.cells)
        write_whole(self._folder / pcap_chains.INDEX, _utf8(pcap_chains.index(rows)))
        if not self._left_out:
            return []
        return [f"--certificates: only the first {_MAX_CHAINS:,} chains are written"]


@contextmanager
def _chains(folder: Path) -> Iterator[_Chains]:
    found = _Chains(folder)
    try:
        yield found
    except BaseException:
        for path in found.made:
            with suppress(OSError):
                path.unlink()
        raise


class _Packets:
    """--write."""

    def __init__(self, out: _Out) -> None:
        self._out = out
        self._wanted: dict[int, Wanted] = {}

    def note(self, judged: JudgedConnection) -> None:
        wanted = self._wanted.setdefault(judged.connection.source, Wanted())
        wanted.add(judged.connection, comment(judged), short_comment(judged))

    def finish(self, sources: Sequence[str | bytes]) -> list[str]:
        said: list[str] = []
        written = 0
        section = OneSection()
        for place, source in enumerate(sources):
            wanted = self._wanted.get(place)
            if wanted is None and (written or place + 1 < len(sources)):
                continue
            wanted = wanted or Wanted()  # a file without packets is a capture too
            written += 1
            assert isinstance(source, str)
            with opened(source) as file:
                try:
                    for data in cut(blocks(UntilCut(file).read), wanted, section):
                        self._out.write(data)
                except CaptureError as error:
                    raise ConfigError(source, error.message) from None
                except damages() as error:  # told when it was read first
                    if isinstance(error, BrokenPipeError):
                        raise
            if wanted.missed:
                said.append(
                    f"--write: {source}: {wanted.missed:,} connections were not found again"
                )
        self._out.finish()
        return said


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(str(path), f"cannot be made: {error.strerror or error}") from None


def _begins_with(path: Path, start: str) -> bool:
    with suppress(OSError):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                return file.read(len(start)) == start.encode()
    return False


def _is(path: Path, data: bytes) -> bool:
    with suppress(OSError):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                return file.read(len(data) + 1) == data
    return False


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
