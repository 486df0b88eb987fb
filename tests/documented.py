"""Commands as the docs show them: which page and line, what is shown beneath, whether they can be run here.

Rules
-----
1. A block that is set in by four spaces, or fenced as sh or console, whose first line begins with a program's name is a
   block of commands. Where its lines begin with "$ ", what stands between them is what the command prints.
2. A line that ends in a backslash, or is set in further than the first, goes on in the next.
3. A block whose first line is "# NAME.toml" is that file.
4. `<!-- not run: why -->` before a block says why nobody can run it here. It is held against the command tree all the same.
   `<!-- an example: of what -->` says that it is run, and prints something else here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
# With what a command begins in our pages. What is not here is a setting or an output.
PROGRAMS = frozenset(
    (
        "tlsight", "pip", "pipx", "uv", "python3", "sudo", "make", "openssl", "curl", "mitmdump", "journalctl",
        "ssh", "tail", "docker", "cd", "ln", "systemctl", "systemd-sysusers", "chown", "install", "minisign",
        "git", "npm", "export", "node",
    )
)  # fmt: skip
_MARK = re.compile(r"<!-- (not run|an example): (.+?) -->")


@dataclass(frozen=True)
class Command:
    """One line of a shell.

    Attributes:
        page: below the root.
        shown: the lines of output that the page has beneath it.
        excuse: why it is not run here, or "".

    """

    page: str
    line: int
    text: str
    shown: tuple[str, ...] = ()
    excuse: str = ""


@dataclass(frozen=True)
class Content:
    """A file that the page tells its reader to write."""

    page: str
    line: int
    name: str
    text: str


def pages() -> list[Path]:
    """Those that people wrote: what is made from the product shows no command that is not tried as a verb's."""
    docs = ROOT / "docs"
    kept = [ROOT / "README.md", docs / "index.md"]
    for folder in ("tutorial", "how-to", "readers", "explanation"):
        kept += sorted((docs / folder).glob("*.md"))
    return [*kept, docs / "reference/files.md"]


def steps(page: Path) -> list[Command | Content]:
    """What a reader does who does all of it, from the top."""
    return list(_steps(str(page.relative_to(ROOT)), page.read_text().splitlines()))


def calls(text: str) -> Iterator[list[str]]:
    """The words of each call of tlsight in a line of a shell."""
    words = shlex.shlex(text.split(" #", 1)[0], posix=True, punctuation_chars="|;&<>()")
    words.whitespace_split = True
    call: list[str] = []
    redirected = False
    for word in [*words, ";"]:
        if re.fullmatch(r"[|;&()]+", word):
            while call and (call[0] == "sudo" or "=" in call[0]):
                call = call[1:]
            if call[:1] == ["tlsight"]:
                yield call[1:]
            call = []
        elif re.fullmatch(r"[<>]+", word):
            redirected = True
        elif redirected:
            redirected = False
        else:
            call.append(word)


def _steps(name: str, lines: list[str]) -> Iterator[Command | Content]:
    for start, block in _blocks(lines):
        before = next((line for line in reversed(lines[: start - 1]) if line.strip()), "")
        fence = re.match(r"```", before)
        if fence:
            above = lines[: start - 2]
            before = next((line for line in reversed(above) if line.strip()), "")
        mark = _MARK.fullmatch(before.strip())
        excuse = mark[2] if mark and mark[1] == "not run" else ""
        file = re.fullmatch(r"# ([\w-]+\.toml)", block[0])
        if file:
            yield Content(name, start, file[1], "\n".join(block) + "\n")
        elif _begins(block[0]):
            example = bool(mark and mark[1] == "an example")
            for one in _commands(name, start, block, excuse):
                yield replace(one, shown=()) if example else one


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """(line number of the first, lines) without what sets them in."""
    block: list[str] = []
    fenced = False
    start = 0
    wanted = False
    for number, line in enumerate([*lines, ""], 1):
        if line.startswith("```"):
            if fenced and wanted and block:
                yield start, block
            fenced, wanted = not fenced, line.strip() in ("```sh", "```console", "```")
            block, start = [], number + 1
        elif fenced:
            block.append(line)
        elif line.startswith("    ") or (block and not line.strip() and _goes_on(lines, number)):
            start = start if block else number
            block.append(line[4:])
        elif block:
            yield start, block
            block = []


def _goes_on(lines: list[str], number: int) -> bool:
    after = next((line for line in lines[number:] if line.strip()), "")
    return after.startswith("    ")


def _begins(line: str) -> bool:
    words = line.removeprefix("$ ").split()
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    return bool(words) and words[0].rpartition("/")[2] in PROGRAMS


def _commands(page: str, start: int, block: list[str], excuse: str) -> Iterator[Command]:
    prompted = block[0].startswith("$ ")
    text, at, shown = "", start, list[str]()
    for number, line in enumerate(block, start):
        goes_on = text.endswith("\\") or (not prompted and line.startswith("  "))
        if goes_on:
            text = text.removesuffix("\\") + " " + line.strip()
        elif prompted and not line.startswith("$ "):
            shown.append(line)
        elif line.strip():
            if text:
                yield Command(page, at, text, tuple(shown), excuse)
            text, at, shown = line.removeprefix("$ "), number, []
    if text:
        yield Command(page, at, text, tuple(shown), excuse)
