"""Which column of a table is which field of ours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from addons.formats.conditions import ONE_EACH, SWITCHES, may_condition
from addons.formats.spelling import Grammar, meaning
from detector.errors import ConfigError

_GRAMMAR = Grammar(plain="host", dot="suffix", star="wildcard")
_LOOKED_AT = 50
# Spellings without blanks, accents and capitals; the first of a table that fits is the column.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "host": ("host", "hostname", "hostnames", "hosts", "domain", "domains", "domainname", "fqdn", "fqdns", "url",
             "urls", "destination", "destinations", "site", "sites", "website", "server", "servername", "sni",
             "pattern", "target", "address", "ip", "ipaddress", "entry", "hostordomain", "domainurl",
             "urldomain", "rechner", "adresse", "ziel", "zieladresse", "domane", "domaene", "hote", "domaine",
             "dominio", "host/url", "member", "value", "name"),
    "owner": ("owner", "ownedby", "requester", "requestor", "requestedby", "contact", "team", "responsible",
              "verantwortlich", "verantwortlicher", "besitzer", "eigentumer", "ansprechpartner",
              "antragsteller", "proprietaire", "responsable", "propietario", "businessowner",
              "appowner"),
    "reason": ("reason", "justification", "businessjustification", "why", "comment", "comments", "description",
               "note", "notes", "remark", "remarks", "grund", "begrundung", "bemerkung", "kommentar",
               "beschreibung", "raison", "motif", "commentaire", "motivo", "comentario", "purpose", "desc"),
    "ticket": ("ticket", "ticketid", "ticketnumber", "ticketno", "change", "changeid", "changerequest", "chg", "cr",
               "reference", "ref", "case", "caseid", "request", "requestid", "incident", "jira", "rfc",
               "vorgang", "auftrag", "ticketnr", "ticketnummer", "changenumber", "snow", "servicenow"),
    "expires": ("expires", "expiry", "expirydate", "expiration", "expirationdate", "expireson", "until", "validuntil",
                "validto", "end", "enddate", "reviewdate", "reviewby", "ablauf", "ablaufdatum", "gultigbis",
                "gueltigbis", "bis", "expiration date", "dateexpiration", "caducidad", "vencimiento", "ends",
                "vence", "vencehasta", "validohasta", "validade", "validoate", "scadenza", "scade", "validofinoa",
                "echeance", "valablejusquau", "dateecheance", "vervaldatum", "geldigtot", "ablaufam", "endet",
                "befristetbis", "gultigkeit"),
    "created": ("created", "createdon", "createdat", "dateadded", "added", "addedon", "since", "creationdate",
                "angelegt", "erstellt", "erstelltam"),
    "action": ("action", "aktion", "decision", "policy", "sslaction", "treatment"),
    "excluded": ("excludefromdecryption", "exclude", "excluded", "exclusion", "exempt", "exempted", "exemption", "bypass",
                 "bypassed", "exception", "isexception", "ausnahme", "enabled", "isenabled", "enable", "active", "isactive",
                 "aktiv", "status", "state", "approved", "estado", "stato", "statut", "etat", "situacao", "activo", "actif",
                 "attivo", "ativo", "actief", "habilitado", "abilitato", "excepcion", "eccezione", "excecao", "uitzondering"),
    "disabled": ("disabled", "isdisabled", "disable", "inactive", "isinactive", "deactivated", "deaktiviert", "inaktiv",
                 "deleted", "isdeleted", "geloscht", "removed", "revoked", "archived", "obsolete", "retired", "suspended",
                 "desactivado", "deshabilitado", "desactive", "disattivato", "disabilitato", "desativado", "uitgeschakeld"),
    "inspected": ("decrypt", "decrypted", "decryption", "inspect", "inspected", "inspection", "ssldecrypt", "sslinspect",
                  "ssldecryption", "sslinspection", "tlsdecryption", "tlsinspection", "httpsinspection", "deepinspection",
                  "intercept", "intercepted", "interception", "bump", "mitm"),
    "port": ("port", "ports", "dstport", "destport", "destinationport", "tcpport", "dport"),
    "client": ("client", "clients", "source", "src", "sourceip", "srcip", "sourcenetwork", "clientnetwork", "quelle",
               "sourceaddress", "from"),
    "ja4": ("ja4",),
    "evidence": ("evidence", "proof", "nachweis"),
    "bind": ("bind",),
    "kind": ("type", "kind", "typ", "matchtype"),
    "ignore": (),
}  # fmt: skip
_FIELD = {spelling: field for field, spellings in SPELLINGS.items() for spelling in spellings}


class Columns(NamedTuple):
    """Attributes:
    at: the column of a field, from 0.
    heads: rows before the first of the table.
    notes: how it was taken, for a person.
    switches: fields and columns that say yes or no; their names.
    conditions: columns that may say for whom or when an entry holds; their names.

    """

    at: dict[str, int]
    heads: int
    notes: tuple[str, ...]
    switches: tuple[tuple[str, int, str], ...] = ()
    conditions: tuple[tuple[int, str], ...] = ()


def columns_of(rows: Sequence[list[str]], given: Mapping[str, str], source: str) -> Columns:
    """The columns of a table, by its first rows and by what a person says.

    Args:
        rows: some, the head among them where there is one.
        given: our field and its column's name or number, from 1; or the other way round.
        source: names the table in errors.

    Raises ConfigError for a table without a column of hosts, and for a column that is not there.

    """
    if not rows:
        return Columns({}, 0, ())
    head = rows[0]
    chosen, ignored = _chosen(given, head, source)
    headed = _is_head(head, rows[1:], chosen, given)
    at = dict(chosen)
    if headed:
        for number, cell in enumerate(head):
            field = _FIELD.get(_spelt(cell))
            if field is not None and number not in at.values() and number not in ignored:
                best = at.get(field)
                if best is None or (field not in chosen and _better(field, cell, head[best])):
                    at[field] = number
    if "host" not in at:
        found = _column_of_names(rows[1:] if headed else rows, {*at.values(), *ignored})
        if found is None:
            remedy = "say which column is the host's: --map host=2"
            raise ConfigError(source, "no column is one of hosts", remedy=remedy)
        at["host"] = found
        # A head in words that are not known here, as of another script: no host is written so.
        headed = headed or _is_heading(head, found)
    switches, conditions = _more(at, head, ignored) if headed else ([], [])
    at = {field: number for field, number in at.items() if field not in SWITCHES or not headed}
    switches += [(f, n, f"column {n + 1}") for f, n in at.items() if f in SWITCHES]
    notes = _notes(at, head, headed, switches, [number for number, _ in conditions])
    return Columns(at, int(headed), tuple(notes), tuple(switches), tuple(conditions))


def names_columns(cells: Sequence[str]) -> bool:
    """Whether a row is a head with a column of hosts in it."""
    fields = {_FIELD.get(_spelt(cell)) for cell in cells}
    return "host" in fields and not any(map(_is_dotted, cells))


def _better(field: str, cell: str, before: str) -> bool:
    order = SPELLINGS[field]
    return order.index(_spelt(cell)) < order.index(_spelt(before))


def _more(
    at: dict[str, int], head: list[str], ignored: set[int]
) -> tuple[list[tuple[str, int, str]], list[tuple[int, str]]]:
    """Columns that say yes or no, and those that may be conditions."""
    switches = [(field, at[field], head[at[field]]) for field in SWITCHES if field in at]
    conditions: list[tuple[int, str]] = []
    for number, cell in enumerate(head):
        field = _FIELD.get(_spelt(cell))
        if number in at.values() or number in ignored:
            continue
        if field in SWITCHES:
            switches.append((field, number, cell))
        elif field in ONE_EACH or (field is None and may_condition(cell, _spelt(cell))):
            conditions.append((number, cell))
    return switches, conditions


def _chosen(
    given: Mapping[str, str], head: list[str], source: str
) -> tuple[dict[str, int], set[int]]:
    """The column of each field that a person names, and the columns that he says are of no use."""
    found: dict[str, int] = {}
    ignored: set[int] = set()
    for one, other in given.items():
        ours_first = one in SPELLINGS and other != "ignore"
        field, column = (one, other) if ours_first else (other, one)
        if field not in SPELLINGS:
            fields = ", ".join(name for name in SPELLINGS if name != "kind")
            raise ConfigError(source, f"{one}={other}: neither is one of {fields}")
        wanted = _spelt(column)
        places = [n for n, cell in enumerate(head) if _spelt(cell) == wanted]
        if not places and column.strip().isdecimal() and 1 <= int(column.strip()[:6]) <= len(head):
            places = [int(column.strip()[:6]) - 1]
        if not places:
            raise ConfigError(source, f"has no column {column!r}: {', '.join(head)[:200]}")
        if field == "ignore":
            ignored.update(places)
        else:
            found[field] = places[0]
    return found, ignored


def _is_head(
    head: list[str], rest: Sequence[list[str]], chosen: dict[str, int], given: Mapping[str, str]
) -> bool:
    """Whether the first row names columns. A name of one column is no host: "domain", "name"."""
    named = {_spelt(text) for pair in given.items() for text in pair}
    if any(_spelt(cell) in named and not cell.strip().isdecimal() for cell in head if cell.strip()):
        return True
    known = [cell for cell in head if _spelt(cell) in _FIELD]
    if any(_is_dotted(cell) for cell in head):
        return False
    return bool(known) or (
        bool(chosen) and bool(rest) and not _is_dotted(head[chosen.get("host", 0)])
    )


def _is_heading(head: list[str], column: int) -> bool:
    cell = head[column] if column < len(head) else ""
    return "." not in cell and (not cell.isascii() or " " in cell)


def _is_dotted(cell: str) -> bool:
    """Whether it can only be a host: it has a dot and no blank."""
    return "." in cell and not isinstance(meaning(cell, _GRAMMAR), str)


def _column_of_names(rows: Sequence[list[str]], taken: set[int]) -> int | None:
    """The column of which most cells can only be hosts."""
    counts: dict[int, int] = {}
    for row in rows[:_LOOKED_AT]:
        for number, cell in enumerate(row):
            if number not in taken and _is_dotted(cell):
                counts[number] = counts.get(number, 0) + 1
    if not counts:
        return None
    best = max(counts, key=lambda one: (counts[one], -one))
    return best if counts[best] * 2 >= len(rows[:_LOOKED_AT]) else None


def _notes(
    at: dict[str, int],
    head: list[str],
    headed: bool,
    switches: list[tuple[str, int, str]],
    more: list[int],
) -> list[str]:
    def called(number: int) -> str:
        name = f" {head[number][:40]!r}" if headed and number < len(head) else ""
        return f"column {number + 1}{name}"

    taken = ", ".join(f"{field} is {called(at[field])}" for field in SPELLINGS if field in at)
    asked = {*at.values(), *more, *(n for _, n, _ in switches)}
    left = [called(n) for n, cell in enumerate(head) if n not in asked and (cell or not headed)]
    found = [taken]
    if switches:
        found.append(f"yes or no: {', '.join(called(n) for _, n, _ in switches[:20])}")
    if more:
        found.append(f"a row with a value there is left out: {', '.join(map(called, more[:20]))}")
    if left:
        found.append(f"not used: {', '.join(left[:20])}")
    return found


def _spelt(cell: str) -> str:
    """Without capitals, blanks, signs and accents."""
    plain = unicodedata.normalize("NFKD", cell[:80].lower())
    return re.sub(r"[^a-z0-9]", "", plain)
