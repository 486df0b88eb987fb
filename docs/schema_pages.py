"""A readable page for each JSON Schema: its objects, their members, what each holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from table_pages import table

from detector.report import schema

# How each schema comes to be seen; a schema without a line here is an error.
MADE_BY = {
    "answer": "`tlsight --json`",
    "check": "`tlsight check --json` and `tlsight judge --json`, one object a line",
    "diagnose": "`tlsight diagnose --json`",
    "doctor": "`tlsight doctor --json`",
    "echo": "`tlsight echo URL --json`",
    "observation": "`tlsight check --save`, one object a line; `tlsight judge` reads it",
    "ct": "`tlsight ct --json` and `ct export`",
    "event": "the sinks of `tlsight agent`, and `agent events`",
    "agent": "`tlsight agent status --json`",
    "explain": "`tlsight explain --json`",
    "grade": "`tlsight grade --json`",
    "logs": "`tlsight logs --json`",
    "pcap": "`tlsight pcap --json`, one object a connection",
    "pcap-connection": "`tlsight pcap --connection N --json`",
    "pcap-summary": "`tlsight pcap --summary --json`",
    "trust": "`tlsight trust --json`",
    "trust-why": "`tlsight trust why --json`",
    "trust-fix": "`tlsight trust fix --json`",
    "trust-remove": "`tlsight trust remove --json`",
    "watch-path": "`tlsight watch-path --json`, one object a reading",
    "watch-path-networks": "`tlsight watch-path --networks --json`",
    "policy": "the file of `--policy`, which is TOML",
}


def schemas_page() -> str:
    """All of them."""
    rows = [(f"[{name}](schemas/{name}.md)", MADE_BY[name]) for name in schema.TYPES]
    return f"""# JSON

What the command prints for machines, and what it reads. Each page has the JSON Schema (2020-12) that the output is held
to. Members may be added; none changes its meaning or goes without another number behind the slash in `schema`.

{table(("schema", "where it is seen"), rows)}
"""


def schema_page(name: str) -> str:
    """One of them: the outer object first, then those that it holds."""
    whole = schema.schema(name)
    objects = whole["$defs"]
    outer = whole["$ref"].rpartition("/")[2]
    parts = [
        f"# {name}\n",
        f"Seen in: {MADE_BY[name]}. [JSON Schema](../{name}.schema.json).\n",
    ]
    titles = (outer, *(one for one in objects if one != outer))
    parts += [_object(title, objects[title]) for title in titles]
    return "\n".join(parts)


def _object(title: str, of: dict[str, Any]) -> str:
    needed = of.get("required", ())
    rows = [
        (f"`{member}`", _type(is_), "always" if member in needed else _default(is_))
        for member, is_ in of.get("properties", {}).items()
    ]
    told = _prose(of.get("description", ""))
    if not rows:
        return f"## {title}\n\n{told or _type(of)}\n"
    members = table(("member", "holds", "there"), rows)
    return "\n\n".join(filter(None, (f"## {title}", told, members))) + "\n"


def _type(of: dict[str, Any]) -> str:
    if "$ref" in of:
        title = of["$ref"].rpartition("/")[2]
        return f"[{title}](#{title.lower()})"
    if "anyOf" in of:
        return " or ".join(_type(one) for one in of["anyOf"])
    if "enum" in of:
        return ", ".join(f"`{one}`" for one in of["enum"])
    kind = of.get("type", "anything")
    if kind == "array":
        inner = of.get("prefixItems")
        return (
            f"list of {' and '.join(map(_type, inner)) if inner else _type(of.get('items') or {})}"
        )
    if kind == "object" and isinstance(of.get("additionalProperties"), dict):
        return f"object of {_type(of['additionalProperties'])}"
    return " ".join(filter(None, (str(kind), f"({of['format']})" if "format" in of else "")))


def _default(of: dict[str, Any]) -> str:
    default = of.get("default")
    return "" if default in (None, "", (), [], {}) else f"else `{default}`"


def _prose(text: str) -> str:
    """A docstring; what it says of attributes as a list."""
    return "\n".join(_prose_lines(text)).strip()


def _prose_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        told = re.match(r"    (?! )([\w, ]+): (.*)", line)
        if line.strip() in ("Attributes:", "Args:"):
            yield ""
        elif told:
            yield f"- `{told[1]}`: {told[2]}"
        else:
            yield f"  {line.strip()}" if line.startswith("     ") else line
