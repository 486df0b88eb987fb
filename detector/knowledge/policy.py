"""The policy file: what an organisation declares about its own names, CAs and interceptors.

internal = [".corp.example.com", "intranet"]

[[private]]                  # a private CA that is expected for some names
spki = "sha256//...="        # the CA's key
names = [".example.com"]
note = "factory floor"

[[sanctioned]]               # an interceptor that is allowed
name = "Example Corp gateway"
spki = "sha256//...="        # its CA's key
decrypt = ["*"]              # hosts it may decrypt
never = [".bank.example"]    # hosts it must not, whatever decrypt says
expires = 2027-06-30         # optional
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from detector.errors import ConfigError
from detector.evidence.hosts import HostPattern
from detector.evidence.known import Policy, PrivateIssuer, Sanctioned
from detector.knowledge.hosts import host_pattern, key_digest
from detector.knowledge.rows import forbid_unknown, read_toml, row_line, rows_of


class _Private(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    spki: str
    names: tuple[str, ...]
    note: str = ""


class _Sanctioned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    spki: str
    decrypt: tuple[str, ...]
    never: tuple[str, ...] = ()
    expires: date | None = None


def load_policy(path: Path) -> Policy:
    """Raises ConfigError with file and line."""
    data, text = read_toml(path)
    forbid_unknown(path, data, {"internal", "private", "sanctioned"})
    internal = data.get("internal", [])
    if not isinstance(internal, list) or not all(isinstance(name, str) for name in internal):
        raise ConfigError(str(path), "internal must be a list of names")

    def patterns(names: tuple[str, ...]) -> tuple[HostPattern, ...]:
        return tuple(host_pattern(path, name) for name in names)

    def where(table: str, index: int) -> str:
        return f"{path}:{row_line(text, table, index)}"

    private = rows_of(path, data, text, "private", _Private)
    sanctioned = rows_of(path, data, text, "sanctioned", _Sanctioned)
    return Policy(
        internal=patterns(tuple(internal)),
        private=tuple(
            PrivateIssuer(key_digest(where("private", i), r.spki), patterns(r.names), r.note)
            for i, r in enumerate(private)
        ),
        sanctioned=tuple(
            Sanctioned(
                r.name,
                key_digest(where("sanctioned", i), r.spki),
                patterns(r.decrypt),
                patterns(r.never),
                r.expires,
            )
            for i, r in enumerate(sanctioned)
        ),
    )
