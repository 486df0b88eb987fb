"""`tlsight explain`: what does this error message mean, and who must do what?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from detector.cli import exit_codes
from detector.cli.output import Json
from detector.errors import ConfigError

_TEXT = """
Tell what an error message of a browser, library, tool or server log can mean: the causes, the likeliest
first, who has to act, and the one command that makes sure.

[bold]Examples[/]

  tlsight explain "curl: (60) SSL certificate problem: unable to get local issuer certificate"
  tlsight explain ERR_CERT_AUTHORITY_INVALID
  tail -n 50 /var/log/nginx/error.log | tlsight explain -
  tlsight explain build.log

The same alert means opposite things on the two sides; --side says who wrote the message, where the text
does not show it.

[bold]Exit codes[/]: 0 explained, 3 nothing in the text is known.
"""


def explain(
    text: Annotated[list[str], typer.Argument(help="The message; a file; - for stdin.")],
    side: Annotated[str | None, typer.Option(help="Who wrote it: client or server.")] = None,
    json: Json = False,
) -> int:
    from detector.runs.explain import explained

    if side not in (None, "client", "server"):
        raise ConfigError("--side", f"{side!r} is neither client nor server")
    answer = explained(_message(text), side)  # type: ignore[arg-type]
    if json:
        from detector.cli.streams import write_file

        write_file(answer.to_json().encode() + b"\n")
    else:
        from detector.report.check_text import stdout_console
        from detector.report.explain_text import render

        stdout_console().print(render(answer))
    return exit_codes.CLEAN if answer.causes else exit_codes.INCONCLUSIVE


def _message(words: list[str]) -> str:
    from detector.messages.explaining import MAX_TEXT

    if words == ["-"]:
        return sys.stdin.buffer.read(MAX_TEXT).decode("utf-8", errors="replace")
    if len(words) == 1 and _is_file(words[0]):
        with Path(words[0]).open("rb") as file:
            return file.read(MAX_TEXT).decode("utf-8", errors="replace")
    return " ".join(words)


def _is_file(text: str) -> bool:
    """A message is often longer than any name of a file, and may hold what no name can."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


explain.__doc__ = _TEXT
