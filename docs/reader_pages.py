"""The home page, an index for each kind of reader, and the glossary: made of readers.toml and terms.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

DOCS = Path(__file__).parent


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    page: str
    text: str


class Reader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str
    words: str
    start: str
    task: tuple[Task, ...]


class Term(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    text: str
    short: str = ""
    also: tuple[str, ...] = ()
    see: str = ""


def readers() -> tuple[Reader, ...]:
    """In the order in which the site shows them."""
    rows = tomllib.loads((DOCS / "readers.toml").read_text())["reader"]
    return msgspec.convert(rows, tuple[Reader, ...])


def terms() -> tuple[Term, ...]:
    """By name."""
    rows = tomllib.loads((DOCS / "terms.toml").read_text())["term"]
    return tuple(
        sorted(msgspec.convert(rows, tuple[Term, ...]), key=lambda one: one.name.casefold())
    )


def title(page: str) -> str:
    """The heading of a page below docs/."""
    return (DOCS / page).read_text().partition("\n")[0].removeprefix("# ")


def home_page() -> str:
    listed = "\n".join(f"- [{one.name}](readers/{one.id}.md): {one.words}" for one in readers())
    return f"""# tlsight

Who really answers on a TLS connection — with proof.

![tlsight check: one host direct, two hosts intercepted](pictures/check.svg)

    pip install tlsight
    tlsight check

The [first hour](tutorial/first-hour.md) leads from there to a policy for a whole office. Then go by what you are:

{listed}

Or look something up: [the command](reference/command.md), [causes](reference/causes.md),
[evidence](reference/evidence.md), [programs](reference/programs.md), [products](reference/products.md),
[JSON](reference/schemas.md), [Python](reference/python.md), [terms](reference/glossary.md).
"""


def reader_page(reader: Reader) -> str:
    tasks = "\n".join(
        f"- [{title(task.page)}](../{task.page}): {task.text}" for task in reader.task
    )
    return f"""# {reader.name}

{reader.words} Begin with:

    {reader.start}

{tasks}

What a word means is in the [glossary](../reference/glossary.md).
"""


def glossary_page() -> str:
    parts = ["# Glossary\n"]
    for term in terms():
        names = ", ".join((term.name, *term.also))
        short = f"{term.short}. " if term.short else ""
        see = f" See [{title(term.see)}](../{term.see})." if term.see else ""
        parts.append(f"## {names}\n\n{short}{term.text}{see}\n")
    return "\n".join(parts)
