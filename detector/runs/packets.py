"""Reading captures from files, pipes and interfaces.

One process reads: several would each have to walk over all packets, so that no flow is torn, and hand every
connection over to be judged with the others, which costs what they save. Capturing itself is dumpcap's or
tcpdump's business: nothing here needs root.
"""

from __future__ import annotations

import gc
import select
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from detector.capture.connection import Connection
from detector.capture.flow import Flow
from detector.capture.flow_table import DEFAULT_LIMIT, FlowTable
from detector.capture.keylog import KeyLog
from detector.capture.packet_file import Packet, PacketFile, Read
from detector.capture.reading import Reading
from detector.capture.surroundings import Surroundings
from detector.capture.tally import Tally
from detector.errors import CaptureError, ConfigError
from detector.runs.files import UntilCut, damages, opened

_LOOKS_UP = 0.5


class Capture(msgspec.Struct, frozen=True):
    """How to read captures.

    Attributes:
        keys: secrets of TLS 1.3 sessions.
        limit: connections under way at once.
        outer_names: names that hellos are known to show in place of others.

    """

    keys: KeyLog
    limit: int = DEFAULT_LIMIT
    outer_names: frozenset[str] = frozenset()

    def connections(self, path: str, tally: Tally) -> Iterator[Connection]:
        """Connections of one file, "-" for stdin. Raises ConfigError for what cannot be read."""
        with opened(path) as file:
            whole = UntilCut(file)
            try:
                yield from self.of(whole.read, path, tally)
            finally:
                tally.cut = tally.cut or whole.cut

    def of(self, read: Read, name: str, tally: Tally) -> Iterator[Connection]:
        """Connections of one stream of bytes."""
        # Flows go by themselves; a collector that looks at every new object costs a seventh of the time.
        before = gc.get_threshold()
        gc.set_threshold(100_000, 20, 100)
        reading = Reading(self.keys)
        try:
            packets = PacketFile(read)
            table = FlowTable(self.limit, self._wanted(packets), reading.settle)
            reading.surroundings = table.datagrams.surroundings = Surroundings(self.outer_names)
            try:
                for flow in table.run(with_secrets(packets, self.keys)):
                    tally.flows += 1
                    found = reading.connection(flow)
                    if isinstance(flow, Flow):
                        flow.dissolve()
                    if found is not None:
                        tally.first = min(tally.first or found.first, found.first)
                        tally.last = max(tally.last, found.last)
                        yield found
            finally:
                _count(tally, packets, table)
        except CaptureError as error:
            raise ConfigError(name, error.message, remedy="give a pcap or pcapng file") from None
        except BrokenPipeError:
            raise
        except damages() as error:
            raise ConfigError(name, str(error) or "damaged") from None
        finally:
            gc.set_threshold(*before)

    def _wanted(self, packets: PacketFile) -> Any:
        """Whether there are keys, asked only where there may be some."""
        if len(self.keys) or packets.format == "pcapng":
            return self.keys.__contains__
        return None


def _count(tally: Tally, packets: PacketFile, table: FlowTable) -> None:
    """Add one file, as far as it was read."""
    tally.packets += table.packets
    tally.other_packets += table.other_packets
    tally.evicted += table.evicted + table.datagrams.evicted
    tally.skipped += packets.skipped
    tally.fragments_lost += table.layers.fragments_lost
    tally.cut = tally.cut or packets.cut


def with_secrets(packets: PacketFile, keys: KeyLog) -> Iterator[Packet]:
    """The packets; key logs inside of the file are taken in as they come."""
    if packets.format != "pcapng":
        return iter(packets)
    return _watching(packets, keys)


def _watching(packets: PacketFile, keys: KeyLog) -> Iterator[Packet]:
    for packet in packets:
        if packets.secrets:
            keys.add(bytes(packets.secrets).splitlines())
            packets.secrets.clear()
        yield packet


@contextmanager
def live(interface: str, expression: str) -> Generator[Read]:
    """Reads packets of an interface as dumpcap or tcpdump writes them. Raises ConfigError."""
    dumpcap, tcpdump = shutil.which("dumpcap"), shutil.which("tcpdump")
    if dumpcap is not None:
        command = [dumpcap, "-q", "-P", "-i", interface, "-w", "-"]
        command += ["-f", expression] if expression else []
    elif tcpdump is not None:
        command = [tcpdump, "-q", "-U", "-i", interface, "-w", "-"]
        command += ["--", expression] if expression else []  # else "-z" were an option
    else:
        raise ConfigError("--interface", "neither dumpcap nor tcpdump is installed",
                          remedy="install tcpdump, or capture elsewhere and give the file")  # fmt: skip
    program = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 (no thread runs here)
    )  # fmt: skip
    assert program.stdout is not None
    assert program.stderr is not None
    try:
        yield _awake(program.stdout)
    except ConfigError:
        if not program.wait(5):
            raise
        said = program.stderr.read().decode(errors="replace").strip().splitlines()
        name = Path(command[0]).name
        why = next((line for line in said if line.startswith(f"{name}: ")), f"{name} failed")
        raise ConfigError("--interface", why) from None
    finally:
        program.terminate()
        try:
            program.wait(5)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def _awake(pipe: IO[bytes]) -> Read:
    """Reads the pipe, and looks up in between.

    A signal that comes between Python's last look and read(2) is not seen before the next packet,
    which on an idle interface never comes.

    """
    if sys.platform == "win32":  # select is for sockets there
        return pipe.read

    def read(size: int) -> bytes:
        while not select.select((pipe,), (), (), _LOOKS_UP)[0]:
            pass
        return pipe.read(size)

    return read


def _end_with_parent() -> None:
    """Ask Linux for SIGTERM when our parent dies, also by SIGKILL: an idle interface would never tell."""
    import ctypes
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
