"""The form of a table of errors, and what is known already.

An identifier means the same wherever it stands: one that another table has keeps the causes it has there,
and is not written a second time.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from detector.model.alerts import NAMES
from error_tables.meanings import VAGUE, meaning

DATA = Path(__file__).parents[2] / "detector" / "data"
# Words without these say nothing where their meaning is no more than that something broke.
_OF_TLS = re.compile(r"(?i)tls|ssl|cert|handshake|x\.?509|cipher")
WRITTEN = "# Written by scripts/make_library_errors.py"


@dataclass(frozen=True)
class Row:
    """One error; causes only where its name does not say them."""

    code: str = ""
    name: str = ""
    words: str = ""
    causes: str = ""
    says: str = ""  # what the meaning is read from, where that is neither the name nor the words

    @property
    def meaning(self) -> str:
        return self.causes or meaning(self.says or self.name or self.words)


@dataclass(frozen=True)
class Family:
    """Errors of one library; codes: how its numbers stand in a text."""

    name: str
    source: str
    rows: Iterable[Row]
    codes: tuple[str, ...] = ()
    side: str = ""
    later: bool = False  # another version of one above, of which only what is new counts


@dataclass
class Known:
    """Identifiers with the causes they have, and the codes of each family."""

    identifiers: dict[str, str] = field(default_factory=dict)
    codes: set[tuple[str, str]] = field(default_factory=set)

    def read(self, path: Path) -> None:
        for family in tomllib.loads(path.read_text()).get("family", ()):
            for line in family["rows"].strip().splitlines():
                code, name, words, causes = (part.strip() for part in line.split("|"))
                for identifier in filter(None, (name, words)):
                    self.identifiers.setdefault(folded(identifier), causes)
                self.codes.add((family["name"], code.lower()))

    def unknown_of(self, family: Family) -> Iterator[Row]:
        """What is to be written of its rows; a number alone is, where its family says how it stands in a text."""
        for row in family.rows:
            named = self.identifiers.get(folded(row.name))
            causes = named or row.causes or self.identifiers.get(folded(row.words)) or row.meaning
            telling = causes != VAGUE or _OF_TLS.search(row.words)
            name = self._fresh(row.name, causes)
            words = self._fresh(row.words, causes) if telling and not _is_alert(row.words) else ""
            code = "" if (family.name, row.code.lower()) in self.codes else row.code
            if name or words or (code and family.codes and not family.later):
                self.codes.add((family.name, code.lower()))
                yield Row(code, name, words, causes)

    def _fresh(self, identifier: str, causes: str) -> str:
        key = folded(identifier)
        if not key or key in self.identifiers:
            return ""
        self.identifiers[key] = causes
        return identifier


def _is_alert(words: str) -> bool:
    """An alert is told by its receiver, not by its name."""
    return words.casefold().replace(" ", "_") in NAMES.values()


def by_hand() -> Known:
    """What the tables hold that nobody writes but people."""
    known = Known()
    for path in (DATA / "error_texts.toml", *sorted((DATA / "messages").glob("*.toml"))):
        if not path.read_text().startswith(WRITTEN):
            known.read(path)
    return known


def written(families: Iterable[Family], known: Known) -> Iterator[str]:
    """The lines of a table."""
    yield f"{WRITTEN}; see detector/data/error_texts.toml for the form."
    for family in families:
        rows = list(known.unknown_of(family))
        if not rows:
            continue
        yield f'\n[[family]]\nname = "{family.name}"\nsource = "{family.source}"'
        if family.side:
            yield f'side = "{family.side}"'
        if family.codes:
            yield "codes = [" + ", ".join(f"'{code}'" for code in family.codes) + "]"
        yield "rows = '''"
        for row in rows:
            yield f"{row.code} | {row.name} | {row.words} | {row.causes}"
        yield "'''"


def folded(text: str) -> str:
    """As the reader of messages folds them."""
    plain = text.casefold().replace("’", "'").replace("self signed", "self-signed")
    return re.sub(r"\s+", " ", plain).strip()


def plain(text: str) -> str:
    """Words that fit into a row; those of one short word say nothing by themselves."""
    told = re.sub(r"\s+", " ", text).strip()
    return told if len(told.split()) > 1 and not re.search(r"[|]|'''", told) else ""
