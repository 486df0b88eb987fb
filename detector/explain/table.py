"""What an error text can mean, as values."""

from __future__ import annotations

from typing import Literal

import msgspec

from detector.model.observation import Party

Likelihood = Literal["likely", "possible", "unlikely"]
# Who wrote the message: the same alert means opposite things on the two sides.
Side = Literal["client", "server"]
LIKELIHOODS: tuple[Likelihood, ...] = ("likely", "possible", "unlikely")


class CauseInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One cause as everybody should hear of it.

    Attributes:
        apart: the one command that confirms it; HOST stands for the server.

    """

    id: str
    party: Party
    text: str
    fix: str
    apart: str
    references: tuple[str, ...]


class Meaning(msgspec.Struct, frozen=True):
    """A cause that a message can have."""

    cause: str
    likelihood: Likelihood


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


class AlertMeaning(msgspec.Struct, frozen=True):
    """A TLS alert by who received it (RFC 8446 section 6: its sender is the one who complains)."""

    code: int
    by_client: tuple[Meaning, ...]
    by_server: tuple[Meaning, ...]


class ErrorTable(msgspec.Struct, frozen=True):
    """Everything that `explain` knows."""

    causes: dict[str, CauseInfo]
    texts: tuple[ErrorText, ...]
    alerts: dict[int, AlertMeaning]
