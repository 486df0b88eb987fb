"""Readers of setting files, one a family of formats: bytes in, names, values and lines out. None ever raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from detector.stores.formats import apt, ini, json, prefs, shell, toml, words, xml, yaml
from detector.stores.formats.entry import Entry

Reader = Callable[[str], Iterator[Entry]]

FORMATS: Mapping[str, Reader] = {
    "ini": ini.read,
    "words": words.read,
    "options": words.read_options,
    "shell": shell.read,
    "unit": shell.read_unit,
    "apt": apt.read,
    "toml": toml.read,
    "yaml": yaml.read,
    "json": json.read,
    "xml": xml.read,
    "prefs": prefs.read,
}
MAX_ENTRIES = 20_000


def read_format(name: str, data: bytes) -> list[Entry]:
    """What a file says, up to MAX_ENTRIES, in its order; of a broken one what comes before the break."""
    return list(islice(FORMATS[name](decoded(data)), MAX_ENTRIES))


def decoded(data: bytes) -> str:
    """Text of any encoding that such files have; what cannot be decoded is replaced."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")
