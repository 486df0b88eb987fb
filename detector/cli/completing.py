"""What a shell shows when TAB is pressed: verbs, options and their values, from the table of detector.cli.command_tree.

Theory of operation
-------------------
1. A key press waits for this, so nothing is imported that the start has not loaded, apart from json; the command line
   is read by the table alone. Hosts of earlier runs need SQLite, which is opened read-only, for a moment, and only when
   a host is wanted.
2. A store that is broken, locked or somebody else's is no reason for a word on the screen: there are no hosts then.
3. The shell's script gives the words before the cursor. The answer is a line each: the word, a tab, what it is for.
   "\\x01files" alone stands for the shell's own completion of files. In bash, which splits words at = and :, what stands
   before the last of them is left out; "--option=" in front is left out for zsh and kept for fish.
4. Words of others (hosts) are shown only if they are of letters that no shell obeys.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

VARIABLE = "_TLSIGHT_COMPLETE"
SHELLS = ("bash", "zsh", "fish")
FILES = "\x01files"
_MOST = 500
_MOST_OF_A_FILE = 1 << 18
_TABLE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "command_tree.json")  # noqa: PTH118, PTH120
_HARMLESS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_[]")


def main(shell: str, words: Sequence[str]) -> int:
    """Print what completes the last of `words`, which follow the program's name."""
    if shell == "bash":
        words = split(words[0] if words else "")[1:]
    for line in answer(words or [""], shell):
        sys.stdout.write(line + "\n")
    return 0


def answer(words: Sequence[str], shell: str) -> Iterator[str]:
    """The lines for a shell."""
    with open(_TABLE, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not loaded yet
        table = json.load(file)
    *before, current = words
    front, found = _found(table, before, current)
    hidden = ""
    if shell == "bash":
        hidden = current[: max(current.rfind(mark) for mark in "=:") + 1]
    elif shell == "zsh":
        hidden = front
    seen = 0
    for word, text in found:
        if word == FILES:
            yield FILES + ("\t" + front if front else "")
        elif (front + word).startswith(current) and seen < _MOST:
            seen += 1
            whole = (front + word)[len(hidden) :]
            yield whole if shell == "bash" or not text else f"{whole}\t{text}"


def split(line: str) -> list[str]:
    """Words of a command line up to the cursor, as bash reads them; the last may be empty or unfinished."""
    words, word, quote, escaped = [], "", "", False
    for one in line:
        if escaped:
            word, escaped = word + one, False
        elif one == "\\" and quote != "'":
            escaped = True
        elif quote:
            if one == quote:
                quote = ""
            else:
                word += one
        elif one in "'\"":
            quote = one
        elif one.isspace():
            if word:
                words.append(word)
            word = ""
        elif one in "|&;":
            words, word = [], ""  # another command begins
        else:
            word += one
    return [*words, word]


def _found(
    table: Any, before: Sequence[str], current: str
) -> tuple[str, Iterator[tuple[str, str]]]:
    """What stands before the value in the word itself ("--for="), and the words that may stand there."""
    node, wanted, place, only = _walk(table["tree"], before)
    if wanted is not None:
        return "", _values(table, wanted, current)
    options = node["o"]
    name, equals, value = current.partition("=")
    if not only and equals and name in options:
        kind = options[name][0]
        return name + "=", iter(()) if kind is None else _values(table, kind, value)
    if not only and current.startswith("-"):
        texts = table["texts"]
        return "", ((name, texts[text]) for name, (_, text) in options.items())
    return "", _words(table, node, place, current)


def _walk(node: Any, before: Sequence[str]) -> tuple[Any, int | None, int, bool]:
    """The verb that was reached, the values of an option that waits for one, the place of the next argument, and
    whether no option may follow.
    """
    wanted: int | None = None
    place, only = 0, False
    for word in before:
        if wanted is not None:
            wanted = None
        elif only:
            place += 1
        elif word == "--":
            only = True
        elif word.startswith("-") and len(word) > 1:
            name, equals, _ = word.partition("=")
            option = node["o"].get(name)
            if option is not None and not equals:
                wanted = option[0]
        elif not place and word in node.get("v", ()):
            node = node["v"][word][0]
        else:
            if "d" in node:  # the verb that is meant where none is named
                node = node["v"][node["d"]][0]
            place += 1
    return node, wanted, place, only


def _words(table: Any, node: Any, place: int, current: str) -> Iterator[tuple[str, str]]:
    """Verbs, and what the next argument may be."""
    if not place:
        for name, (_, text) in node.get("v", {}).items():
            yield name, table["texts"][text]
    if "d" in node:
        node = node["v"][node["d"]][0]
    arguments = node.get("a", ())
    if place < len(arguments) or (arguments and node["m"]):
        yield from _values(table, arguments[min(place, len(arguments) - 1)], current)


def _values(table: Any, kind: int, current: str) -> Iterator[tuple[str, str]]:
    words = table["words"][kind]
    if words == "files":
        yield FILES, ""
    elif words == "hosts":
        for host in sorted(_hosts(current)):
            yield host, ""
    elif words:
        yield from ((word, "") for word in words)


def _hosts(start: str) -> set[str]:
    """Hosts that begin so: of the history, of the pins that the environment names, and those that everybody asks."""
    found = {*_of_history(start), *_of_pins()}
    return {one for one in found if one.startswith(start) and _HARMLESS.issuperset(one)}


def _of_history(start: str) -> list[str]:
    """Read-only, at once or not at all."""
    try:
        import sqlite3
        from contextlib import closing

        from detector.knowledge.folders import HISTORY, state_folder

        path = os.environ.get("TLSIGHT_HISTORY") or str(state_folder(os.environ) / HISTORY)
        if not os.path.isfile(path):  # noqa: PTH113
            return []
        asked = "SELECT DISTINCT host, port FROM baseline WHERE host >= ? AND host < ? LIMIT ?"
        name = start.partition(":")[0]
        rest = (name, name + "\U0010ffff", _MOST)
        where = path
        for mark in "%?#":
            where = where.replace(mark, f"%{ord(mark):02x}")
        where = f"file:{where}?immutable=1"  # else a file would be made beside it
        with closing(sqlite3.connect(where, uri=True, timeout=0.05)) as store:
            rows = store.execute(asked, rest).fetchall()
        return [str(host) if port == 443 else f"{host}:{port}" for host, port in rows]
    except Exception:  # nobody asked for an error
        return []


def _of_pins() -> list[str]:
    path = os.environ.get("TLSIGHT_PINS")
    if not path or not os.path.isfile(path):  # noqa: PTH113
        return []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            text = file.read(_MOST_OF_A_FILE)
    except OSError:
        return []
    found = []
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and key.strip() == "host":
            found.append(value.strip().strip("\"'"))
    return found
