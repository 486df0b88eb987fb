"""Run a command, pass on what it prints, and keep of it what may say why it fails.

The command's output goes to our own streams byte by byte as it comes; where ours is a terminal the command gets one too, so
that it prints what it would without us. Its input is ours. Signals that end us end it first.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

import msgspec

from detector.errors import ConfigError
from detector.messages.reading import Line, LineReader

_PIECE = 64 << 10
_FORWARDED = ("SIGTERM", "SIGHUP", "SIGQUIT")


class Watched(msgspec.Struct, frozen=True):
    """How a command ended.

    Attributes:
        code: its exit code, 128 and the signal's number where one ended it.
        lines: of what it printed, those that may count.

    """

    code: int
    lines: tuple[Line, ...]


def watch(command: Sequence[str], out: int = 1, err: int = 2) -> Watched:
    """Run a command whose output goes to these descriptors. Raises ConfigError where it cannot be started."""
    reader = LineReader()
    lock = threading.Lock()
    with contextlib.ExitStack() as stack:
        pipes = [_pipe(own) for own in (out, err)]
        for ours, theirs in pipes:
            stack.callback(_close, ours)
            stack.callback(_close, theirs)
        try:
            child = subprocess.Popen(list(command), stdout=pipes[0][1], stderr=pipes[1][1])
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigError(command[0], why, remedy="check the command behind --watch") from None
        stack.enter_context(_forwarding(child))
        pumps = [
            threading.Thread(target=_pump, args=(ours, own, reader, lock), daemon=True)
            for (ours, _), own in zip(pipes, (out, err), strict=True)
        ]
        for _, theirs in pipes:
            _close(theirs)
        for pump in pumps:
            pump.start()
        code = child.wait()
        for pump in pumps:
            # A grandchild that keeps the stream open is no reason to wait for it.
            pump.join(timeout=2)
    with lock:
        return Watched(code if code >= 0 else 128 - code, tuple(reader.lines()))


def _pipe(own: int) -> tuple[int, int]:
    """Our end and the command's: of a terminal where ours is one, else of a pipe."""
    if sys.platform != "win32" and os.isatty(own):
        import fcntl
        import pty
        import termios
        import tty

        ours, theirs = pty.openpty()
        with contextlib.suppress(OSError):
            size = fcntl.ioctl(own, termios.TIOCGWINSZ, b"\0" * 8)
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
            tty.setraw(theirs)  # our own terminal makes the line ends
        return ours, theirs
    return os.pipe()


def _pump(source: int, sink: int, reader: LineReader, lock: threading.Lock) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""
    while True:
        try:
            piece = os.read(source, _PIECE)
        except OSError:  # a terminal whose other end is closed
            piece = b""
        if not piece:
            break
        if not _written(sink, piece):
            _close(source)  # so that the command learns that nobody reads
            break
        # Whole lines of one stream only: both are read at once.
        text = rest + decoder.decode(piece)
        whole, end, rest = text.rpartition("\n")
        if len(rest) > _PIECE:
            whole, end, rest = text, "\n", ""
        if end:
            with lock:
                reader.feed(whole + "\n")
    if rest:
        with lock:
            reader.feed(rest + "\n")


def _written(sink: int, piece: bytes) -> bool:
    view = memoryview(piece)
    while view:
        try:
            view = view[os.write(sink, view) :]
        except BlockingIOError:
            continue
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _forwarding(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """What would end us is the command's; ^C it gets from the terminal itself."""

    def forward(number: int, _: object) -> None:
        with contextlib.suppress(OSError):
            child.send_signal(number)

    before: list[tuple[int, object]] = []
    handler: Callable[[int, object], None] | signal.Handlers
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", *_FORWARDED):
            number = getattr(signal, name, None)
            if number is not None:
                handler = signal.SIG_IGN if name == "SIGINT" else forward
                before.append((number, signal.signal(number, handler)))
    try:
        yield
    finally:
        for number, old in before:
            signal.signal(number, old)  # type: ignore[arg-type]


def _close(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.close(descriptor)
