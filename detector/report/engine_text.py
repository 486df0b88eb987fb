"""A learnt row as the TOML that data/engines.toml takes; what was measured stands in its comments."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import msgspec

from detector.chain.shape_learning import Learned
from detector.chain.shape_rule import ShapeRule

_SHOWN = 12


def row_text(name: str, category: str, learned: Learned) -> str:
    """The row, valid TOML."""
    lines = [
        *_measured(learned),
        "[[engine]]",
        f"id = {_value(re.sub(r'[^a-z0-9.]+', '-', name.lower()).strip('-'))}",
        f"name = {_value(name)}",
        f"category = {_value(category)}",
        f"source = {_value('measured; say which version, and how it was run')}",
        "",
        "[[engine.shapes]]",
    ]
    defaults = {f.name: f.default for f in msgspec.structs.fields(ShapeRule)}
    for member, default in defaults.items():
        value = getattr(learned.rule, member)
        if value != default:
            lines.append(f"{member} = {_value(value)}")
    return "\n".join(lines)


def _measured(learned: Learned) -> list[str]:
    count = len(learned.hits)
    lines = [f"# Hits {count} of {learned.measured} honest shapes."]
    origins = Counter(known.origin for known in learned.hits)
    lines += [f"#   {_printable(origin)}" for origin in list(origins)[:_SHOWN]]
    if len(origins) > _SHOWN:
        lines.append(f"#   and {len(origins) - _SHOWN} more")
    if count:
        lines.append(
            "# An operator's own CA makes leaves like this, so the row is weak: it decides nothing."
        )
    elif not learned.characteristic:
        lines.append(
            "# A private CA can be asked for all of it, so the row is weak: it decides nothing."
        )
    return lines


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(_value(one) for one in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return _quoted(value) if isinstance(value, str) else str(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _quoted(text: str) -> str:
    """A basic string: JSON's, but that TOML knows no surrogate pairs and no bare DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
