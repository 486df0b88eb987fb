"""tlsight's own rule file: what `bypass_rules` reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
import tomlkit

from addons.bypass.rule import Rule, RuleRow, rule_of, rule_rows
from addons.bypass.shown import shown_toml
from addons.formats.exported import Entry, Exported, Imported
from detector.errors import ConfigError, TargetError


def export(rules: Iterable[Rule], now: datetime) -> Exported:  # noqa: ARG001 (ends are said)
    """Every rule, also those that have ended: their end is in the file."""
    return Exported(render(_row(rule) for rule in rules), ())


def read(text: str, source: str) -> Imported:
    """Raises ConfigError."""
    try:
        data = tomlkit.parse(text).unwrap()
        rows = rule_rows(data, source)
    except tomlkit.exceptions.TOMLKitError as error:
        raise ConfigError(source, str(error)) from None
    patterns: list[str] = []
    for number, row in enumerate(rows, 1):
        try:
            patterns.append(rule_of(row).pattern[:100])
        except (ValueError, TargetError) as error:
            raise ConfigError(source, f"rule {number}: {error}") from None
    lines = [
        number
        for number, line in enumerate(text.split("\n"), 1)
        if line.replace(" ", "").replace("\t", "").startswith("[[rule]]")
    ]
    lines += [0] * len(rows)
    return Imported(tuple(map(Entry, rows, lines, patterns)))


def render(rows: Iterable[RuleRow]) -> str:
    """Rows as a file; what has its default is left out."""
    document = tomlkit.document()
    tables = tomlkit.aot()
    for row in rows:
        table = tomlkit.table()
        for key, value in msgspec.structs.asdict(row).items():
            if value not in (None, "") and (key, value) != ("action", "pass"):
                table.add(key, value)
        tables.append(table)
    if tables:
        document.add("rule", tables)
    return shown_toml(tomlkit.dumps(document))


def _row(rule: Rule) -> RuleRow:
    fields = msgspec.structs.asdict(rule)
    network, client = fields.pop("network"), fields.pop("client")
    return RuleRow(
        cidr=str(network) if network is not None else None,
        client=str(client) if client is not None else None,
        **fields,
    )
