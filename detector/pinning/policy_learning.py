"""A CA that answered for a host, as an entry of the policy: who it is, whether it may be one, and its place in the file.

Rules
-----
1. What a connection shows is what an interceptor shows. An entry is made only of a CA for which somebody answers by
   another way: the SHA-256 of its certificate or of its key (SPKI), which its owner told.
2. That digest may be of any CA on the path that the leaf's signatures prove; the entry holds the key it names.
3. No entry is made of a public path (nobody needs leave), of a certificate that signed itself, of a CA that may not sign
   for the host now, or of a key that everybody has.
4. An entry lets decrypt what it is told to, and the host that was asked where it is told nothing: never everything.
5. A key has one entry, so it has one last day. A day that would also end, or prolong, what was allowed before is
   refused unless those hosts are named again with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Literal

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from detector.errors import ConfigError
from detector.evidence.examination import Examination
from detector.pinning.learning import visible

Table = Literal["sanctioned", "private"]
_OTHER_WAY = "ask who runs it, by another way than this connection"


class PresentedCa(msgspec.Struct, frozen=True):
    """A CA on the path above the leaf.

    Attributes:
        name: its common name, or the whole subject.
        subject: RFC 4514 text; empty where its certificate was not sent.
        sha256: of its certificate, lower-case hex; empty where that was not sent.
        spki_sha256: of its key.

    """

    name: str
    subject: str
    sha256: str
    spki_sha256: str


class Entry(msgspec.Struct, frozen=True):
    """What is to stand in the policy. `names` is decrypt of a sanctioned CA, names of a private one.

    Attributes:
        renames: the name was chosen, so that it takes the place of one that stands there.

    """

    table: Table
    name: str
    spki: str
    names: tuple[str, ...]
    never: tuple[str, ...] = ()
    owner: str = ""
    expires: date | None = None
    ca_name: str = ""
    renames: bool = False


def presented(seen: Examination) -> tuple[PresentedCa, ...]:
    """The CAs of which an entry may be made, the leaf's issuer first. Raises ConfigError where there is none."""
    host = seen.host
    if seen.is_public_path:
        why = f"a public CA answers for {host}: there is nobody to allow"
        raise ConfigError("policy learn", why, remedy=f"see tlsight check {host}")
    if seen.path.kind == "self-signed":
        why = f"whoever answers for {host} made the certificate himself: there is no CA to allow"
        raise ConfigError("policy learn", why, remedy=f"see tlsight check {host}")
    leaked = next(filter(None, map(seen.known.published.find, sorted(seen.issuing_keys))), None)
    if leaked is not None:
        why = f"the key of {leaked.name} is public: anybody can sign with it"
        raise ConfigError("policy learn", why, remedy="allow it nowhere; see tlsight trust")
    found = [
        PresentedCa(
            ", ".join(ca.subject_fields.get("CN", [])) or ca.subject_text,
            ca.subject_text,
            ca.sha256,
            ca.spki_sha256,
        )
        for ca in seen.lawful_path[1:]
    ]
    if not found and seen.path.issuer is None and seen.issuer_spki_sha256 is not None:
        name = ", ".join(seen.leaf.issuer_fields.get("CN", [])) or seen.leaf.issuer_text
        found.append(PresentedCa(name, "", "", seen.issuer_spki_sha256))
    if not found:
        why = f"the CA that answers for {host} was not sent, or may not sign for it now"
        raise ConfigError("policy learn", why, remedy=f"{_OTHER_WAY}, for its key's SHA-256")
    return tuple(found)


def answered_for(cas: Sequence[PresentedCa], digest: str) -> PresentedCa | None:
    """The CA whose certificate or key has this SHA-256; None where nobody on the path has.

    Raises ConfigError for what is no digest.
    """
    given = re.sub(r"[:\s]", "", digest.removeprefix("sha256:")).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", given):
        remedy = "write the 64 hex digits that its owner told you"
        raise ConfigError("--sha256", f"{digest!r} is no SHA-256", remedy=remedy)
    return next((ca for ca in cas if given in (ca.sha256, ca.spki_sha256)), None)


def with_entry(
    text: str, entry: Entry, digest_text: Callable[[str], str], digest_of: Callable[[str], str]
) -> str:
    """The policy's text with the entry in it, or with its patterns in the row that has its key already.

    Comments and order stay. Raises ConfigError for a text that is no TOML, and for a last day that would touch other
    hosts than the entry's.

    Args:
        text: of the file; empty where there is none yet.
        entry: what is to stand there.
        digest_text: a key's digest as the file writes it, of lower-case hex.
        digest_of: the way back, of every form that the file may have.

    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError("policy", str(error)) from None
    if entry.table not in document:
        document.append(entry.table, tomlkit.aot())
    rows = document[entry.table]
    if not isinstance(rows, AoT):
        raise ConfigError("policy", f"no [[{entry.table}]] rows")
    row = next((one for one in rows if entry.spki in map(digest_of, _keys(one))), None)
    if row is None:
        rows.append(_row(entry, digest_text(entry.spki)))
    else:
        _widen(row, entry)
    return tomlkit.dumps(document)


def _keys(row: Any) -> list[str]:
    return [str(key) for key in (row.get("spki", ""), *row.get("also", ())) if key]


def _row(entry: Entry, digest: str) -> Any:
    row = tomlkit.table()
    if entry.table == "private":
        row["spki"] = digest
        row["names"] = list(entry.names)
        row["note"] = visible(entry.name)
    else:
        row["name"] = visible(entry.name)
        row["spki"] = digest
        if entry.ca_name:
            row["ca_name"] = visible(entry.ca_name)
        if entry.owner:
            row["owner"] = visible(entry.owner)
        row["decrypt"] = list(entry.names)
        if entry.never:
            row["never"] = list(entry.never)
    if entry.expires is not None:
        row["expires"] = entry.expires
    return row


def _widen(row: Any, entry: Entry) -> None:
    key = "names" if entry.table == "private" else "decrypt"
    before = [str(one) for one in row.get(key, [])]
    others = [one for one in before if one not in entry.names]
    if entry.expires is not None and others and row.get("expires") != entry.expires:
        touched = ", ".join(map(visible, others))
        raise ConfigError(
            "--expires",
            f"{entry.expires} would become the last day of {touched} too, which the same key has leave for",
            remedy="name those hosts as well (--decrypt), or leave the day out",
        )
    for name, patterns in ((key, entry.names), ("never", entry.never)):
        had = [str(one) for one in row.get(name, [])]
        more = [one for one in patterns if one not in had]
        if more:
            row[name] = [*had, *more]
    if entry.renames:
        row["note" if entry.table == "private" else "name"] = visible(entry.name)
    if entry.owner:
        row["owner"] = visible(entry.owner)
    if entry.expires is not None:
        row["expires"] = entry.expires
