"""One bypass rule, and the TOML file that holds them.

    [[rule]]
    host = "bank.example"        # this name only
    reason = "pinned app"

    [[rule]]
    suffix = "apple.com"         # this name and everything below it
    port = 443                   # optional: only this port
    owner = "network team"       # optional
    expires = 2027-06-30         # optional: from the next day on the host is inspected again

    [[rule]]
    cidr = "10.0.0.0/8"          # servers at these addresses

Exactly one of host, suffix and cidr is given. A file with anything wrong in it is refused whole:
half a list of exceptions is not what its author meant.
"""

from __future__ import annotations

import ipaddress
from datetime import date
from pathlib import Path

import msgspec

from detector.errors import ConfigError, TargetError
from detector.knowledge.rows import forbid_unknown, read_toml, row_line, rows_of
from detector.targets import normal_host

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Rule(msgspec.Struct, frozen=True):
    """A normalised rule. One of `host`, `suffix`, `network` is set."""

    host: str | None = None
    suffix: str | None = None
    network: Network | None = None
    port: int | None = None
    reason: str = ""
    owner: str = ""
    expires: date | None = None

    @property
    def pattern(self) -> str:
        """The rule as a person reads it, e.g. ".apple.com:443"."""
        text = self.host or (f".{self.suffix}" if self.suffix else str(self.network))
        return text if self.port is None else f"{text}:{self.port}"


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str | None = None
    suffix: str | None = None
    cidr: str | None = None
    port: int | None = None
    reason: str = ""
    owner: str = ""
    expires: date | None = None


def load_rules(path: Path) -> tuple[Rule, ...]:
    """All rules of a file. Raises ConfigError with file and line; then none is to be used."""
    data, text = read_toml(path)
    forbid_unknown(path, data, {"rule"})
    rules: list[Rule] = []
    for index, row in enumerate(rows_of(path, data, text, "rule", _Row)):
        line = row_line(text, "rule", index)
        try:
            rules.append(_rule(row))
        except (ValueError, TargetError) as error:
            raise ConfigError(str(path), str(error), line=line) from None
    return tuple(rules)


def _rule(row: _Row) -> Rule:
    given = [v for v in (row.host, row.suffix, row.cidr) if v is not None]
    if len(given) != 1:
        raise ValueError("give exactly one of host, suffix, cidr")
    if row.port is not None and not 1 <= row.port <= 65535:
        raise ValueError(f"port {row.port} is not between 1 and 65535")
    return Rule(
        host=normal_host(row.host) if row.host is not None else None,
        suffix=_suffix(row.suffix) if row.suffix is not None else None,
        network=ipaddress.ip_network(row.cidr, strict=False) if row.cidr is not None else None,
        port=row.port,
        reason=row.reason,
        owner=row.owner,
        expires=row.expires,
    )


def _suffix(text: str) -> str:
    return normal_host(text.removeprefix("*").removeprefix("."))
