"""NO_PROXY: hosts for which programs leave the proxy out. They are not seen by the proxy at all.

Source: curl(1), "NO_PROXY"; Go's net/http/httpproxy: an entry is a name and everything below it. A leading dot means
different things to different programs: to Go all below without the name itself, to curl the name, too. It is not
written, and read as what all agree on: all below. The value may stand alone, behind `NO_PROXY=`, or in a file of
variables, of which only that one is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats.domain_list import itself, read_grammar
from addons.formats.exported import Exported, Imported, Speech, name_list
from addons.formats.spelling import Grammar

_WHY = "an entry of NO_PROXY also means every name below it"
_SPEECH = Speech(host=_WHY, suffix=itself, wildcard=_WHY)
_GRAMMAR = Grammar("suffix", "below", "below", https=None, scheme=False)
_SET = re.compile(
    r"""\s*(?:-\s+)?(?:export\s+|ENV\s+|ARG\s+|set\s+|setx\s+|Environment=)?["']?no_proxy["']?\s*(?:[=:]|\s)\s*(?P<value>.*)""",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"\$(?:\{[^{}]*\}|\w+)")
_OTHER = re.compile(r"\s*(?:export\s+|ENV\s+)?\w+\s*=|\s*#")


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    said, refused = name_list(rules, now, _SPEECH)
    names = dict.fromkeys(name for _, entries in said for name in entries)
    return Exported(f"NO_PROXY={','.join(names)}\n" if names else "", refused)


def read(text: str, source: str) -> Imported:  # noqa: ARG001 (lines say where)
    return read_grammar(_entries(text), _GRAMMAR)


def _entries(text: str) -> Iterator[tuple[int, str]]:
    every = text.splitlines()
    named = any(_SET.match(line) for line in every)
    for number, line in enumerate(every, 1):
        found = _SET.match(line)
        if found is None and (named or _OTHER.match(line)):
            continue
        value = line if found is None else found["value"]
        value = value.split(" #")[0]
        for variable in _VARIABLE.findall(value):
            yield number, variable
        for entry in re.split(r"[\s,|;]+", _VARIABLE.sub(",", value)):
            if entry.strip("\"'"):
                yield number, entry.strip("\"'")
