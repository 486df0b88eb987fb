"""The three standard streams, made safe before anything is printed. Only what Python has loaded anyway.

- A reader of stdout that goes away (`| head`) raises `ReaderGone`, which nothing takes for a socket's error.
- A character that the terminal's encoding lacks is printed as an ASCII mark of the same width.
- What stderr cannot take is dropped: a word lost there is no reason to end a run.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import Any, TextIO

from detector.model.harmless import harmless

# One column each, so that tables stay straight.
_PLAIN = {
    "✓": "+", "✗": "x", "·": ".", "→": ">", "…": "~", "–": "-", "—": "-", "≥": ">", "’": "'",
    "▁": ".", "▂": ":", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "#", "█": "@",
}  # fmt: skip
_ERRORS = "tlsight-plain"
_NARROWEST = 20


class ReaderGone(Exception):  # noqa: N818 (no fault of anybody's)
    """Who read stdout has had enough."""


class OutputClosed(Exception):  # noqa: N818
    """There is no stdout."""


def prepare() -> None:
    """Set up stdin, stdout and stderr of this process. Raises OutputClosed."""
    codecs.register_error(_ERRORS, _plain)
    if os.environ.get("COLUMNS", "").isdecimal() and int(os.environ["COLUMNS"][:6]) < _NARROWEST:
        del os.environ["COLUMNS"]  # some terminals say 0 when they do not know
    # A closed descriptor would be given to the next file that is opened, and be written to.
    closed = sys.stdout is None
    sys.stdin = sys.stdin or _nothing("r")
    sys.stdout = sys.stdout or _nothing("w")
    sys.stderr = sys.stderr or _nothing("w")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a list of hosts with one bad byte in it
    sys.stderr = _rewrapped(sys.stderr, _Stderr)
    if closed:
        raise OutputClosed("standard output is closed; send it to a file, a pipe or /dev/null")
    sys.stdout = _rewrapped(sys.stdout, _Stdout)


def print_line(text: str) -> None:
    """One line of a text that others may have had a hand in."""
    print(harmless(text))


def write_json(value: object) -> None:
    """One object a line: UTF-8, whatever the terminal's encoding."""
    import msgspec

    write_file(msgspec.json.encode(value) + b"\n")


def write_file(content: bytes) -> None:
    """What another program is going to read."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


class _Stdout(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            # Windows says EINVAL of a pipe whose reader is gone.
            if error.errno == errno.EPIPE or (os.name == "nt" and error.errno == errno.EINVAL):
                raise ReaderGone from None
            error.filename = "standard output"
            raise


class _Stderr(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _nothing(mode: str) -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8")  # type: ignore[return-value]


def _rewrapped(stream: TextIO, kind: type[io.FileIO]) -> TextIO:
    """The same descriptor, encoding and buffering, over a raw file of this kind."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # something put in our place by a program that calls us
    raw = stream.buffer if isinstance(stream.buffer, io.RawIOBase) else stream.buffer.raw
    if type(raw) is not io.FileIO:  # a console of Windows, which is always Unicode
        stream.reconfigure(errors=_ERRORS)
        return stream
    stream.flush()
    ours = kind(raw.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        # Python's -u: no buffer between.
        ours if stream.write_through else io.BufferedWriter(ours),
        encoding=stream.encoding,
        errors=_ERRORS,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Error handler of the codecs: the marks above, and a question mark for all others."""
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c, "?") for c in lacking), error.end
