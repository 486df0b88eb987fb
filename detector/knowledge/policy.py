"""The policy file: what an organisation declares about its own names, CAs and interceptors.

internal = [".corp.example.com", "intranet"]

[[private]]                  # a private CA that is expected for some names
spki = "sha256//...="        # the CA's key
names = [".example.com"]
note = "factory floor"
expires = 2027-06-30         # optional

[[sanctioned]]               # an interceptor that is allowed
name = "Example Corp gateway"
spki = "sha256//...="        # its CA's key
also = ["sha256//...="]      # optional: keys of further appliances, or of the next CA
ca_name = "Corp Proxy CA"    # optional: another key under this name is noticed
owner = "network team"       # optional
decrypt = ["*"]              # hosts it may decrypt
never = [".bank.example"]    # hosts it must not, whatever decrypt says
expires = 2027-06-30         # optional
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from detector.errors import ConfigError
from detector.knowledge.hosts import host_pattern, key_digest
from detector.knowledge.rows import forbid_unknown, read_toml, row_line, rows_of
from detector.known.hosts import HostPattern
from detector.known.knowledge import Policy, PrivateIssuer, Sanctioned


class PrivateRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A private CA that is expected for some names."""

    spki: str
    names: tuple[str, ...]
    note: str = ""
    expires: date | None = None


class SanctionedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An interceptor that is allowed."""

    name: str
    spki: str
    decrypt: tuple[str, ...]
    never: tuple[str, ...] = ()
    expires: date | None = None
    also: tuple[str, ...] = ()
    ca_name: str = ""
    owner: str = ""


class PolicyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; its JSON Schema is in docs/reference/policy.schema.json."""

    internal: tuple[str, ...] = ()
    private: tuple[PrivateRow, ...] = ()
    sanctioned: tuple[SanctionedRow, ...] = ()


def load_policy(path: Path) -> Policy:
    """Raises ConfigError with file and line."""
    return read_policy(path)[0]


def read_policy(path: Path) -> tuple[Policy, dict[tuple[str, int], int | None]]:
    """The policy, and the line of each (table, number) for lint. Raises ConfigError."""
    data, text = read_toml(path)
    forbid_unknown(path, data, {"internal", "private", "sanctioned"})
    internal = data.get("internal", [])
    if not isinstance(internal, list) or not all(isinstance(name, str) for name in internal):
        raise ConfigError(str(path), "internal must be a list of names")
    private = rows_of(path, data, text, "private", PrivateRow)
    sanctioned = rows_of(path, data, text, "sanctioned", SanctionedRow)
    lines = {
        (table, index): row_line(text, table, index)
        for table, rows in (("private", private), ("sanctioned", sanctioned))
        for index in range(len(rows))
    }

    def digest(table: str, index: int, key: str) -> str:
        return key_digest(f"{path}:{lines[table, index]}", key)

    def patterns(names: tuple[str, ...]) -> tuple[HostPattern, ...]:
        return tuple(host_pattern(path, name) for name in names)

    policy = Policy(
        internal=patterns(tuple(internal)),
        private=tuple(
            PrivateIssuer(digest("private", i, r.spki), patterns(r.names), r.note, r.expires)
            for i, r in enumerate(private)
        ),
        sanctioned=tuple(
            Sanctioned(
                r.name, digest("sanctioned", i, r.spki), patterns(r.decrypt), patterns(r.never),
                r.expires, tuple(digest("sanctioned", i, key) for key in r.also), r.ca_name,
                r.owner,
            )
            for i, r in enumerate(sanctioned)
        ),
    )  # fmt: skip
    return policy, lines


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the policy file, for editors that check TOML."""
    found = msgspec.json.schema(PolicyFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
