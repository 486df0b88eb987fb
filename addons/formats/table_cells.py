"""What cells of other people's tables mean: days, actions, ports. What is not plain is not guessed."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Literal

from addons.bypass.rule import Action, end_of

_NEVER = {
    "",
    "-",
    "never",
    "none",
    "n/a",
    "na",
    "permanent",
    "unlimited",
    "nie",
    "jamais",
    "nunca",
    "no expiry",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_NAMED = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})")
_NAMED_FIRST = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})")
_ACTIONS: dict[str, Action] = {
    **dict.fromkeys(
        ("pass", "bypass", "exempt", "exclude", "excluded", "exclusion", "splice", "tunnel", "donotdecrypt",
         "donotinspect", "dontdecrypt", "dontinspect", "nodecrypt", "noinspect", "nodecryption", "noinspection",
         "passthrough", "skip", "sslbypass", "ignore"),
        "pass",
    ),
    **dict.fromkeys(
        ("inspect", "decrypt", "bump", "intercept", "decryptresign"), "inspect",
    ),
    **dict.fromkeys(("block", "deny", "drop", "terminate", "reject"), "block"),
}  # fmt: skip
Answer = Literal["yes", "no"]
_ANSWERS: dict[str, Answer] = {
    **dict.fromkeys(
        ("yes", "y", "true", "t", "on", "1", "x", "\u2713", "\u2714", "enabled", "enable", "active", "aktiv", "ja", "oui",
         "si", "sí", "sim", "approved", "aktiviert", "activo", "activado", "habilitado", "actif", "activé", "attivo",
         "attivato", "abilitato", "ativo", "ativado", "actief", "ingeschakeld"), "yes",
    ),
    **dict.fromkeys(
        ("no", "n", "false", "f", "off", "0", "disabled", "disable", "inactive", "inaktiv", "nein", "non", "never",
         "deaktiviert", "inactivo", "desactivado", "deshabilitado", "inactif", "désactivé", "inattivo", "disattivato",
         "disabilitato", "inativo", "desativado", "desabilitado", "inactief", "uitgeschakeld"), "no",
    ),
}  # fmt: skip


class UnclearError(ValueError):
    """A cell that is not plain; its row is told, not read."""


@lru_cache(4096)
def day_of(cell: str) -> date | None:
    """The day or moment of a cell, None for one that says never. Raises UnclearError."""
    cell = cell.strip()
    if cell.lower() in _NEVER:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell):
            return date.fromisoformat(cell)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ]00:00(?::00(?:\.0{1,6})?)?", cell):
            return date.fromisoformat(cell[:10])  # a day, as spreadsheets write it
        if re.match(r"\d{4}-\d{2}-\d{2}[T ]", cell):
            return end_of(datetime.fromisoformat(cell))
        if (dotted := _DOTTED.fullmatch(cell)) is not None:
            day, month, year = dotted.groups()
            return date(int(year), int(month), int(day))
        named = _NAMED.fullmatch(cell)
        first = _NAMED_FIRST.fullmatch(cell)
        if named is not None or first is not None:
            day, month, year = named.groups() if named else (first[2], first[1], first[3])  # type: ignore[index]
            return date(int(year), _MONTHS.index(month[:3].lower()) + 1, int(day))
    except ValueError as error:
        raise UnclearError(f"{cell[:40]!r} is no day: {error}") from None
    raise UnclearError(f"{cell[:40]!r} is another day in another country: write 2027-03-31")


def action_of(cell: str) -> Action:
    """The action that a cell names. Raises UnclearError."""
    word = re.sub(r"[^a-z0-9]", "", cell[:60].lower())
    if word not in _ACTIONS:
        why = "says no action" if not cell.strip() else f"{cell[:40]!r} is no action that is known"
        raise UnclearError(f"{why}: pass, inspect or block")
    return _ACTIONS[word]


def answer_of(cell: str) -> Answer | None:
    """The yes or no of a cell, None where it is neither."""
    return _ANSWERS.get(cell.strip().lower())


def whole_number(cell: str) -> int:
    """A port. Raises UnclearError."""
    if not re.fullmatch(r"[0-9]{1,5}", cell) or not 1 <= int(cell) <= 65535:
        raise UnclearError(f"{cell[:40]!r} is no port")
    return int(cell)
