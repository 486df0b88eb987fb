"""What `explain` knows, as values: error texts, who writes them, and what the circumstances say."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec

from detector.known.knowledge import Product
from detector.messages.finding import Finder
from detector.model.alerts import Meaning, Side
from detector.model.causes import CauseTable
from detector.model.programs import Platform, Program

# Ways in which a chain is not trusted: one question, whatever their number.
_ONE_QUESTION = frozenset(
    (
        "tls-intercepted",
        "untrusted-root",
        "incomplete-chain",
        "self-signed",
        "issuer-unknown",
        "client-lacks-ca",
    )
)


class ErrorText(msgspec.Struct, frozen=True):
    """One message of one library.

    Attributes:
        code: number in its family, "" for none.
        name: identifier, e.g. X509_V_ERR_CERT_HAS_EXPIRED; "" for none.
        text: the words; "" for none.
        side: who writes it; None for either.

    """

    family: str
    code: str
    name: str
    text: str
    meanings: tuple[Meaning, ...]
    side: Side | None = None

    @property
    def identifiers(self) -> tuple[str, ...]:
        """What is looked for in a message, longest first."""
        return tuple(sorted(filter(None, (self.name, self.text)), key=len, reverse=True))

    @property
    def generic(self) -> bool:
        """Whether it only names possibilities: none is likely, or several that have nothing to do with each other are."""
        likely = {meaning.cause for meaning in self.meanings if meaning.likelihood == "likely"}
        return not likely or (len(likely) > 2 and not likely <= _ONE_QUESTION)


class CodePattern(msgspec.Struct, frozen=True):
    """How a family's numbers stand in a text.

    Attributes:
        expression: with one group, the number: decimal, or hexadecimal with 0x; a row's code is compared as a number of 32
            bits, so that 0x800b0109 and -2146762487 are one.

    """

    family: str
    expression: str


class Speaker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of speakers.toml: by what a text shows which program wrote it."""

    program: str
    strength: float
    marks: tuple[str, ...]
    library: str = ""
    platform: Platform | Literal["iot"] = ""
    port: int | None = None
    starttls: str | None = None


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of signals.toml: a circumstance, and what it adds to the log-odds of causes.

    Attributes:
        text: what the answer says of it; {} stands for what was found.
        words: it holds where one of these stands in the text; without, `circumstances` tells.
        needs: it counts only beside these other signals.
        lacks: it does not count beside these.
        weights: by cause.
        introduces: it makes its causes candidates though no text led to them.
        reason: why these numbers.

    """

    id: str
    text: str
    weights: dict[str, float]
    reason: str
    words: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    introduces: bool = False


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers of the model that are no signal's, each with its reason in signals.toml."""

    likely: float
    possible: float
    unlikely: float
    step: float
    generic: float
    everyday: float
    repeated: float
    trust: float
    other: float


class ErrorTable:
    """Everything that `explain` knows."""

    def __init__(
        self,
        causes: CauseTable,
        texts: tuple[ErrorText, ...],
        *,
        codes: tuple[CodePattern, ...] = (),
        spellings: Mapping[str, int] | None = None,
        speakers: tuple[Speaker, ...] = (),
        signals: tuple[Signal, ...] = (),
        weights: Weights,
        programs: Mapping[str, Program] | None = None,
        products: tuple[Product, ...] = (),
        public_hosts: frozenset[str] = frozenset(),
    ) -> None:
        self.causes = causes
        self.texts = texts
        self.codes = codes
        self.spellings = spellings or {}
        self.speakers = speakers
        self.signals = signals
        self.weights = weights
        self.programs = programs or {}
        self.products = products
        self.public_hosts = public_hosts

    @cached_property
    def text_finder(self) -> tuple[Finder, list[tuple[ErrorText, str]]]:
        """Of identifiers, each with its row."""
        known = [(row, name) for row in self.texts for name in row.identifiers]
        return Finder((name, at) for at, (_, name) in enumerate(known)), known

    @cached_property
    def mark_finder(self) -> tuple[Finder, list[tuple[Speaker, str]]]:
        """Of the marks of speakers."""
        known = [(row, mark) for row in self.speakers for mark in row.marks]
        return Finder((mark, at) for at, (_, mark) in enumerate(known)), known

    @cached_property
    def word_finder(self) -> tuple[Finder, list[tuple[Signal | Product, str]]]:
        """Of the words of signals and the names of products."""
        known: list[tuple[Signal | Product, str]] = [
            (row, word) for row in self.signals for word in row.words
        ]
        known += [(row, name) for row in self.products for name in _spoken(row.name)]
        return Finder((word, at) for at, (_, word) in enumerate(known)), known

    @cached_property
    def code_patterns(self) -> list[tuple[Any, str]]:
        """How numbers stand in a text, compiled, each with its family."""
        import re2

        return [(re2.compile(one.expression), one.family) for one in self.codes]

    @cached_property
    def by_code(self) -> dict[str, dict[int, ErrorText]]:
        """Rows with numbers, by family and number of 32 bits."""
        found: dict[str, dict[int, ErrorText]] = {}
        shared: set[tuple[str, int]] = set()
        for row in sorted(self.texts, key=lambda row: bool(row.name or row.text)):
            number = as_number(row.code)
            if number is None:
                continue
            rows = found.setdefault(row.family, {})
            before = rows.setdefault(number, row)
            if before is not row and (before.name or before.text):
                shared.add(
                    (row.family, number)
                )  # several texts have it, so that it alone says nothing
        for family, number in shared:
            del found[family][number]
        return found


def as_number(text: str) -> int | None:
    """A code as an unsigned number of 32 bits: 0x800b0109, 2148204809 and -2146762487 are one."""
    try:
        return int(text, 0) & 0xFFFFFFFF
    except ValueError:
        return None


def _spoken(name: str) -> tuple[str, ...]:
    """How people call a product: "Watt Toolkit (Steam++)" by either name."""
    parts = [part.strip(" )") for part in name.replace("(", ",").split(",")]
    return tuple(part for part in parts if len(part) > 3 and part not in _COMMON)


# Words of everyday life and of other things too; with more around them they are in signals.toml.
_COMMON = frozenset(
    (
        "Charles",
        "Surge",
        "Cisco",
        "Huawei",
        "Aruba",
        "root CA",
        "Kazakhstan",
        "Burp",
        "WireMock",
        "Securly",
    )
)
