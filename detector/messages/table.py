"""What an error text can mean, as values."""

from __future__ import annotations

import msgspec

from detector.model.alerts import Meaning, Side
from detector.model.causes import CauseTable


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


class CodePattern(msgspec.Struct, frozen=True):
    """How a family's numbers stand in a text.

    Attributes:
        expression: with one group, the number: decimal, or hexadecimal with 0x; a row's code is compared as a number of 32
            bits, so that 0x800b0109 and -2146762487 are one.

    """

    family: str
    expression: str


class ErrorTable(msgspec.Struct, frozen=True):
    """Everything that `explain` knows."""

    causes: CauseTable
    texts: tuple[ErrorText, ...]
    codes: tuple[CodePattern, ...] = ()
