"""One name a line, as many products take it; comments begin with #."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network

from msgspec.structs import replace

from addons.bypass.place import apart
from addons.bypass.rule import RuleRow, rule_of
from addons.formats.exported import Entry, Imported, Unread
from addons.formats.gathered import Gathered
from addons.formats.spelling import Grammar, meaning
from detector.errors import ConfigError, TargetError

MAX_LINES = 2_000_000
_NAME = re.compile(r"\*?\.?[\w-]+(?:\.[\w-]+)*\.?")


def words(text: str, separator: str = "\n") -> Iterator[tuple[int, str]]:
    """(line, entry) without comments and blanks. Raises ConfigError for more lines than anybody keeps."""
    for number, line in enumerate(text.splitlines(), 1):
        if number > MAX_LINES:
            raise ConfigError("the list", f"has more than {MAX_LINES} lines")
        for entry in line.partition("#")[0].split(separator):
            if entry.strip():
                yield number, entry.strip()


def read_grammar(entries: Iterable[tuple[int, str]], grammar: Grammar, *notes: str) -> Imported:
    """Rules for entries, by what a product's grammar makes of each."""
    gathered = Gathered()
    for line, entry in entries:
        gathered.add(line, entry, meaning(entry, grammar))
    for note in notes:
        gathered.note(note)
    return gathered.done()


def read_names(
    entries: Iterable[tuple[int, str]], meaning: Callable[[str], RuleRow | str]
) -> Imported:
    """Rows for entries; `meaning` gives the row, or why there is none."""
    read: list[Entry] = []
    unread: list[Unread] = []
    for line, entry in entries:
        name, port = apart(entry)
        network = _network(name)
        found = meaning(name) if network or _NAME.fullmatch(name) else "is no name"
        if isinstance(found, RuleRow):
            if network is not None:  # whatever it would mean of a name
                found = replace(found, host=None, suffix=None, wildcard=None, cidr=network)
            try:
                found = replace(found, port=port if port is not None else found.port)
                rule_of(found)
            except (ValueError, TargetError) as error:
                found = str(error)
        if isinstance(found, str):
            unread.append(Unread(line, entry[:100], found))
        else:
            read.append(Entry(found, line, entry[:100]))
    return Imported(tuple(read), tuple(unread))


def _network(text: str) -> str | None:
    """A range or an address in a list of names."""
    if text[-1:].isdigit() or ":" in text:
        try:
            return str(ip_network(text, strict=False))
        except ValueError:
            return None
    return None


def itself(name: str) -> list[str]:
    """The bare name."""
    return [name]


def dotted(name: str) -> list[str]:
    """With a dot before it."""
    return [f".{name}"]


def starred(name: str) -> list[str]:
    """With a star and a dot before it."""
    return [f"*.{name}"]


def both(name: str) -> list[str]:
    """The name, and a star for all below it."""
    return [name, f"*.{name}"]
