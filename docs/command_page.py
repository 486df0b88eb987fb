"""The reference of the command: the help of every verb, as the installed command prints it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
WIDTH = 100

# What all verbs mean by them; a verb that says more, or something else, does so in its help.
EXIT_CODES = {
    0: "done, and nothing was found. Who reads a part of the output (`| head`) gets it too.",
    1: "something was found, and nothing else.",
    2: "the command line, or a file that it names, makes no sense.",
    3: "there was nothing to judge.",
    4: "the work could not be done: a disk is full, stdout is closed, a file of ours cannot be used, or something"
    " unexpected happened (`TLSIGHT_DEBUG=1` shows where).",
}

_COMMAND = """\
# The command

Exit codes that all verbs share:

{codes}

Where the terminal's encoding lacks a mark, an ASCII one stands for it; JSON is always UTF-8. Each verb has a manual
page, too: `man tlsight-check`.

Options that every verb has, before or behind its name:

- `--color auto|always|never`. `auto` asks the terminal, and `NO_COLOR`, `FORCE_COLOR`, `CLICOLOR_FORCE` and
  `TERM=dumb`; the option wins over all of them.
- `--log-level debug|info|warning|error` writes on stderr what is dialled, fetched and decided; without it nothing is
  written. `--log-format json` makes each line an object: `time`, `level`, `room`, `event`, and what belongs to the event.
  No field holds a key, a password, a token or a URL's query. `TLSIGHT_LOG_LEVEL` and `TLSIGHT_LOG_FORMAT` say the same.

Shells complete verbs, options and values: protocols of `--starttls`, verdicts of `--fail-on`, programs of `trust why`,
causes of `diagnose --expect`, cases of the lab, files, and hosts that earlier runs saw or the pins of `TLSIGHT_PINS`
name. `tlsight --install-completion` writes what your shell reads, and one line into `~/.bashrc` or `~/.zshrc`;
`--install-completion fish` names the shell; `--show-completion zsh` prints it, for a package or another place.
"""


def command_page() -> str:
    """The help of every verb, as the installed command prints it."""
    asked = [(), *verbs()]
    codes = "\n".join(f"- {code}: {text}" for code, text in EXIT_CODES.items())
    parts = [_COMMAND.format(codes=codes)]
    for verb, text in zip(asked, help_texts(asked), strict=True):
        parts.append(f"## {' '.join(('tlsight', *verb))}\n\n```\n{text}\n```\n")
    return "\n".join(parts)


def verbs() -> Iterator[tuple[str, ...]]:
    """Every verb, and the verbs of groups after their group."""
    from detector.cli.app import build

    for name, command in build().commands.items():
        yield (name,)
        for inner in getattr(command, "commands", ()):
            yield name, inner


def help_texts(asked: Sequence[tuple[str, ...]]) -> list[str]:
    """What each prints for --help; in one process, since to start a hundred takes a minute."""
    environment = {**os.environ, "COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"}
    environment.pop("TLSIGHT_CONFIG", None)
    done = subprocess.run(
        [sys.executable, "-c", _HELP, *map(" ".join, asked)],
        env=environment, capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    texts = done.stdout.split("\0")[1:]
    return ["\n".join(line.rstrip() for line in one.strip().splitlines()) for one in texts]


_HELP = """
import sys
from detector.cli.app import run
for words in sys.argv[1:]:
    print(end="\\0")
    run([*words.split(), "--help"])
"""
