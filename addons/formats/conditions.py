"""Columns of other people's tables that switch an entry off, turn it round, or make it hold for some alone.

Rules
-----
1. A column of yes and no is understood: "enabled" and "exception" let an entry stand where they say yes, "disabled"
   where it does not. "decrypt" is the action, said the other way round.
2. A column that may be a condition of which no rule knows (a user, a group, an application) refuses each row that has
   a value there, unless it is any. So does a second column for what only one can say. In doubt a host is inspected.
3. `--map ignore=COLUMN`, or of several columns `--map COLUMN=ignore` for each, says that it is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from addons.formats.table_cells import Answer, UnclearError, action_of, answer_of

# Columns of which a table may have several; each must let the entry stand.
SWITCHES = ("excluded", "disabled", "inspected")
# Of these a second column is a condition more.
ONE_EACH = ("action", "port", "client", "ja4", "bind")
_WORDS = frozenset(
    ("user", "users", "username", "usernames", "benutzer", "nutzer", "utilisateur", "usuario", "group", "groups",
     "usergroup", "gruppe", "gruppen", "groupe", "grupo", "department", "departments", "abteilung", "source", "src",
     "quelle", "client", "clients", "app", "apps", "application", "applications", "anwendung", "process", "device",
     "devices", "gerat", "endpoint", "workstation", "location", "locations", "standort", "office", "branch", "region",
     "country", "zone", "zones", "vlan", "subnet", "network", "tenant", "profile", "role", "roles", "rolle", "platform",
     "os", "useragent", "browser", "schedule", "time", "hours", "path", "protocol", "protocols", "proto", "condition",
     "conditions", "scope", "applies", "only", "negate", "negated", "inverse", "invert", "not", "except", "exceptions",
     "exception", "enabled", "enable", "disabled", "disable", "active", "inactive", "deactivated", "status", "state",
     "deleted", "removed", "revoked", "archived", "obsolete", "retired", "suspended", "decrypt", "decrypted",
     "decryption", "inspect", "inspected", "inspection", "intercept", "intercepted", "bump", "bypass", "bypassed",
     "exempt", "exclude", "excluded", "action", "port", "ports", "validfrom", "startdate", "start", "starts",
     "effective", "notbefore", "gultigab", "approved", "approval", "freigegeben", "genehmigt")
)  # fmt: skip
_ANY = frozenset(
    ("", "-", "*", "any", "all", "everyone", "everybody", "everywhere", "anyone", "always", "alle", "jeder", "n/a",
     "na", "all users", "all groups", "any user", "tcp", "tls", "ssl", "https")
)  # fmt: skip


def may_condition(head: str, spelt: str) -> bool:
    """Whether a column of that name may say for whom or when its entries hold."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", head[:80])
    return spelt in _WORDS or not _WORDS.isdisjoint(re.findall(r"[a-z]+", apart.lower()))


def check(cells: Iterable[tuple[str, str]], remedy: str = "") -> None:
    """Raises UnclearError where one of the cells, with the names of their columns, has a value.

    Args:
        cells: the name of a column, and the cell.
        remedy: what a person can do where that does not matter; {} is the column's name.

    """
    for name, cell in cells:
        if cell.strip().lower() not in _ANY:
            way = remedy.replace("{}", name[:40])
            raise UnclearError(f"{name[:40]!r} says {cell[:40]!r}, which no rule knows{way}")


def switched(cells: Sequence[tuple[str, str, str]]) -> str | None:
    """The action that switches say, None where they say none; each with its field and its column's name.

    Raises UnclearError for an entry that is not in force, and for a word that is no yes and no no.

    """
    action: str | None = None
    for field, name, cell in cells:
        if field == "inspected":
            said = _inspected(name, cell)
            if action not in (None, said):
                raise UnclearError(f"{name[:40]!r} says {cell[:40]!r}, and another column not")
            action = said
        elif (field == "excluded") is not _yes(field, name, cell):
            raise UnclearError(f"{name[:40]!r} says {cell[:40]!r}: the row is not in force")
    return action


def _yes(field: str, name: str, cell: str) -> bool:
    if not cell.strip():
        return False  # a box without its tick
    said: Answer | None = answer_of(cell)
    if said is None and field == "excluded":
        try:
            return action_of(cell) == "pass"
        except UnclearError:
            pass
    if said is None:
        raise UnclearError(f"{name[:40]!r} says {cell[:40]!r}, which is neither yes nor no")
    return said == "yes"


def _inspected(name: str, cell: str) -> str:
    said = answer_of(cell)
    if said is not None:
        return "inspect" if said == "yes" else "pass"
    try:
        return action_of(cell)
    except UnclearError:
        raise UnclearError(f"{name[:40]!r} says {cell[:40]!r}, neither yes nor no") from None
