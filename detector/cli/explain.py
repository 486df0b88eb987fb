"""`tlsight explain`: what does this error message mean, and who must do what?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

from detector.cli import exit_codes
from detector.cli.options import Argument, Option
from detector.cli.output import Json
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.messages.explaining import Explained
    from detector.model.alerts import Side

_TEXT = """
Tell what an error message of a browser, library, tool or server log can mean: the causes, the likeliest
first, who has to act, the setting of the program that wrote it, and the one command that makes sure.

A text may be a line, a paste with whatever stands around it, or a log of any size, in any encoding and however
it was wrapped. Several failures in it give several answers: the most frequent and the last first.

Examples

  tlsight explain "curl: (60) SSL certificate problem: unable to get local issuer certificate"
  tlsight explain ERR_CERT_AUTHORITY_INVALID
  tail -n 50 /var/log/nginx/error.log | tlsight explain
  tlsight explain --clipboard
  tlsight explain                      paste, and end with ^D
  tlsight explain build.log
  tlsight explain --watch pip install requests

With --watch it runs a command, passes on what it prints, and explains on stderr only where it fails and its output
speaks of TLS. The same alert means opposite things on the two sides; --side says who wrote the message, where the
text does not show it.

Exit codes: 0 explained, 3 nothing in the text is about TLS. With --watch: the command's own.
"""

_SIDES = ("client", "server")
_CHUNK = 256 << 10
# A word like these is meant for a file, whether it is there or not.
_ENDS_OF_FILES = (".log", ".txt", ".out", ".err", ".html", ".json")


def explain(
    text: Annotated[
        list[str] | None,
        Argument(
            help="The message; a file; - or nothing for stdin. With --watch a command.",
            values="files",
        ),
    ] = None,
    side: Annotated[
        str | None, Option(help="Who wrote it: client or server.", values=_SIDES)
    ] = None,
    watch: Annotated[
        bool,
        Option("--watch", help="Run the command that follows, and explain how it fails."),
    ] = False,
    clipboard: Annotated[bool, Option("--clipboard", "-c", help="What was copied last.")] = False,
    json: Json = False,
) -> int:
    if side is not None and side not in _SIDES:
        raise ConfigError("--side", f"{side!r} is neither client nor server")
    if clipboard and (text or watch):
        raise ConfigError("--clipboard", "takes the place of a text", remedy="give one of the two")
    if watch:
        if not text:
            raise ConfigError("--watch", "no command is given", remedy="give it last")
        return _watched(text, side, json=json)  # type: ignore[arg-type]
    answer = _explained(text or ["-"], side, clipboard=clipboard)  # type: ignore[arg-type]
    if json:
        from detector.cli.streams import write_file

        write_file(answer.to_json().encode() + b"\n")
    else:
        from detector.report.check_text import stdout_console
        from detector.report.explain_text import render

        stdout_console().print(render(answer))
    return exit_codes.CLEAN if answer.causes else exit_codes.INCONCLUSIVE


def _explained(words: list[str], side: Side | None, *, clipboard: bool) -> Explained:
    from detector.runs.explain import explained, explained_bytes

    if clipboard:
        import os

        from detector.runs.clipboard import clipboard as copied

        return explained_bytes([copied(os.environ)], side)
    if words == ["-"] and sys.stdin.isatty():
        from detector.cli.pasting import pasted

        return explained_bytes([pasted(sys.stdin.buffer)], side)
    if words == ["-"]:
        return explained_bytes(_chunks(sys.stdin.buffer), side)
    path = _file(words[0]) if len(words) == 1 else None
    if path is None:
        return explained(" ".join(words), side)
    try:
        with path.open("rb") as file:
            return explained_bytes(_chunks(file), side)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(
            str(path), why, remedy="name a file that can be read, or paste the message"
        ) from None


def _watched(command: list[str], side: Side | None, *, json: bool) -> int:
    from detector.messages.reading import Line
    from detector.runs.explain import explained_lines
    from detector.runs.watch import watch

    sys.stdout.flush()
    done = watch(command)
    if done.code == 0:
        return done.code
    # What was run says who speaks and whom it asked; the code says how it ended where the program says nothing.
    name = Path(command[0]).name
    told = [
        Line(0, "$ " + " ".join(command)),
        *done.lines,
        Line(0, f"{name}: exit code {done.code}"),
    ]
    answer = explained_lines(told, side)
    if answer.causes and json:
        print(answer.to_json(), file=sys.stderr)
    elif answer.causes:
        from detector.report.explain_text import render
        from detector.report.terminal import console

        print("\ntlsight: why that failed", file=sys.stderr)
        console(stderr=True).print(render(answer))
    return done.code


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _file(text: str) -> Path | None:
    """The file that a word names; None where it is a message, which is often longer than any name of a file, and may
    hold what no name can. Raises ConfigError for the name of a file that is not there.
    """
    if not text:  # a variable that was empty; its path would be this folder
        return None
    path = Path(text)
    try:
        if path.is_file() or path.is_fifo():
            return path
        folder = path.is_dir()
    except (OSError, ValueError):
        return None
    if folder:
        raise ConfigError(text, "is a folder", remedy="name a file in it")
    one_word = not any(c.isspace() for c in text) and "://" not in text
    if one_word and (text.endswith(_ENDS_OF_FILES) or text.startswith(("/", "./", "../", "~/"))):
        raise ConfigError(
            text, "No such file", remedy="check the path, or paste the message itself"
        )
    return None


explain.__doc__ = _TEXT
