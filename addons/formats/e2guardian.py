"""e2guardian: exceptionsitelist, whose sites are not decrypted, and not filtered either.

Source: e2guardian 5.3, common.story: an exception ends the request check before sslcheckmitm. An entry is a domain and
everything below it, or an address. `.Include<FILE>` reads another list; `#time:` lets a list hold at some times alone,
which no rule of ours says. `**` and its like are every site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats.domain_list import itself
from addons.formats.exported import Exported, Imported, ReadOptions, Speech, lines
from addons.formats.gathered import Gathered
from addons.formats.spelling import Grammar, meaning
from detector.errors import ConfigError

MAX_DEPTH = 5
MAX_LINES = 2_000_000
_SPEECH = Speech(
    host="an entry of e2guardian's is a domain with everything below it",
    suffix=itself,
    wildcard="an entry of e2guardian's is a domain with everything below it",
)
_GRAMMAR = Grammar("suffix", "suffix", "a star is no pattern of e2guardian's", https=None)
_INCLUDE = re.compile(r"\.Include<([^<>]{1,500})>")
_ALL = re.compile(r"\*[*sip]{0,4}")


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    return lines(rules, now, _SPEECH)


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """Raises ConfigError for lists within lists without end."""
    gathered = Gathered()
    for file, line, entry, held in _entries(text, "", options, source, MAX_DEPTH):
        if held is not None:
            gathered.unread(line, entry, held, file)
        elif _ALL.fullmatch(entry):
            gathered.unread(line, entry, "that is every site", file)
        else:
            gathered.add(line, entry, meaning(entry, _GRAMMAR), file=file)
    return gathered.done()


def _entries(
    text: str, file: str, options: ReadOptions, source: str, depth: int
) -> Iterator[tuple[str, int, str, str | None]]:
    """(file, line, entry, why it is none)."""
    timed: str | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        if number > MAX_LINES:
            raise ConfigError(source, f"has more than {MAX_LINES} lines")
        line = raw.strip()
        if line.lower().startswith("#time:"):
            timed = "the list holds at some times alone"
        included = _INCLUDE.match(line)
        entry = line.partition("#")[0].strip()
        if included is None:
            if entry:
                yield file, number, entry, timed
        elif options.beside is None:
            yield file, number, line, "it names a file that was not given"
        elif depth == 0:
            raise ConfigError(source, f"lists within lists, deeper than {MAX_DEPTH}")
        else:
            inner = options.beside(included[1])
            for one in _entries(inner, included[1], options, source, depth - 1):
                yield one if timed is None else (*one[:3], timed)
