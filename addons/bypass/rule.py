"""One bypass rule, and the TOML file that holds them.

    [[rule]]
    host = "bank.example"        # this name only
    reason = "pinned app"

    [[rule]]
    suffix = "apple.com"         # this name and everything below it
    port = 443                   # optional: only this port
    client = "10.20.0.0/16"      # optional: only these clients
    owner = "network team"       # optional
    expires = 2027-06-30         # optional: from the next day on the host is inspected again; or a moment,
                                 # 2027-06-30T18:00:00Z

    [[rule]]
    wildcard = "*.cdn.example"   # exactly one label more
    action = "inspect"           # pass (when left out), inspect, or block
    bind = "resolve"             # optional: what a name must prove, "resolve", "certificate" or "none"

    [[rule]]
    cidr = "10.0.0.0/8"          # servers at these addresses

    [[rule]]
    regex = "api[0-9]+[.]example[.]com"   # the last resort: the whole name must match (expression.py)

    [[rule]]
    ja4 = "t13d1516h2_8daaf6152771_02713d6af862"   # any host, for this kind of client

At most one of host, suffix, wildcard, cidr and regex is given; without one, client or ja4 must narrow the
rule, or port, and host = "*" says that any host is meant. A file with anything wrong in it is refused whole: half a list of exceptions is not what its author
meant.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from addons.bypass.expression import fault, plain
from addons.bypass.place import regex_apart
from detector.errors import ConfigError, TargetError
from detector.knowledge.rows import (
    forbid_unknown,
    parse_toml,
    read_toml,
    remedy_for,
    row_line,
    rows_of,
)
from detector.model.targets import normal_host

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Action = Literal["pass", "inspect", "block"]
Bind = Literal["resolve", "certificate", "none"]
_JA4 = re.compile(r"[tqd](?:\d\d|s\d|d\d)[di]\d{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
if TYPE_CHECKING:
    End = date | None  # a datetime is a date, too
else:
    End = Any  # msgspec tells no date from a moment in one field: RuleRow does


class Rule(msgspec.Struct, frozen=True, gc=False):
    """A normalised rule. At most one of `host`, `suffix`, `wildcard`, `network`, `regex` is set.

    Attributes:
        suffix: this name and all below it.
        wildcard: the part behind "*.": names with exactly one label more.
        regex: matches a whole name.
        client: only clients of this network.
        ja4: only ClientHellos with this fingerprint.
        evidence: what it was decided on, one line.
        created: the day it was made.
        expires: its last day, that day included, or the moment at which it ends, in UTC.
        bind: what a name must prove before it passes (binding.py); None is what `bypass_verify` says.

    """

    host: str | None = None
    suffix: str | None = None
    network: Network | None = None
    port: int | None = None
    reason: str = ""
    owner: str = ""
    expires: date | None = None
    wildcard: str | None = None
    regex: str | None = None
    client: Network | None = None
    ja4: str | None = None
    action: Action = "pass"
    ticket: str = ""
    evidence: str = ""
    created: date | None = None
    bind: Bind | None = None

    @property
    def pattern(self) -> str:
        """The rule as a person reads it, e.g. ".apple.com:443"."""
        text = "*"
        if self.host is not None:
            text = self.host
        elif self.suffix is not None:
            text = f".{self.suffix}"
        elif self.wildcard is not None:
            text = f"*.{self.wildcard}"
        elif self.network is not None:
            text = str(self.network)
        elif self.regex is not None:
            text = f"/{self.regex}/"
        text = text if self.port is None else f"{text}:{self.port}"
        text = text if self.client is None else f"{text} from {self.client}"
        return text if self.ja4 is None else f"{text} by {self.ja4}"

    @property
    def until(self) -> str:
        """Its end as a person reads it, empty for none."""
        return "" if self.expires is None else said(self.expires)


class RuleRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A rule as it is written."""

    host: str | None = None
    suffix: str | None = None
    wildcard: str | None = None
    cidr: str | None = None
    regex: str | None = None
    port: int | None = None
    client: str | None = None
    ja4: str | None = None
    action: Action = "pass"
    reason: str = ""
    owner: str = ""
    ticket: str = ""
    evidence: str = ""
    created: date | None = None
    expires: End = None
    bind: Bind | None = None

    def __post_init__(self) -> None:
        end = self.expires
        if end is not None and type(end) is not date:
            msgspec.structs.force_setattr(self, "expires", end_of(end))


def load_rules(path: Path) -> tuple[Rule, ...]:
    """All rules of a file. Raises ConfigError with file and line; then none is to be used."""
    data, text = read_toml(path)
    forbid_unknown(path, data, {"rule"})
    rules: list[Rule] = []
    for index, row in enumerate(rows_of(path, data, text, "rule", RuleRow)):
        line = row_line(text, "rule", index)
        try:
            rules.append(rule_of(row))
        except (ValueError, TargetError) as error:
            raise ConfigError(str(path), str(error), line=line) from None
    return tuple(rules)


def written_rows(text: str, source: str) -> list[RuleRow]:
    """The rows of a rule file's text. Raises ConfigError for what is none."""
    # Half of a surrogate pair is refused there, like other bytes that are no UTF-8.
    data, _ = parse_toml(source, text.encode("utf-8", "surrogatepass"))
    return rule_rows(data, source)


def rule_rows(data: dict[str, Any], source: str) -> list[RuleRow]:
    """The rows of a parsed file. Raises ConfigError for what is none."""
    forbid_unknown(source, data, {"rule"})
    try:
        return msgspec.convert(data.get("rule", []), list[RuleRow])
    except msgspec.ValidationError as error:
        raise ConfigError(source, str(error), remedy=remedy_for(str(error))) from None


def rule_of(row: RuleRow) -> Rule:
    """The normalised rule. Raises ValueError or TargetError for one that means nothing, or never matches."""
    rule = kept_rule(settled(row))
    why = fault(rule.regex) if rule.regex is not None else None
    if why is not None:
        raise ValueError(why)
    return rule


def settled(row: RuleRow) -> RuleRow:
    """The row as it is kept: without a port inside its regex, and an address as a range. Raises ValueError."""
    if row.regex is not None:
        regex, port = regex_apart(row.regex)
        if port is not None and row.port not in (None, port):
            raise ValueError(f"port {row.port}, and the regex is for port {port}")
        if regex != row.regex:
            return msgspec.structs.replace(row, regex=regex, port=port or row.port)
    elif row.host is not None and (row.host[-1:].isdigit() or ":" in row.host):
        try:
            address = ipaddress.ip_address(row.host.strip("[]"))
        except ValueError:
            return row
        return msgspec.structs.replace(row, host=None, cidr=str(address))
    return row


def kept_rule(row: RuleRow) -> Rule:
    """As `rule_of`, of a row that was good once: what its regex says may no longer be in force.

    Raises ValueError or TargetError.
    """
    given = [v for v in (row.host, row.suffix, row.wildcard, row.cidr, row.regex) if v is not None]
    if len(given) > 1:
        raise ValueError("give at most one of host, suffix, wildcard, cidr, regex")
    any_host = row.host == "*"
    if any_host and row.port is None and row.client is None and row.ja4 is None:
        raise ValueError("any host is everything: give port, client or ja4")
    if not given and row.client is None and row.ja4 is None:
        raise ValueError("give one of host, suffix, wildcard, cidr, regex, or client or ja4")
    if row.port is not None and not 1 <= row.port <= 65535:
        raise ValueError(f"port {row.port} is not between 1 and 65535")
    if row.ja4 is not None and not _JA4.fullmatch(row.ja4):
        raise ValueError(f"{row.ja4!r} is no JA4 fingerprint")
    return Rule(
        host=normal_host(row.host) if row.host is not None and not any_host else None,
        suffix=_below(row.suffix) if row.suffix is not None else None,
        wildcard=_below(row.wildcard) if row.wildcard is not None else None,
        network=ipaddress.ip_network(row.cidr, strict=False) if row.cidr is not None else None,
        regex=plain(row.regex) if row.regex is not None else None,
        client=ipaddress.ip_network(row.client, strict=False) if row.client is not None else None,
        ja4=row.ja4,
        port=row.port,
        action=row.action,
        reason=row.reason,
        owner=row.owner,
        ticket=row.ticket,
        evidence=row.evidence,
        created=row.created,
        expires=row.expires,
        bind=row.bind,
    )


def end_of(value: object) -> date:
    """The day, or the moment in UTC, that a file, JSON or a person says. Raises ValueError."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) <= 10 else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} is in no zone: write it with a Z, for UTC")
        try:
            return value.astimezone(UTC).replace(microsecond=0)
        except OverflowError:
            raise ValueError(f"{value.isoformat()} is no moment in UTC") from None
    if isinstance(value, date):
        return value
    raise ValueError("expires is no day and no moment")


def said(end: date) -> str:
    """A day or a moment as a person reads it, and may write it."""
    if not isinstance(end, datetime):
        return end.isoformat()
    return f"{end:%Y-%m-%dT%H:%M:%SZ}" if end.second else f"{end:%Y-%m-%dT%H:%MZ}"


def _below(text: str) -> str:
    return normal_host(text.removeprefix("*").removeprefix("."))
