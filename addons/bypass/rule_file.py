"""Adding to and taking from a TOML rule file, its comments and order kept."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from addons.bypass.rule import Rule, RuleRow, load_rules, rule_of
from detector.errors import ConfigError, StoreError, TargetError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

# Keys in the order in which a person reads a rule.
_KEYS = (
    "host", "suffix", "wildcard", "cidr", "regex", "port", "client", "ja4", "action", "reason",
    "owner", "ticket", "evidence", "created", "expires",
)  # fmt: skip


def pattern_row(text: str) -> dict[str, str]:
    """The key and value that a pattern on the command line means.

    "a.com" is a host, ".a.com" a suffix, "*.a.com" a one-label wildcard, "/x/" a regex, "10.0.0.0/8" a
    range; "*" any host.
    """
    if text == "*":
        return {}
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return {"regex": text[1:-1]}
    if text.startswith("*."):
        return {"wildcard": text}
    if text.startswith("."):
        return {"suffix": text}
    try:
        rule_of(RuleRow(cidr=text))
    except ValueError:
        return {"host": text}
    return {"cidr": text}


def add_rule(path: Path, row: RuleRow) -> Rule:
    """Append a rule; the file is made when missing.

    Raises ConfigError for a rule that means nothing or is there already, and for a file that cannot be
    read; StoreError for one that cannot be written.
    """
    import tomlkit

    try:
        rule = rule_of(row)
    except (ValueError, TargetError) as error:
        raise ConfigError(str(path), str(error)) from None
    there = load_rules(path) if path.exists() else ()
    if any(one.pattern == rule.pattern for one in there):
        raise ConfigError(str(path), f"{rule.pattern} is there already", remedy="remove it first")
    document = _document(path)
    table = tomlkit.table()
    for key in _KEYS:
        value = getattr(row, key)
        if value not in (None, "") and not (key == "action" and value == "pass"):
            table.add(key, value)
    if "rule" not in document:
        document.add("rule", tomlkit.aot())
    document["rule"].append(table)
    _write(path, document)
    return rule


def remove_rule(path: Path, pattern: str) -> Rule:
    """Take the rule with this pattern away. Raises ConfigError where there is none."""
    rules = load_rules(path)
    position = next((n for n, rule in enumerate(rules) if rule.pattern == pattern), None)
    if position is None:
        known = ", ".join(rule.pattern for rule in rules[:5]) or "none"
        raise ConfigError(str(path), f"no rule {pattern!r}", remedy=f"there are: {known}")
    document = _document(path)
    del document["rule"][position]
    _write(path, document)
    return rules[position]


def row_of(pattern: str, **fields: object) -> RuleRow:
    """A row from a pattern and further fields. Raises ConfigError for fields of a wrong type."""
    data = {**pattern_row(pattern), **{k: v for k, v in fields.items() if v is not None}}
    try:
        return msgspec.convert(data, RuleRow)
    except msgspec.ValidationError as error:
        raise ConfigError(pattern, str(error)) from None


def day(text: str, today: date) -> date:
    """A date, or "90d" from today. Raises ConfigError."""
    from datetime import timedelta

    try:
        if text.endswith("d") and text[:-1].isdigit():
            return today + timedelta(days=int(text[:-1]))
        return date.fromisoformat(text)
    except (ValueError, OverflowError):
        remedy = "write 2027-06-30, or 90d"
        raise ConfigError("--expires", f"{text!r} is no day", remedy=remedy) from None


def _document(path: Path) -> TOMLDocument:
    import tomlkit

    return tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()


def _write(path: Path, document: TOMLDocument) -> None:
    import tomlkit

    from detector.knowledge.whole_file import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, tomlkit.dumps(document).encode())
    except OSError as error:
        remedy = "the file is as it was"
        raise StoreError(str(path), error.strerror or str(error), remedy=remedy) from None
