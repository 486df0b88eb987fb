"""Mozilla's preferences: `user_pref("name", value);`, also `pref` and `lockPref`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detector.stores.formats.entry import Entry, lines_of, unquoted

_ROW = re.compile(r"(?:user_pref|pref|lockPref|defaultPref)\(\s*\"([^\"]*)\"\s*,(.*)\)\s*;?")


def read(text: str) -> Iterator[Entry]:
    for number, line in enumerate(lines_of(text), 1):
        found = _ROW.match(line.strip())
        if found is not None:
            yield Entry((found[1],), unquoted(found[2]), number)
