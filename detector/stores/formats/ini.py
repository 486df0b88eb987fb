"""Sections, and names with values: npm, pip, git, dnf, MySQL, PHP, Java's properties, and everything alike.

What differs between them is read as each of them would: `name = value`, `name: value`, a bare name, a git
subsection `[http "https://host"]`, further lines of a value that are indented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from detector.stores.formats.entry import Entry, lines_of, unquoted

_SECTION = re.compile(r"\[([^\]\"]*)(?:\"([^\"]*)\"\s*)?\]")
# A colon parts only where a space follows: "core.net.http:cacert_path = x" and "host:verifycertsfile = x" are names.
_PART = re.compile(r"=|:(?=\s|$)")
# One more address in a list of them, as pip.conf has it: its colon parts nothing.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}+://")
_REMARK = re.compile(r"\s[;#]")


def read(text: str) -> Iterator[Entry]:
    section: tuple[str, ...] = ()
    last: Entry | None = None
    for number, raw in enumerate(lines_of(text), 1):
        line = raw.strip()
        if not line or line[0] in "#;!":
            continue
        header = _SECTION.match(line)
        if header is not None:
            section = tuple(part.strip() for part in header.groups() if part and part.strip())
            last = None
            line = line[header.end() :].strip()
            if not line or line[0] in "#;":
                continue
        further = raw[:1].isspace() and last is not None and _ADDRESS.match(line)
        parted = None if further else _PART.search(line) or re.search(r":", line)
        if parted is None and raw[:1].isspace() and last is not None:
            yield last._replace(value=unquoted(line))
            continue
        name = line[: parted.start()] if parted else _without_remark(line)
        value = _without_remark(line[parted.end() :]) if parted else ""
        last = Entry((*section, unquoted(name)), unquoted(value), number)
        yield last


def _without_remark(value: str) -> str:
    """Up to a remark behind it; in quotes there is none."""
    value = value.strip()
    if value[:1] in ("'", '"'):
        end = value.find(value[0], 1)
        return value[: end + 1] if end > 0 else value
    found = _REMARK.search(value)
    return value[: found.start()] if found else value
