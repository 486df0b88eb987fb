"""tlsight's own rule file: what `bypass_rules` reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
import tomlkit

from addons.bypass.rule import Rule, RuleRow, rule_of, written_rows
from addons.bypass.shown import shown_toml
from addons.formats.exported import Entry, Exported, Imported
from detector.errors import ConfigError, TargetError


def export(rules: Iterable[Rule], now: datetime) -> Exported:  # noqa: ARG001 (ends are said)
    """Every rule, also those that have ended: their end is in the file."""
    return Exported(render(_row(rule) for rule in rules), ())


def read(text: str, source: str) -> Imported:
    """Raises ConfigError."""
    rows = written_rows(text, source)
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
    # A document of tomlkit's takes a tenth of a second for a thousand tables, its values alone a tenth of that.
    tables = ("".join(["[[rule]]\n", *_lines(row)]) for row in rows)
    return shown_toml("\n".join(tables))


def _lines(row: RuleRow) -> Iterator[str]:
    for key in row.__struct_fields__:
        value = getattr(row, key)
        if value not in (None, "") and (key, value) != ("action", "pass"):
            yield f"{key} = {tomlkit.item(value).as_string()}\n"


def _row(rule: Rule) -> RuleRow:
    fields = msgspec.structs.asdict(rule)
    network, client = fields.pop("network"), fields.pop("client")
    return RuleRow(
        cidr=str(network) if network is not None else None,
        client=str(client) if client is not None else None,
        **fields,
    )
